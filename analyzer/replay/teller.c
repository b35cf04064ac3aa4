/*
 * A ring of batches between the replay and the crew. See teller.h.
 *
 * The crew's lock is taken twice per batch, that is, per some thousand events.
 */
#include "teller.h"

#include <errno.h>
#include <stdlib.h>

#include "../analysis/extremes.h"

#define TELLER_FILLED 2u /* batches that wake a helper: each waking costs both processors */

static void fill(struct teller *teller, struct teller_batch *batch) {
    teller->batch = batch;
    teller->at = batch->events;
    teller->full = batch->events + teller->room;
    batch->count = batch->message_count = 0;
}

int teller_begin(struct teller *teller) {
    *teller = (struct teller){.batches = malloc(TELLER_BATCHES * sizeof *teller->batches), .room = TELLER_PIECE};
    if (!teller->batches) return -ENOMEM;
    fill(teller, teller->batches);
    return 0;
}

void teller_add(struct teller *teller, const struct analysis *analysis, void *self) {
    teller->hooks[teller->hook_count++] = (struct teller_hook){self, analysis};
}

static struct block_levels levels_of(const struct block_event *event, const struct block_event *end) {
    struct block_levels levels = {event->live_bytes, event->ns, event->live_bytes, event->live_blocks,
                                  event->pinned_bytes};
    while (++event < end) {
        if (event->live_bytes > levels.bytes_max) {
            levels.bytes_max = event->live_bytes;
            levels.bytes_max_ns = event->ns;
        }
        if (event->live_bytes < levels.bytes_min) levels.bytes_min = event->live_bytes;
        levels.blocks_max = most(levels.blocks_max, event->live_blocks);
        levels.pinned_max = most(levels.pinned_max, event->pinned_bytes);
    }
    return levels;
}

static void tell_events(const struct teller *teller, const struct block_event *event, const struct block_event *end) {
    while (event < end) {
        size_t count = end - event < TELLER_PIECE ? (size_t)(end - event) : TELLER_PIECE;
        struct block_levels levels = levels_of(event, event + count);
        for (unsigned i = 0; i < teller->hook_count; i++)
            teller->hooks[i].analysis->blocks(teller->hooks[i].self, event, count, &levels);
        event += count;
    }
}

static void tell_message(const struct teller_hook *hook, const struct teller_message *message) {
    const struct analysis *analysis = hook->analysis;
    switch (message->kind) {
    case TELLER_CONTROL:
        if (analysis->control) analysis->control(hook->self, &message->control, &message->now);
        break;
    case TELLER_SAMPLE:
        if (analysis->sample) analysis->sample(hook->self, &message->sample, &message->now);
        break;
    case TELLER_FAILED:
        if (analysis->failed) analysis->failed(hook->self, message->failed.size, message->failed.stack, &message->now);
        break;
    }
}

static void tell_batch(const struct teller *teller, const struct teller_batch *batch) {
    const struct block_event *event = batch->events;
    for (uint32_t m = 0; m < batch->message_count; m++) {
        const struct teller_message *message = &batch->messages[m];
        tell_events(teller, event, batch->events + message->after);
        event = batch->events + message->after;
        for (unsigned i = 0; i < teller->hook_count; i++) tell_message(&teller->hooks[i], message);
    }
    tell_events(teller, event, batch->events + batch->count);
}

/* One batch at a time, for they have an order. */
static bool tell_one(void *self, unsigned hand, bool pressing) {
    struct teller *teller = self;
    (void)hand, (void)pressing;
    if (teller->telling || teller->told == teller->filled) return false;
    teller->telling = true;
    pthread_mutex_unlock(&teller->crew->lock);
    tell_batch(teller, &teller->batches[teller->told % TELLER_BATCHES]);
    pthread_mutex_lock(&teller->crew->lock);
    teller->telling = false;
    teller->told++;
    return true;
}

void teller_join(struct teller *teller, struct crew *crew) {
    if (!teller->hook_count) return;
    teller->crew = crew;
    teller->room = TELLER_EVENTS;
    crew_add(crew, (struct crew_duty){teller, tell_one});
    fill(teller, teller->batch);
}

static void hand_over(struct teller *teller) {
    pthread_mutex_lock(&teller->crew->lock);
    teller->filled++;
    if (teller->filled >= teller->told + TELLER_FILLED) crew_offer(teller->crew);
    while (teller->filled == teller->told + TELLER_BATCHES) crew_wait(teller->crew);
    pthread_mutex_unlock(&teller->crew->lock);
}

void teller_pass(struct teller *teller) {
    teller->batch->count = (uint32_t)(teller->at - teller->batch->events);
    if (teller->crew) hand_over(teller);
    else tell_batch(teller, teller->batch);
    fill(teller, &teller->batches[teller->filled % TELLER_BATCHES]);
}

struct teller_message *teller_message(struct teller *teller, const struct moment *now) {
    if (teller->batch->message_count == TELLER_MESSAGES) teller_pass(teller);
    struct teller_batch *batch = teller->batch;
    struct teller_message *message = &batch->messages[batch->message_count++];
    message->after = (uint32_t)(teller->at - batch->events);
    message->now = *now;
    return message;
}

void teller_finish(struct teller *teller) {
    if (!teller->batches) return;
    teller_pass(teller);
    if (!teller->crew) return;
    pthread_mutex_lock(&teller->crew->lock);
    while (teller->told < teller->filled) crew_wait(teller->crew);
    pthread_mutex_unlock(&teller->crew->lock);
}

void teller_end(struct teller *teller) {
    free(teller->batches);
    teller->batches = NULL;
}

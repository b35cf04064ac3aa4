/*
 * Follows, for each thread and watched function, whether its last allocation came from inside. See activations.h.
 */
#include "activations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct running { /* of one thread and function */
    uint64_t begin;
    uint32_t frame; /* as in function_watch; 0: not running */
    uint32_t first; /* frame at its first allocation */
    uint32_t stack; /* of its last allocation */
};

struct thread_state {
    uint64_t last; /* stamp of its last event */
    struct running *running;
};

struct activations {
    const struct function_watch *watch;
    size_t functions;
    struct thread_state *threads; /* by serial */
    size_t thread_count;
    struct activation *list;
    size_t count, capacity;
    uint64_t dropped;
    bool failed; /* out of memory */
};

static void *activations_begin(const struct replay_facts *facts) {
    struct activations *a = calloc(1, sizeof *a);
    if (!a) return NULL;
    a->watch = facts->watch;
    a->functions = facts->watch ? facts->watch->count : 0;
    return a;
}

void activations_release(struct activations *a) {
    if (!a) return;
    for (size_t i = 0; i < a->thread_count; i++) free(a->threads[i].running);
    free(a->threads);
    free(a->list);
    free(a);
}

const struct activation *activations_list(const struct activations *a, size_t *count) {
    *count = a->count;
    return a->list;
}

uint64_t activations_dropped(const struct activations *a) { return a->dropped; }

static bool make_room_for_thread(struct activations *a, uint32_t serial) {
    if (serial < a->thread_count) return true;
    size_t count = a->thread_count ? a->thread_count : 8;
    while (count <= serial) count *= 2;
    struct thread_state *grown = realloc(a->threads, count * sizeof *grown);
    if (!grown) return false;
    memset(grown + a->thread_count, 0, (count - a->thread_count) * sizeof *grown);
    a->threads = grown;
    a->thread_count = count;
    return true;
}

/* NULL: out of memory. */
static struct thread_state *state_of(struct activations *a, uint32_t serial) {
    if (!make_room_for_thread(a, serial)) return NULL;
    struct thread_state *thread = &a->threads[serial];
    if (!thread->running) thread->running = calloc(a->functions, sizeof *thread->running);
    return thread->running ? thread : NULL;
}

static bool make_room(struct activations *a) {
    if (a->count < a->capacity) return true;
    size_t capacity = a->capacity ? 2 * a->capacity : 64;
    struct activation *grown = realloc(a->list, capacity * sizeof *grown);
    if (!grown) return false;
    a->list = grown;
    a->capacity = capacity;
    return true;
}

static void stop(struct activations *a, uint32_t serial, uint32_t function) {
    struct thread_state *thread = &a->threads[serial];
    struct running *running = &thread->running[function];
    struct activation found = {running->begin, thread->last + 1, serial, function, running->first, running->frame};
    running->frame = 0;
    if (a->count == ACTIVATIONS_MAX) a->dropped++;
    else if (make_room(a)) a->list[a->count++] = found;
    else a->failed = true;
}

static bool goes_on(const struct activations *a, uint32_t function, const struct running *running, uint32_t stack) {
    const struct function_watch *watch = a->watch;
    return running->frame && watch->same_call(watch->context, function, running->stack, stack);
}

static void note_function(struct activations *a, uint32_t function, uint32_t stack, const struct moment *now) {
    struct running *running = &a->threads[now->thread].running[function];
    uint32_t frame = stack < a->watch->stack_count ? a->watch->frames[function][stack] : 0;
    if (!frame && !running->frame) return;
    if (!frame || !goes_on(a, function, running, stack)) {
        if (running->frame) stop(a, now->thread, function);
        running->begin = now->stamp;
        running->first = frame;
    }
    running->frame = frame;
    running->stack = stack;
}

static void note_allocation(struct activations *a, uint32_t stack, const struct moment *now) {
    struct thread_state *thread = state_of(a, now->thread);
    if (!thread) {
        a->failed = true;
        return;
    }
    for (uint32_t f = 0; f < a->functions; f++) note_function(a, f, stack, now);
    thread->last = now->stamp;
}

static void activations_born(void *self, struct block *block, const struct moment *now) {
    note_allocation(self, block->stack, now);
}

static void activations_resized(void *self, struct block *block, uint64_t old_size, uint32_t old_stack,
                                const struct moment *now) {
    (void)old_size, (void)old_stack;
    note_allocation(self, block->stack, now);
}

static void activations_died(void *self, struct block *block, enum death_cause cause, const struct moment *now) {
    struct activations *a = self;
    (void)block, (void)cause;
    if (now->thread < a->thread_count) a->threads[now->thread].last = now->stamp;
}

static int activations_end(void *self, const struct moment *now) {
    struct activations *a = self;
    (void)now;
    for (uint32_t serial = 0; serial < a->thread_count; serial++)
        for (uint32_t f = 0; a->threads[serial].running && f < a->functions; f++)
            if (a->threads[serial].running[f].frame) stop(a, serial, f);
    return a->failed ? -ENOMEM : 0;
}

const struct analysis activations_analysis = {
    .name = "activations",
    .begin = activations_begin,
    .born = activations_born,
    .resized = activations_resized,
    .died = activations_died,
    .end = activations_end,
};

/*
 * Follows, for each thread and watched function, whether its last allocation came from inside. See activations.h.
 */
#include "activations.h"

#include <errno.h>
#include <stdlib.h>

#include "../list.h"
#include "../must.h"
#include "thread_numbers.h"

struct running { /* of one thread and function */
    uint64_t begin;
    uint32_t frame; /* as in function_watch; 0: not running */
    uint32_t first; /* frame at its first allocation */
    uint32_t stack; /* of its last allocation */
};

struct thread_state {
    uint32_t serial;
    uint64_t last; /* stamp of its last event */
    struct running *running;
};

struct activations {
    const struct function_watch *watch;
    size_t functions;
    struct thread_numbers numbers;
    struct thread_state *threads; /* by number; as many as numbers.count */
    struct activation *list;
    size_t count;
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
    for (size_t i = 0; i < a->numbers.count; i++) free(a->threads[i].running);
    free(a->threads);
    thread_numbers_release(&a->numbers);
    free(a->list);
    free(a);
}

const struct activation *activations_list(const struct activations *a, size_t *count) {
    *count = a->count;
    return a->list;
}

uint64_t activations_dropped(const struct activations *a) { return a->dropped; }

static struct thread_state *find_thread(const struct activations *a, uint32_t serial) {
    uint32_t number = thread_numbers_find(&a->numbers, serial);
    return number == THREAD_NO_NUMBER ? NULL : &a->threads[number];
}

static struct thread_state *add_thread(struct activations *a, uint32_t serial) {
    a->threads = must(realloc(a->threads, (a->numbers.count + 1u) * sizeof *a->threads));
    struct thread_state *thread = &a->threads[thread_numbers_add(&a->numbers, serial)];
    *thread = (struct thread_state){serial, 0, must(calloc(a->functions + 1, sizeof *thread->running))};
    return thread;
}

static void stop(struct activations *a, const struct thread_state *thread, uint32_t function) {
    struct running *running = &thread->running[function];
    struct activation found = {running->begin, thread->last + 1, thread->serial,
                               function,       running->first,   running->frame};
    running->frame = 0;
    if (a->count == ACTIVATIONS_MAX) {
        a->dropped++;
        return;
    }
    struct activation *added = LIST_ADD(a->list, a->count);
    if (added) *added = found;
    else a->failed = true;
}

static bool goes_on(const struct activations *a, uint32_t function, const struct running *running, uint32_t stack) {
    const struct function_watch *watch = a->watch;
    return running->frame && watch->same_call(watch->context, function, running->stack, stack);
}

static void note_function(struct activations *a, const struct thread_state *thread, uint32_t function, uint32_t stack,
                          uint64_t stamp) {
    struct running *running = &thread->running[function];
    uint32_t frame = stack < a->watch->stack_count ? a->watch->frames[function][stack] : 0;
    if (!frame && !running->frame) return;
    if (!frame || !goes_on(a, function, running, stack)) {
        if (running->frame) stop(a, thread, function);
        running->begin = stamp;
        running->first = frame;
    }
    running->frame = frame;
    running->stack = stack;
}

static void note_allocation(struct activations *a, uint32_t stack, const struct moment *now) {
    struct thread_state *thread = find_thread(a, now->thread);
    if (!thread) thread = add_thread(a, now->thread);
    for (uint32_t f = 0; f < a->functions; f++) note_function(a, thread, f, stack, now->stamp);
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
    struct thread_state *thread = find_thread(a, now->thread);
    if (thread) thread->last = now->stamp;
}

static int activations_end(void *self, const struct moment *now) {
    struct activations *a = self;
    (void)now;
    for (uint32_t i = 0; i < a->numbers.count; i++)
        for (uint32_t f = 0; f < a->functions; f++)
            if (a->threads[i].running[f].frame) stop(a, &a->threads[i], f);
    return a->failed ? -ENOMEM : 0;
}

const struct analysis activations_analysis = {
    .begin = activations_begin,
    .born = activations_born,
    .resized = activations_resized,
    .died = activations_died,
    .end = activations_end,
};

/*
 * What each stack holds of the resident pages. See stack_shares.h.
 */
#include "stack_shares.h"

#include <stdlib.h>

enum { CAPACITY_FIRST = 1024, COURSE_STEP = 8 };

static size_t slot_in(const struct residency_share *slots, size_t capacity, uint32_t stack) {
    size_t at = stack * 0x9e3779b1u & (capacity - 1);
    while (slots[at].stack && slots[at].stack != stack + 1) at = (at + 1) & (capacity - 1);
    return at;
}

static bool grow(struct stack_shares *shares) {
    size_t capacity = shares->capacity ? 2 * shares->capacity : CAPACITY_FIRST;
    struct residency_share *slots = calloc(capacity, sizeof *slots);
    uint64_t *now = calloc(capacity, sizeof *now);
    if (!slots || !now) {
        free(slots);
        free(now);
        return false;
    }
    for (size_t i = 0; i < shares->capacity; i++) {
        if (!shares->slots[i].stack) continue;
        size_t at = slot_in(slots, capacity, shares->slots[i].stack - 1);
        slots[at] = shares->slots[i];
        now[at] = shares->now[i];
    }
    free(shares->slots);
    free(shares->now);
    shares->slots = slots;
    shares->now = now;
    shares->capacity = capacity;
    return true;
}

size_t stack_shares_slot(struct stack_shares *shares, uint32_t stack) {
    if (shares->used >= shares->capacity / 2 && !grow(shares)) return SIZE_MAX;
    size_t at = slot_in(shares->slots, shares->capacity, stack);
    if (!shares->slots[at].stack) {
        shares->slots[at].stack = stack + 1;
        shares->used++;
    }
    return at;
}

/* The later of two entries that fall into one slice stays. */
static void double_course(struct residency_share *share) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < share->course_count; i++) {
        struct residency_at at = {share->course[i].slice / 2, share->course[i].bytes};
        if (kept && share->course[kept - 1].slice == at.slice) kept--;
        share->course[kept++] = at;
    }
    share->course_count = kept;
}

void stack_shares_double(struct stack_shares *shares) {
    for (size_t i = 0; i < shares->capacity; i++) double_course(&shares->slots[i]);
}

/* Courses have at most AGE_SLICES entries; room is made in steps. Returns false when out of memory. */
static bool note_course(struct residency_share *share, uint32_t slice) {
    struct residency_at *last = share->course_count ? &share->course[share->course_count - 1] : NULL;
    if (last ? last->bytes == share->last : !share->last) return true;
    if (last && last->slice == slice) {
        last->bytes = share->last;
        return true;
    }
    if (!share->course || share->course_count % COURSE_STEP == 0) {
        struct residency_at *grown = realloc(share->course, (share->course_count + COURSE_STEP) * sizeof *grown);
        if (!grown) return false;
        share->course = grown;
    }
    share->course[share->course_count++] = (struct residency_at){slice, share->last};
    return true;
}

void stack_shares_begin(struct stack_shares *shares) {
    for (size_t i = 0; i < shares->capacity; i++) {
        shares->now[i] = 0;
        shares->slots[i].alone = shares->slots[i].wasted = 0;
    }
}

bool stack_shares_take(struct stack_shares *shares, uint32_t slice, bool is_peak) {
    bool noted = true;
    for (size_t i = 0; i < shares->capacity; i++) {
        struct residency_share *share = &shares->slots[i];
        if (!share->stack) continue;
        share->last = shares->now[i];
        if (is_peak) share->peak = share->last;
        noted &= note_course(share, slice);
    }
    return noted;
}

static int by_stack(const void *a, const void *b) {
    uint32_t left = ((const struct residency_share *)a)->stack, right = ((const struct residency_share *)b)->stack;
    return (left > right) - (left < right);
}

size_t stack_shares_finish(struct stack_shares *shares, struct residency_share **list) {
    size_t count = 0;
    for (size_t i = 0; i < shares->capacity; i++) {
        if (!shares->slots[i].stack) continue;
        shares->slots[count] = shares->slots[i];
        shares->slots[count++].stack--;
    }
    if (count) qsort(shares->slots, count, sizeof *shares->slots, by_stack);
    *list = shares->slots;
    free(shares->now);
    *shares = (struct stack_shares){0};
    return count;
}

const struct residency_share *stack_shares_find(const struct residency_share *list, size_t count, uint32_t stack) {
    const struct residency_share key = {.stack = stack};
    return count ? bsearch(&key, list, count, sizeof key, by_stack) : NULL;
}

void stack_shares_free(struct residency_share *list, size_t count) {
    for (size_t i = 0; i < count; i++) free(list[i].course);
    free(list);
}

void stack_shares_release(struct stack_shares *shares) {
    stack_shares_free(shares->slots, shares->capacity);
    free(shares->now);
}

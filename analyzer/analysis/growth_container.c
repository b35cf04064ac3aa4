/*
 * Follows a container from its last growth back to its first: the step before is the one that ended at the size from
 * which this one began. A record joins what grew in one round, so steps of one round may overlap instead.
 */
#include "growth_container.h"

#include <math.h>
#include <string.h>

#define SAME_FACTOR 0.1

struct found_step {
    const struct record_step *step;
    size_t record;
};

static struct found_step largest_step(const struct record *const *records, size_t count) {
    struct found_step largest = {NULL, 0};
    for (size_t i = 0; i < count; i++) {
        const struct record_step *last = &records[i]->steps[records[i]->step_count - 1];
        if (!largest.step || last->bytes > largest.step->bytes) largest = (struct found_step){last, i};
    }
    return largest;
}

/*
 * Whether `step` ended where `later` began. It may have ended above: the container was cut back, or one round has both.
 */
static bool leads_to(const struct record_step *step, const struct found_step *later, size_t record) {
    const struct record_step *to = later->step;
    bool cut_back = record == later->record && step + 1 == to;
    if (step->from >= to->from || step->round > to->round) return false;
    return step->bytes == to->from || (step->bytes > to->from && (cut_back || step->round == to->round));
}

/* The step before; of several the latest. */
static struct found_step step_before(const struct record *const *records, size_t count, struct found_step later) {
    struct found_step found = {NULL, 0};
    for (size_t i = 0; i < count; i++) {
        for (size_t j = records[i]->step_count; j-- > 0;) {
            const struct record_step *step = &records[i]->steps[j];
            if (!leads_to(step, &later, i)) continue;
            if (!found.step || step->round > found.step->round) found = (struct found_step){step, i};
            break;
        }
    }
    return found;
}

static void reverse(struct growth_step *steps, size_t count) {
    for (size_t i = 0; i < count / 2; i++) {
        struct growth_step step = steps[i];
        steps[i] = steps[count - 1 - i];
        steps[count - 1 - i] = step;
    }
}

void container_find(struct container *container, const struct record *const *records, const uint64_t *held,
                    size_t count) {
    bool counted[MOST_CONTAINER_STACKS] = {false};
    container->step_count = 0;
    container->held = 0;
    if (count == 0) return;
    struct found_step at = largest_step(records, count);
    while (at.step && container->step_count < MOST_CONTAINER_STEPS) {
        struct growth_step *last = container->step_count ? &container->steps[container->step_count - 1] : NULL;
        if (!last || last->round != at.step->round)
            container->steps[container->step_count++] = (struct growth_step){at.step->round, at.step->bytes};
        if (!counted[at.record]) container->held += held[at.record];
        counted[at.record] = true;
        at = step_before(records, count, at);
    }
    reverse(container->steps, container->step_count);
}

size_t container_of_blocks(const struct growth_round *rounds, size_t count, struct growth_step *steps) {
    double last = 0, factor = 0; /* of the first two rounds with one block each */
    bool single = false;
    uint64_t sum = 0;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t blocks = rounds[i].held.blocks;
        if (blocks == 0) continue;
        double size = (double)rounds[i].held.bytes / (double)blocks, by = last > 0 ? size / last : INFINITY;
        bool as_before = blocks == 1 && fabs(by - factor) <= SAME_FACTOR * factor;
        if (by < 1 + 1.0 / GROWTH_FACTOR_PART || (factor > 0 && !as_before) || found == MOST_CONTAINER_STEPS) return 0;
        if (blocks == 1 && single) factor = by;
        single = blocks == 1;
        last = size;
        sum += rounds[i].held.bytes;
        steps[found++] = (struct growth_step){(uint32_t)i, sum};
    }
    return found;
}

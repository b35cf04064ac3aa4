/*
 * What is on record of one phase. See phase_record.h.
 */
#include "phase_record.h"

#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "extremes.h"

bool phase_record_begin(struct phase *phase, const char *name, size_t parent) {
    *phase = (struct phase){.name = strdup(name),
                            .parent = parent,
                            .stride = 1,
                            .overhead_bytes = PHASE_UNKNOWN,
                            .rss_peak = PHASE_UNKNOWN};
    spread_begin(&phase->round_ns);
    return phase->name;
}

void phase_record_release(struct phase *phase) {
    for (size_t i = 0; i < phase->op_count; i++) {
        free(phase->ops[i].name);
        spread_release(&phase->ops[i].ns);
    }
    for (size_t i = 0; i < phase->value_count; i++) free(phase->values[i].name);
    for (size_t i = 0; i < phase->unit_count; i++) free(phase->units[i].name);
    spread_release(&phase->round_ns);
    phase_names_release(&phase->unit_names);
    phase_names_release(&phase->op_names);
    phase_names_release(&phase->value_names);
    free(phase->ops);
    free(phase->values);
    free(phase->units);
    free(phase->kept);
    free(phase->name);
}

/* Rounds. */

static void thin_out(struct phase *phase) {
    size_t kept = 0;
    for (size_t i = 0; i < phase->kept_count; i += 2) phase->kept[kept++] = phase->kept[i];
    phase->kept_count = kept;
    phase->stride *= 2;
}

static bool keep_round(struct phase *phase, const struct phase_round *round) {
    if ((round->number - 1) % phase->stride) return true;
    if (phase->kept_count == PHASE_ROUNDS) thin_out(phase);
    if ((round->number - 1) % phase->stride) return true;
    struct phase_round *kept = LIST_ADD(phase->kept, phase->kept_count);
    if (kept) *kept = *round;
    return kept;
}

bool phase_record_round(struct phase *phase, struct phase_round *round) {
    round->number = ++phase->rounds;
    if (phase->rounds == 1) phase->first = round->begin;
    phase->last = round->end;
    phase->begin_rss = round->begin.rss;
    phase->end_open = true;
    phase->items += round->items;
    phase->duration_ns += round->end.ns - round->begin.ns;
    phase->allocations += round->end.allocations - round->begin.allocations;
    phase->allocated_bytes += round->end.allocated_bytes - round->begin.allocated_bytes;
    spread_add(&phase->round_ns, round->end.ns - round->begin.ns);
    return keep_round(phase, round);
}

void phase_record_rss_peak(struct phase *phase, uint64_t begin, uint64_t rss) {
    phase->rss_peak = most_known(phase->rss_peak, rss);
    if (begin != PHASE_UNKNOWN && rss != PHASE_UNKNOWN)
        phase->overhead_bytes = most_known(phase->overhead_bytes, rss > begin ? rss - begin : 0);
}

void phase_record_end_rss(struct phase *phase, uint64_t rss) {
    struct phase_round *kept = phase->kept_count ? &phase->kept[phase->kept_count - 1] : NULL;
    phase->last.rss = rss;
    phase_record_rss_peak(phase, phase->begin_rss, rss);
    if (kept && kept->number == phase->rounds) kept->end.rss = rss;
}

/* Work. */

/* A list, moved, with room for one more, whose name is in `names` then; NULL: out of memory. */
static void *with_name(void *list, size_t count, size_t size, struct phase_names *names, const char *name,
                       char **copy) {
    void *grown = count & (count - 1) ? list : realloc(list, (count ? 2 * count : 1) * size); /* at powers of two */
    *copy = grown ? strdup(name) : NULL;
    if (*copy && phase_names_add(names, *copy, count)) {
        free(*copy);
        *copy = NULL;
    }
    return grown;
}

bool phase_record_unit(struct phase *phase, const char *name, uint64_t count) {
    size_t place = phase_names_find(&phase->unit_names, name);
    if (place != PHASE_NAMES_NONE) {
        phase->units[place].count += count;
        return true;
    }
    char *copy;
    struct phase_unit *grown =
        with_name(phase->units, phase->unit_count, sizeof *grown, &phase->unit_names, name, &copy);
    if (grown) phase->units = grown;
    if (copy) grown[phase->unit_count++] = (struct phase_unit){copy, count};
    return copy;
}

bool phase_record_value(struct phase *phase, const char *name, double value) {
    size_t place = phase_names_find(&phase->value_names, name);
    if (place != PHASE_NAMES_NONE) {
        struct phase_value *known = &phase->values[place];
        known->last = value;
        if (value < known->min) known->min = value;
        if (value > known->max) known->max = value;
        return true;
    }
    char *copy;
    struct phase_value *grown =
        with_name(phase->values, phase->value_count, sizeof *grown, &phase->value_names, name, &copy);
    if (grown) phase->values = grown;
    if (copy) grown[phase->value_count++] = (struct phase_value){copy, value, value, value};
    return copy;
}

static struct phase_op *op_named(struct phase *phase, const char *name) {
    size_t place = phase_names_find(&phase->op_names, name);
    if (place != PHASE_NAMES_NONE) return &phase->ops[place];
    char *copy;
    struct phase_op *grown = with_name(phase->ops, phase->op_count, sizeof *grown, &phase->op_names, name, &copy);
    if (grown) phase->ops = grown;
    if (!copy) return NULL;
    struct phase_op *op = &grown[phase->op_count++];
    *op = (struct phase_op){.name = copy};
    spread_begin(&op->ns);
    return op;
}

bool phase_record_op_begin(struct phase *phase, const char *name) {
    struct phase_op *op = op_named(phase, name);
    if (++phase->in_flight > phase->peak_in_flight) phase->peak_in_flight = phase->in_flight;
    if (op && ++op->in_flight > op->peak_in_flight) op->peak_in_flight = op->in_flight;
    return op;
}

static void count_status(struct phase_op *op, uint32_t status) {
    uint64_t *const counters[] = {&op->ok, &op->failed, &op->rejected};
    op->count++;
    ++*counters[status < 3 ? status : 1];
}

bool phase_record_op_end(struct phase *phase, const char *name, uint32_t status, uint64_t ns) {
    struct phase_op *op = op_named(phase, name);
    if (phase->in_flight) phase->in_flight--;
    if (!op) return false;
    count_status(op, status);
    if (op->in_flight) op->in_flight--;
    spread_add(&op->ns, ns);
    return true;
}

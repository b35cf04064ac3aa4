/*
 * Call sites of two reports, paired by id. Sites that differ in the line alone, and those of several processes, are
 * added up: their numbers are given in an order that another build need not keep.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "compare_parts.h"
#include "count.h"

size_t compare_id_length(const char *id) { return strcspn(id, "."); }

enum { MOVES_MOST = 3000 }; /* changed sites that are looked at for moves */

struct entry {
    const struct report_site *site;
    bool after;
};

static int compare_ids(const char *a, const char *b) {
    size_t left = compare_id_length(a), right = compare_id_length(b);
    int order = strncmp(a, b, left < right ? left : right);
    return order ? order : (left > right) - (left < right);
}

static int by_id(const void *a, const void *b) {
    const struct entry *left = a, *right = b;
    int order = compare_ids(left->site->id, right->site->id);
    return order ? order : left->after - right->after;
}

static void add_numbers(struct compared_numbers *sum, const struct report_site *site) {
    sum->allocations = report_sum(sum->allocations, site->allocations);
    sum->allocated_bytes = report_sum(sum->allocated_bytes, site->allocated_bytes);
    sum->live_bytes_end = report_sum(sum->live_bytes_end, site->live_bytes_end);
    sum->live_blocks_end = report_sum(sum->live_blocks_end, site->live_blocks_end);
    sum->peak_bytes = report_sum(sum->peak_bytes, site->peak_bytes);
    sum->live_at_peak = report_sum(sum->live_at_peak, site->live_at_peak);
    sum->temporary = report_sum(sum->temporary, site->temporary);
}

static void subtract(struct compared_site *site) {
    const struct compared_numbers *b = &site->before, *a = &site->after;
    site->by = (struct compared_numbers){
        .allocations = a->allocations - b->allocations,
        .allocated_bytes = a->allocated_bytes - b->allocated_bytes,
        .live_bytes_end = a->live_bytes_end - b->live_bytes_end,
        .live_blocks_end = a->live_blocks_end - b->live_blocks_end,
        .peak_bytes = a->peak_bytes - b->peak_bytes,
        .live_at_peak = a->live_at_peak - b->live_at_peak,
        .temporary = a->temporary - b->temporary,
    };
}

static bool builds_up(const char *slug) {
    static const char *const classes[] = {"leak", "leak-intermittent", "growing", "sparse"};
    for (size_t i = 0; slug && i < sizeof classes / sizeof *classes; i++)
        if (!strcmp(slug, classes[i])) return true;
    return false;
}

/* The phase in which a site builds up; NULL: it does not. */
static const char *growing_phase(const struct report_site *site) {
    for (size_t i = 0; i < site->growth_count; i++)
        if (builds_up(site->growth[i].class_slug)) return site->growth[i].phase;
    return NULL;
}

static enum change change_of(const struct comparison *c, int64_t before, int64_t after, double ratio, bool scaled) {
    double work = (double)before * ratio, plain = scaled ? work : (double)before;
    return compare_within(fmin(plain, work), fmax(plain, work), (double)after, c->tolerance.margin, c->tolerance.least);
}

static enum change change_of_site(const struct comparison *c, const struct compared_site *site, double ratio) {
    const struct compared_numbers *b = &site->before, *a = &site->after;
    enum change live = change_of(c, b->live_bytes_end, a->live_bytes_end, ratio, site->scaled);
    enum change change = live ? live : change_of(c, b->peak_bytes, a->peak_bytes, ratio, site->scaled);
    if (change == CHANGE_GROWN && !b->allocations) return CHANGE_NEW;
    return change == CHANGE_SHRUNK && !a->allocations ? CHANGE_GONE : change;
}

static void add_site(struct comparison *c, const struct entry *entries, size_t count) {
    struct compared_site site = {.shown = entries[count - 1].site};
    const char *phase = NULL;
    for (size_t i = 0; i < count; i++) {
        add_numbers(entries[i].after ? &site.after : &site.before, entries[i].site);
        if (!phase) phase = growing_phase(entries[i].site);
    }
    site.id = arena_format(c->memory, "%.*s", (int)compare_id_length(site.shown->id), site.shown->id);
    site.scaled = phase != NULL;
    subtract(&site);
    site.change = change_of_site(c, &site, compare_work_in(c, phase).ratio);
    c->sites[c->site_count++] = site;
}

/* Moves. */

static bool gained(const struct compared_site *site) {
    return site->change == CHANGE_GROWN || site->change == CHANGE_NEW;
}
static bool lost(const struct compared_site *site) {
    return site->change == CHANGE_SHRUNK || site->change == CHANGE_GONE;
}

static bool cancel_out(const struct comparison *c, int64_t gain, int64_t loss) {
    return compare_within((double)-loss, (double)-loss, (double)gain, c->tolerance.margin, c->tolerance.least) ==
           CHANGE_SAME;
}

static bool has_moved(const struct comparison *c, const struct compared_site *from, const struct compared_site *to) {
    return !to->scaled && cancel_out(c, to->by.live_bytes_end, from->by.live_bytes_end) &&
           cancel_out(c, to->by.peak_bytes, from->by.peak_bytes);
}

/* The sites are sorted: those that changed come first. */
static void pair_moves(struct comparison *c) {
    for (size_t to = 0; to < c->site_count && to < MOVES_MOST && c->sites[to].change; to++)
        for (size_t from = 0; gained(&c->sites[to]) && from < c->site_count && from < MOVES_MOST; from++) {
            if (!lost(&c->sites[from]) || !has_moved(c, &c->sites[from], &c->sites[to])) continue;
            c->sites[to].change = c->sites[from].change = CHANGE_MOVED;
            c->sites[to].other = c->sites[from].id;
            c->sites[from].other = c->sites[to].id;
        }
}

static void count_changes(struct comparison *c) {
    for (size_t i = 0; i < c->site_count; i++) {
        c->sites_by_change[c->sites[i].change]++;
        c->grew |= gained(&c->sites[i]);
    }
}

struct sort_key {
    const char *name;
    size_t offset; /* in struct compared_numbers */
};

static const struct sort_key sort_keys[] = {
    {"live", offsetof(struct compared_numbers, live_bytes_end)},
    {"peak", offsetof(struct compared_numbers, peak_bytes)},
    {"allocated", offsetof(struct compared_numbers, allocated_bytes)},
    {"allocations", offsetof(struct compared_numbers, allocations)},
    {"temporary", offsetof(struct compared_numbers, temporary)},
};

static size_t offset_of(const char *sort) {
    for (size_t i = 0; sort && i < sizeof sort_keys / sizeof *sort_keys; i++)
        if (!strcmp(sort_keys[i].name, sort)) return sort_keys[i].offset;
    return sort_keys[0].offset;
}

static int64_t distance(const struct compared_numbers *by, size_t offset) {
    int64_t value;
    memcpy(&value, (const char *)by + offset, sizeof value);
    return value < 0 ? -value : value;
}

static int largest_first(const void *a, const void *b, void *context) {
    const struct compared_site *left = a, *right = b;
    const size_t offsets[] = {*(const size_t *)context, offsetof(struct compared_numbers, peak_bytes),
                              offsetof(struct compared_numbers, allocated_bytes)};
    if (!left->change != !right->change) return left->change ? -1 : 1;
    if ((left->change == CHANGE_MOVED) != (right->change == CHANGE_MOVED)) return left->change == CHANGE_MOVED ? 1 : -1;
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        int64_t x = distance(&left->by, offsets[i]), y = distance(&right->by, offsets[i]);
        if (x != y) return x > y ? -1 : 1;
    }
    return strcmp(left->id, right->id);
}

void compare_sites(struct comparison *c, const char *sort) {
    size_t count = c->before->site_count + c->after->site_count, filled = 0, offset = offset_of(sort);
    struct entry *entries = arena_take(c->memory, count + 1, sizeof *entries);
    c->sites = arena_take(c->memory, count + 1, sizeof *c->sites);
    for (size_t i = 0; i < c->before->site_count; i++) entries[filled++] = (struct entry){&c->before->sites[i], false};
    for (size_t i = 0; i < c->after->site_count; i++) entries[filled++] = (struct entry){&c->after->sites[i], true};
    qsort(entries, count, sizeof *entries, by_id);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && !compare_ids(entries[from].site->id, entries[to].site->id);) to++;
        add_site(c, entries + from, to - from);
    }
    qsort_r(c->sites, c->site_count, sizeof *c->sites, largest_first, &offset);
    pair_moves(c);
    qsort_r(c->sites, c->site_count, sizeof *c->sites, largest_first, &offset);
    count_changes(c);
}

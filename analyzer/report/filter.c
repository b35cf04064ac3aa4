/*
 * Leaves rows out of a report and orders sites. See filter.h.
 */
#include "filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "residency_rows.h"

struct sort_key {
    const char *name;
    size_t offset; /* in struct report_site */
};

static const struct sort_key sort_keys[] = {
    {"live", offsetof(struct report_site, live_bytes_end)},
    {"peak", offsetof(struct report_site, live_at_peak)},
    {"allocated", offsetof(struct report_site, allocated_bytes)},
    {"allocations", offsetof(struct report_site, allocations)},
    {"temporary", offsetof(struct report_site, temporary)},
    {"rss", offsetof(struct report_site, rss_bytes)},
    {"rss-peak", offsetof(struct report_site, rss_peak_bytes)},
};

static int by_key(const void *a, const void *b, void *offset) {
    int64_t left, right;
    memcpy(&left, (const char *)a + *(size_t *)offset, sizeof left);
    memcpy(&right, (const char *)b + *(size_t *)offset, sizeof right);
    return left > right ? -1 : left < right;
}

static int find_key(const char *name, size_t *offset) {
    for (size_t i = 0; i < sizeof sort_keys / sizeof *sort_keys; i++) {
        if (strcmp(sort_keys[i].name, name)) continue;
        *offset = sort_keys[i].offset;
        return 0;
    }
    return -EINVAL;
}

bool report_sorts_by(const char *key) {
    size_t offset;
    return find_key(key, &offset) == 0;
}

static bool stack_matches(const struct report_site *site, const regex_t *pattern) {
    for (size_t i = 0; i < site->depth; i++)
        if (site->stack[i].function && !regexec(pattern, site->stack[i].function, 0, NULL, 0)) return true;
    return false;
}

/* Findings name sites by their places, which change here: where each site stood before, and where it stands then. */
struct places {
    struct arena *arena;
    bool *in_verdict; /* by former place */
    size_t *now;      /* by former place, SIZE_MAX: it is not shown */
    size_t count;
};

static void note_findings(struct places *places, const struct report_finding *findings, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (findings[i].site && findings[i].site_index < places->count)
            places->in_verdict[findings[i].site_index] = true;
}

static struct places places_of(struct report *report) {
    struct places places = {.arena = arena_new(), .count = report->site_count};
    places.in_verdict = arena_take(places.arena, places.count + 1, sizeof *places.in_verdict);
    places.now = arena_take(places.arena, places.count + 1, sizeof *places.now);
    memset(places.in_verdict, 0, places.count * sizeof *places.in_verdict);
    for (size_t i = 0; i < places.count; i++) report->sites[i].former = i;
    note_findings(&places, report->verdict.leaks, report->verdict.leak_count);
    note_findings(&places, report->verdict.warnings, report->verdict.warning_count);
    return places;
}

static void note_places(struct places *places, const struct report *report) {
    for (size_t i = 0; i < places->count; i++) places->now[i] = SIZE_MAX;
    for (size_t i = 0; i < report->site_count; i++) places->now[report->sites[i].former] = i;
}

static void show_chosen(struct report_site *site, const struct report_site *chosen) {
    site->allocations = chosen->allocations;
    site->allocated_bytes = chosen->allocated_bytes;
    site->live_bytes_end = chosen->live_bytes_end;
    site->live_blocks_end = chosen->live_blocks_end;
    site->peak_bytes = chosen->peak_bytes;
    site->temporary = chosen->temporary;
    site->live_at_peak = chosen->live_at_peak;
    site->lifetime_p50 = chosen->lifetime_p50;
    site->lifetime_p95 = chosen->lifetime_p95;
    site->lifetime_max = chosen->lifetime_max;
}

static void keep_chosen(struct report *report, const struct places *places) {
    size_t kept = 0;
    for (size_t i = 0; report->chosen && i < report->site_count; i++) {
        struct report_site *site = &report->sites[i];
        show_chosen(site, &report->chosen[i]);
        if (site->allocations || places->in_verdict[site->former]) report->sites[kept++] = *site;
    }
    if (report->chosen) report->site_count = kept;
    report->chosen = NULL;
}

static void keep_sites(struct report *report, const struct report_filter *filter, const regex_t *pattern,
                       const struct places *places) {
    size_t kept = 0;
    int64_t others = 0;
    for (size_t i = 0; i < report->site_count; i++) {
        struct report_site *site = &report->sites[i];
        if (pattern && !stack_matches(site, pattern)) continue;
        if (filter->module && (!site->module || fnmatch(filter->module, site->module, 0))) continue;
        if (filter->top >= 0 && !places->in_verdict[site->former] && others++ >= filter->top) continue;
        report->sites[kept++] = *site;
    }
    report->site_count = kept;
}

static void keep_round(struct report_phase *phase, int64_t round) {
    size_t kept = 0;
    for (size_t i = 0; i < phase->instance_count; i++)
        if (phase->instances[i].round == round) phase->instances[kept++] = phase->instances[i];
    phase->instance_count = kept;
}

static void keep_phases(struct report *report, const struct report_filter *filter) {
    size_t kept = 0;
    for (size_t i = 0; i < report->phase_count; i++) {
        struct report_phase *phase = &report->phases[i];
        if (filter->phase && fnmatch(filter->phase, phase->name, 0)) continue;
        if (filter->round) keep_round(phase, filter->round);
        report->phases[kept++] = *phase;
    }
    report->phase_count = kept;
}

static bool hides(const struct report_filter *filter, const struct report *report, bool blocks_chosen,
                  const struct report_finding *finding) {
    if (filter->phase && (!finding->phase || fnmatch(filter->phase, finding->phase, 0))) return true;
    if (!finding->site) return false;
    if (finding->site_index == SIZE_MAX) return true;
    return blocks_chosen && report->sites[finding->site_index].allocations == 0;
}

static void find_again(const struct report *report, const struct report_filter *filter, const struct places *places,
                       bool blocks_chosen, struct report_finding *findings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t former = findings[i].site ? findings[i].site_index : SIZE_MAX;
        findings[i].site_index = former < places->count ? places->now[former] : SIZE_MAX;
        findings[i].hidden = hides(filter, report, blocks_chosen, &findings[i]);
    }
}

/* The rules have read the curve that does not depend on what is shown. */
static void show_curve(struct report *report) {
    if (!report->shown_curve) return;
    report->curve = report->shown_curve;
    report->point_count = report->shown_point_count;
}

int report_show_only(struct report *report, const struct report_filter *filter) {
    regex_t pattern;
    size_t offset;
    bool blocks_chosen = report->chosen != NULL;
    if (filter->sort && find_key(filter->sort, &offset)) return -EINVAL;
    if (filter->site && regcomp(&pattern, filter->site, REG_EXTENDED | REG_NOSUB)) return -EINVAL;
    struct places places = places_of(report);
    keep_chosen(report, &places);
    if (filter->sort && report->site_count)
        qsort_r(report->sites, report->site_count, sizeof *report->sites, by_key, &offset);
    keep_sites(report, filter, filter->site ? &pattern : NULL, &places);
    keep_phases(report, filter);
    note_places(&places, report);
    find_again(report, filter, &places, blocks_chosen, report->verdict.leaks, report->verdict.leak_count);
    find_again(report, filter, &places, blocks_chosen, report->verdict.warnings, report->verdict.warning_count);
    arena_free(places.arena);
    residency_sites_changed(report);
    show_curve(report);
    if (filter->site) regfree(&pattern);
    return 0;
}

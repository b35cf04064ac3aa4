/*
 * Who holds the resident pages, as text: the parts at the highest RSS and at the end, the sites that hold most, files,
 * and blocks with much free memory below them.
 */
#include "residency.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "../text/file_name.h"
#include "../text/plural.h"
#include "amount.h"
#include "naming.h"
#include "sections.h"

enum {
    INDENT = 4,
    PART_WIDTH = 34,
    BYTES = 11,
    SHARE = 6,
    SITES = 6,
    FILES = 4,
    PINS = 3,
    COLUMN = 11,
    NAME = 4 * COLUMN + 2
};

static const struct {
    const char *name;
    size_t at; /* in struct report_look */
} parts[] = {
    {"live blocks of call sites", offsetof(struct report_look, sites_bytes)},
    {"free, kept by the allocator", offsetof(struct report_look, free_bytes)},
    {"stacks", offsetof(struct report_look, stack_bytes)},
    {"code", offsetof(struct report_look, code_bytes)},
    {"data of files", offsetof(struct report_look, file_bytes)},
    {"other anonymous memory", offsetof(struct report_look, other_bytes)},
    {"the recorder", offsetof(struct report_look, recorder_bytes)},
};
#define PARTS (sizeof parts / sizeof *parts)

size_t residency_parts(void) { return PARTS; }
const char *residency_part_name(size_t part) { return parts[part].name; }
int64_t residency_part(const struct report_look *look, size_t part) {
    return *(const int64_t *)((const char *)look + parts[part].at);
}

static struct amount share_of(int64_t bytes, const struct report_look *look) {
    return amount_share(look->resident_bytes > 0 ? (double)bytes / (double)look->resident_bytes : NAN);
}

static int64_t rss_of(const struct report_site *site) {
    return site->rss_peak_bytes > site->rss_bytes ? site->rss_peak_bytes : site->rss_bytes;
}

static int holds_more(const void *a, const void *b) {
    const struct report_site *left = *(const struct report_site *const *)a,
                             *right = *(const struct report_site *const *)b;
    int64_t l = rss_of(left), r = rss_of(right);
    return l != r ? (l > r ? -1 : 1) : (left > right) - (left < right);
}

const struct report_site **residency_sites(const struct report *report, size_t *count) {
    const struct report_site **sites = malloc((report->site_count + 1) * sizeof *sites);
    *count = 0;
    for (size_t i = 0; sites && i < report->site_count; i++)
        if (report->sites[i].process_index == report->residency.process_index && rss_of(&report->sites[i]) > 0)
            sites[(*count)++] = &report->sites[i];
    if (sites) qsort(sites, *count, sizeof *sites, holds_more);
    return sites;
}

/* Parts. */

static void put_cell(struct pen *pen, int64_t bytes, const struct report_look *look) {
    pen_right(pen, BYTES, amount_bytes(bytes).text);
    pen_right(pen, SHARE, share_of(bytes, look).text);
}

static void put_total(struct pen *pen, const char *name, int64_t peak, int64_t end) {
    pen_to(pen, INDENT);
    pen_put(pen, name);
    pen_to(pen, PART_WIDTH);
    pen_right(pen, BYTES, amount_bytes(peak).text);
    if (end != REPORT_NONE) pen_right(pen, SHARE + BYTES, amount_bytes(end).text);
    pen_line(pen);
}

static void put_parts(struct pen *pen, const struct report_look *peak, const struct report_look *end) {
    for (size_t i = 0; i < PARTS; i++) {
        if (!residency_part(peak, i) && !residency_part(end, i)) continue;
        pen_to(pen, INDENT);
        pen_put(pen, parts[i].name);
        pen_to(pen, PART_WIDTH);
        put_cell(pen, residency_part(peak, i), peak);
        if (end != peak) put_cell(pen, residency_part(end, i), end);
        pen_line(pen);
    }
    put_total(pen, "together", peak->resident_bytes, end != peak ? end->resident_bytes : REPORT_NONE);
    put_total(pen, "RSS as the kernel counts", peak->rss_bytes, end != peak ? end->rss_bytes : REPORT_NONE);
}

static void put_head(struct pen *pen, const struct report_look *peak, const struct report_look *end) {
    char when[48];
    pen_tinted(pen, TINT_TITLE, "Resident pages");
    pen_tint(pen, TINT_FAINT);
    pen_to(pen, PART_WIDTH);
    snprintf(when, sizeof when, "%s %s", end == peak ? "at" : "highest,", amount_time_whole(peak->t).text);
    pen_right(pen, BYTES + SHARE, when);
    snprintf(when, sizeof when, "last, %s", amount_time_whole(end->t).text);
    if (end != peak) pen_right(pen, BYTES + SHARE, when);
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

const struct report_process *residency_process(const struct report *report) {
    return report->process_count > 1 ? &report->processes[report->residency.process_index] : NULL;
}

void residency_compose_facts(FILE *out, const void *object) {
    const struct report_residency *residency = object;
    const struct report_look *end = &residency->looks[residency->end], *peak = &residency->looks[residency->peak];
    if (isfinite(residency->explained_share))
        fprintf(out, "%s of what is resident in the end is explained. ", amount_share(residency->explained_share).text);
    fprintf(out, "On the pages of live blocks, %s at the highest RSS and %s in the end are covered by none",
            amount_bytes(peak->slack_bytes).text, amount_bytes(end->slack_bytes).text);
    int64_t wasted = residency->wasted_bytes;
    if (wasted > 0) fprintf(out, " (%s of it wasted beside blocks that keep a page alone)", amount_bytes(wasted).text);
    if (end->untouched_bytes > 0)
        fprintf(out, "; %s of live blocks are not resident", amount_bytes(end->untouched_bytes).text);
    if (end->trim_bytes != REPORT_NONE)
        fprintf(out, "; malloc_trim(0) would give back %s at the highest RSS, %s in the end",
                amount_bytes(peak->trim_bytes).text, amount_bytes(end->trim_bytes).text);
    fputs(".", out);
}

/* Sites, files, blocks in the way. */

static void put_site(struct pen *pen, const struct report_site *site) {
    pen_right(pen, COLUMN, amount_bytes(site->rss_peak_bytes).text);
    pen_right(pen, COLUMN, amount_bytes(site->rss_bytes).text);
    pen_right(pen, COLUMN, amount_bytes(site->live_bytes_end).text);
    pen_right(pen, COLUMN, amount_bytes(site->wasted_bytes).text);
    pen_to(pen, NAME);
    pen_tint(pen, TINT_NAME);
    pen_name(pen, name_of_site(site).text, pen->style.width - NAME);
    pen_tint(pen, TINT_FAINT);
    for (size_t i = 1; i < site->depth; i++) {
        int room = pen->style.width - pen->column - 3;
        if (room < 12) break;
        if (!site->stack[i].function) continue;
        pen_put(pen, " ← ");
        pen_name(pen, site->stack[i].function, room < 34 ? room : 34);
    }
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

static void put_sites(struct pen *pen, const struct report *report) {
    static const char *const titles[] = {"highest", "last", "live", "wasted"};
    size_t count;
    const struct report_site **sites = residency_sites(report, &count);
    if (sites && count) {
        pen_tint(pen, TINT_FAINT);
        for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) pen_right(pen, COLUMN, titles[i]);
        pen_to(pen, NAME);
        pen_put(pen, "held by");
        pen_tint(pen, TINT_NONE);
        pen_line(pen);
        for (size_t i = 0; i < count && i < SITES; i++) put_site(pen, sites[i]);
    }
    free(sites);
}

static void compose_files(FILE *out, const void *object) {
    const struct report_residency *residency = object;
    fputs("files: ", out);
    for (size_t i = 0; i < residency->file_count && i < FILES; i++) {
        const struct report_resident_file *file = &residency->files[i];
        fprintf(out, "%s%s %s (code %s)", i ? ", " : "", file_name(file->path),
                amount_bytes(file->code_bytes + file->data_bytes).text, amount_bytes(file->code_bytes).text);
    }
    if (residency->file_count > FILES) fprintf(out, ", %zu more", residency->file_count - FILES);
}

struct pin_words {
    const struct report *report;
    const struct report_pin *pin;
};

static void compose_pin(FILE *out, const void *object) {
    const struct pin_words *words = object;
    const struct report_pin *pin = words->pin;
    fprintf(out, "in the way at %s: %s lie free below a block of %s (%s live block%s higher), made at %s by %s",
            amount_time_whole(words->report->residency.pins_t).text, amount_bytes(pin->free_below_bytes).text,
            amount_bytes(pin->size).text, amount_count(pin->blocks_above).text, plural_are((uint64_t)pin->blocks_above),
            amount_time_whole(pin->born).text,
            pin->site_index < words->report->site_count ? name_of_site(&words->report->sites[pin->site_index]).text
            : pin->site                                 ? pin->site
                                                        : "an unknown site");
}

static void put_pin(struct pen *pen, const struct report *report, const struct report_pin *pin) {
    pen_to(pen, INDENT);
    pen_composed(pen, INDENT, compose_pin, &(struct pin_words){report, pin});
    pen_line(pen);
}

static void compose_whose(FILE *out, const void *object) {
    const struct report *report = object;
    const struct report_process *process = residency_process(report);
    fprintf(out, "Of %s, pid %" PRId64 ", which had most resident of the %zu processes:",
            process->exe ? file_name(process->exe) : "a program", process->pid, report->process_count);
}

void section_residency(struct pen *pen, const struct report *report) {
    const struct report_residency *residency = &report->residency;
    if (residency->look_count == 0) return;
    const struct report_look *peak = &residency->looks[residency->peak], *end = &residency->looks[residency->end];
    put_head(pen, peak, end);
    if (residency_process(report)) {
        pen_to(pen, INDENT);
        pen_composed(pen, INDENT, compose_whose, report);
        pen_line(pen);
    }
    put_parts(pen, peak, end);
    pen_to(pen, INDENT);
    pen_composed(pen, INDENT, residency_compose_facts, residency);
    pen_line(pen);
    put_sites(pen, report);
    if (residency->file_count) {
        pen_to(pen, INDENT);
        pen_composed(pen, INDENT, compose_files, residency);
        pen_line(pen);
    }
    for (size_t i = 0; i < residency->pin_count && i < PINS; i++) put_pin(pen, report, &residency->pins[i]);
    pen_line(pen);
}

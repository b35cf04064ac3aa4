/*
 * Massif's output file: the live curve as snapshots, with the tree of live bytes at the peak and at the end. The tree
 * goes from the call site outwards; places under one percent are summed up, as massif does.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../text/file_name.h"
#include "export.h"

enum { SNAPSHOTS_MAX = 100, DEPTH_MAX = 30 };

struct leaf { /* a site that holds bytes */
    const struct report_site *site;
    int64_t bytes;
};

struct tree {
    FILE *out;
    int64_t threshold; /* bytes */
};

static const char *text_or(const char *text, const char *other) { return text ? text : other; }

static int compare_frames(const struct report_frame *a, const struct report_frame *b) {
    int order = strcmp(export_frame_name(a), export_frame_name(b));
    if (!order) order = strcmp(text_or(a->file, ""), text_or(b->file, ""));
    if (!order && a->line != b->line) order = a->line < b->line ? -1 : 1;
    return order;
}

/* Stacks with the same innermost frames come to lie beside each other, at every depth. */
static int compare_leaves(const void *a, const void *b) {
    const struct report_site *x = ((const struct leaf *)a)->site, *y = ((const struct leaf *)b)->site;
    for (size_t i = 0; i < x->depth && i < y->depth; i++) {
        int order = compare_frames(&x->stack[i], &y->stack[i]);
        if (order) return order;
    }
    return (x->depth > y->depth) - (x->depth < y->depth);
}

static int64_t sum_of(const struct leaf *leaves, size_t count) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += leaves[i].bytes;
    return sum;
}

/* How many of the leaves, from the first on, share its frame at this depth. */
static size_t group_length(const struct leaf *leaves, size_t count, size_t depth) {
    size_t length = 1;
    while (length < count && leaves[length].site->depth > depth &&
           compare_frames(&leaves[0].site->stack[depth], &leaves[length].site->stack[depth]) == 0)
        length++;
    return length;
}

struct group {
    const struct leaf *leaves;
    size_t count;
    int64_t bytes;
};

static int compare_groups(const void *a, const void *b) {
    const struct group *x = a, *y = b;
    return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

/* The groups at this depth, largest first, those below the threshold last. Stacks that end here are in none. */
static size_t make_groups(const struct leaf *leaves, size_t count, size_t depth, struct group *groups) {
    size_t made = 0, at = 0;
    while (at < count && leaves[at].site->depth <= depth) at++;
    while (at < count) {
        size_t length = group_length(leaves + at, count - at, depth);
        groups[made++] = (struct group){leaves + at, length, sum_of(leaves + at, length)};
        at += length;
    }
    if (made) qsort(groups, made, sizeof *groups, compare_groups);
    return made;
}

static void put_text(FILE *out, const char *text) {
    for (; *text; text++) fputc((unsigned char)*text < ' ' ? '?' : *text, out);
}

static void put_place(FILE *out, const struct report_frame *frame) {
    fprintf(out, "0x%" PRIX64 ": ", frame->offset);
    put_text(out, frame->function ? frame->function : "???");
    fputs(" (", out);
    if (frame->file) {
        put_text(out, file_name(frame->file));
        if (frame->line > 0) fprintf(out, ":%" PRId64, frame->line);
    } else {
        fputs("in ", out);
        put_text(out, text_or(frame->module, "???"));
    }
    fputs(")\n", out);
}

static void put_indent(FILE *out, size_t depth) {
    for (size_t i = 0; i < depth; i++) fputc(' ', out);
}

static void put_node(const struct tree *tree, const struct leaf *leaves, size_t count, size_t depth);

static void put_children(const struct tree *tree, const struct group *groups, size_t large, size_t count,
                         size_t depth) {
    for (size_t i = 0; i < large; i++) put_node(tree, groups[i].leaves, groups[i].count, depth + 1);
    if (large == count) return;
    int64_t rest = 0;
    for (size_t i = large; i < count; i++) rest += groups[i].bytes;
    put_indent(tree->out, depth + 1);
    if (count - large == 1) fprintf(tree->out, "n0: %" PRId64 " in 1 place, below massif's threshold (1.00%%)\n", rest);
    else
        fprintf(tree->out, "n0: %" PRId64 " in %zu places, all below massif's threshold (1.00%%)\n", rest,
                count - large);
}

/* The node whose frame is at depth - 1 of the leaves; depth 0 is the root. */
static void put_node(const struct tree *tree, const struct leaf *leaves, size_t count, size_t depth) {
    struct group *groups = calloc(count + 1, sizeof *groups);
    if (!groups) return;
    size_t made = depth < DEPTH_MAX ? make_groups(leaves, count, depth, groups) : 0, large = 0;
    while (large < made && groups[large].bytes >= tree->threshold) large++;
    put_indent(tree->out, depth);
    fprintf(tree->out, "n%zu: %" PRId64 " ", large + (large < made), sum_of(leaves, count));
    if (depth == 0) fputs("(heap allocation functions) malloc/new/new[], --alloc-fns, etc.\n", tree->out);
    else put_place(tree->out, &leaves[0].site->stack[depth - 1]);
    put_children(tree, groups, large, made, depth);
    free(groups);
}

static int put_tree(FILE *out, const struct report *report, const struct export_metric *metric) {
    struct leaf *leaves = calloc(report->site_count + 1, sizeof *leaves);
    size_t count = 0;
    if (!leaves) return -ENOMEM;
    for (size_t i = 0; i < report->site_count; i++) {
        int64_t bytes = export_value(&report->sites[i], metric);
        if (bytes > 0 && report->sites[i].depth) leaves[count++] = (struct leaf){&report->sites[i], bytes};
    }
    if (count) qsort(leaves, count, sizeof *leaves, compare_leaves);
    put_node(&(struct tree){out, sum_of(leaves, count) / 100}, leaves, count, 0);
    free(leaves);
    return 0;
}

static void put_snapshot(FILE *out, size_t number, int64_t t, int64_t bytes, const char *tree) {
    static const char line[] = "#-----------";
    fprintf(out,
            "%s\nsnapshot=%zu\n%s\ntime=%" PRId64 "\nmem_heap_B=%" PRId64
            "\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=%s\n",
            line, number, line, t > 0 ? t / 1000000 : 0, bytes > 0 ? bytes : 0, tree);
}

static size_t peak_point(const struct report *report) {
    size_t peak = 0;
    for (size_t i = 1; i < report->point_count; i++)
        if (report->curve[i].live_bytes > report->curve[peak].live_bytes) peak = i;
    return peak;
}

/* Evenly chosen points, the peak and the end among them. */
static int put_snapshots(FILE *out, const struct report *report) {
    size_t step = report->point_count / (SNAPSHOTS_MAX - 2) + 1, number = 0, peak = peak_point(report);
    int error = 0;
    for (size_t i = 0; i < report->point_count && !error; i++) {
        bool is_peak = i == peak, is_last = i + 1 == report->point_count;
        if (!is_peak && !is_last && i % step) continue;
        int64_t bytes = is_peak ? report->totals.peak_live_bytes : report->curve[i].live_bytes;
        put_snapshot(out, number++, report->curve[i].t, bytes, is_peak ? "peak" : is_last ? "detailed" : "empty");
        if (is_peak || is_last) error = put_tree(out, report, export_metric(is_peak ? "peak" : "live"));
    }
    return error;
}

int export_massif(FILE *out, const struct report *report, const struct export_options *options) {
    (void)options;
    fputs("desc: tidemark\ncmd: ", out);
    put_text(out, report->process_count ? text_or(report->processes[0].exe, "unknown") : "unknown");
    fputs("\ntime_unit: ms\n", out);
    int error = put_snapshots(out, report);
    return error ? error : export_flush(out);
}

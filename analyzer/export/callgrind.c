/*
 * The callgrind profile format, version 1, with two costs: the chosen number and the allocations. A stack gives self
 * cost to its call site and inclusive cost to each call above it. Every stack writes its own lines; readers add them
 * up.
 */
#include <inttypes.h>
#include <string.h>

#include "export.h"

struct cost {
    int64_t value, allocations;
};

/* A name ends at the line end, and must not be empty. */
static void put_line(FILE *out, const char *name) {
    if (!name || !*name) name = "???";
    for (; *name; name++) fputc((unsigned char)*name < ' ' ? '?' : *name, out);
    fputc('\n', out);
}

static void put_name(FILE *out, const char *key, const char *name) {
    fprintf(out, "%s=", key);
    put_line(out, name);
}

static int64_t line_of(const struct report_frame *frame) { return frame->line > 0 ? frame->line : 0; }

static void put_function(FILE *out, const struct report_frame *frame) {
    put_name(out, "ob", frame->module);
    put_name(out, "fl", frame->file);
    put_name(out, "fn", export_frame_name(frame));
}

/* A recursive function would count its own cost again at each level. */
static bool deeper(const struct report_site *site, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (strcmp(export_frame_name(&site->stack[i]), export_frame_name(&site->stack[at])) == 0) return true;
    return false;
}

static void put_call(FILE *out, const struct report_frame *caller, const struct report_frame *callee,
                     const struct cost *cost) {
    put_function(out, caller);
    put_name(out, "cob", callee->module);
    put_name(out, "cfi", callee->file);
    put_name(out, "cfn", export_frame_name(callee));
    fprintf(out, "calls=%" PRId64 " %" PRId64 "\n", cost->allocations, line_of(callee));
    fprintf(out, "%" PRId64 " %" PRId64 " %" PRId64 "\n\n", line_of(caller), cost->value, cost->allocations);
}

static void put_site(FILE *out, const struct report_site *site, const struct cost *cost) {
    put_function(out, &site->stack[0]);
    fprintf(out, "%" PRId64 " %" PRId64 " %" PRId64 "\n\n", line_of(&site->stack[0]), cost->value, cost->allocations);
    for (size_t k = 1; k < site->depth; k++)
        if (!deeper(site, k)) put_call(out, &site->stack[k], &site->stack[k - 1], cost);
}

int export_callgrind(FILE *out, const struct report *report, const struct export_options *options) {
    struct cost sum = {0, 0};
    for (size_t i = 0; i < report->site_count; i++) {
        sum.value += export_value(&report->sites[i], options->metric);
        sum.allocations += report->sites[i].allocations;
    }
    fputs("# callgrind format\nversion: 1\ncreator: tidemark\n", out);
    fputs("cmd: ", out);
    put_line(out, report->process_count ? report->processes[0].exe : NULL);
    fputs("positions: line\n", out);
    fprintf(out, "event: Value : %s\nevent: Allocations : allocations\nevents: Value Allocations\n",
            options->metric->title);
    fprintf(out, "summary: %" PRId64 " %" PRId64 "\n\n", sum.value, sum.allocations);
    for (size_t i = 0; i < report->site_count; i++) {
        const struct report_site *site = &report->sites[i];
        const struct cost cost = {export_value(site, options->metric), site->allocations};
        if (site->depth) put_site(out, site, &cost);
    }
    return export_flush(out);
}

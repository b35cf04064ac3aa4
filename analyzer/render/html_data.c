/*
 * The report in few bytes. See html_data.h.
 */
#include "html_data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "json_report.h"
#include "json_writer.h"

enum { MOST_FINDINGS = 100, MOST_LARGE = 150 }; /* leaks and warnings each; sites that are large in one way or other */

/* Which sites are kept. */

static void keep_found(bool *keep, const struct report_finding *findings, size_t count) {
    for (size_t i = 0; i < count && i < MOST_FINDINGS; i++)
        if (findings[i].site_index != SIZE_MAX) keep[findings[i].site_index] = true;
}

static const size_t sizes[] = {
    offsetof(struct report_site, live_bytes_end), offsetof(struct report_site, live_at_peak),
    offsetof(struct report_site, peak_bytes),     offsetof(struct report_site, allocated_bytes),
    offsetof(struct report_site, allocations),    offsetof(struct report_site, rss_bytes),
    offsetof(struct report_site, rss_peak_bytes),
};

static int64_t size_of(const struct report_site *site, size_t offset) {
    return *(const int64_t *)(const void *)((const char *)site + offset);
}

static int falling(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left < right) - (left > right);
}

/* Those that are among the largest by this size. */
static int keep_large(bool *keep, const struct report *report, size_t offset) {
    int64_t *values = calloc(report->site_count + 1, sizeof *values);
    if (!values) return -ENOMEM;
    for (size_t i = 0; i < report->site_count; i++) values[i] = size_of(&report->sites[i], offset);
    qsort(values, report->site_count, sizeof *values, falling);
    int64_t least = report->site_count > MOST_LARGE ? values[MOST_LARGE - 1] : 1;
    for (size_t i = 0, kept = 0; i < report->site_count && kept < MOST_LARGE; i++) {
        if (least < 1 || size_of(&report->sites[i], offset) < least) continue;
        keep[i] = true;
        kept++;
    }
    free(values);
    return 0;
}

static int choose(bool *keep, const struct report *report) {
    int error = 0;
    keep_found(keep, report->verdict.leaks, report->verdict.leak_count);
    keep_found(keep, report->verdict.warnings, report->verdict.warning_count);
    for (size_t i = 0; i < report->residency.pin_count; i++)
        if (report->residency.pins[i].site_index != SIZE_MAX) keep[report->residency.pins[i].site_index] = true;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !error; i++) error = keep_large(keep, report, sizes[i]);
    return error;
}

static size_t at_most(size_t count, size_t most) { return count < most ? count : most; }

/* The report with what is kept only; its sites are to be freed. */
static int cut(const struct report *report, struct report *out) {
    bool *keep = calloc(report->site_count + 1, sizeof *keep);
    *out = *report;
    out->sites = calloc(report->site_count + 1, sizeof *out->sites);
    int error = keep && out->sites ? choose(keep, report) : -ENOMEM;
    out->site_count = 0;
    for (size_t i = 0; !error && i < report->site_count; i++)
        if (keep[i]) out->sites[out->site_count++] = report->sites[i];
    out->verdict.leak_count = at_most(report->verdict.leak_count, MOST_FINDINGS);
    out->verdict.warning_count = at_most(report->verdict.warning_count, MOST_FINDINGS);
    free(keep);
    return error;
}

static json_t *left_out(const struct report *all, const struct report *kept) {
    json_t *object =
        with(json_object(), "leaks", json_integer((json_int_t)(all->verdict.leak_count - kept->verdict.leak_count)));
    object =
        with(object, "warnings", json_integer((json_int_t)(all->verdict.warning_count - kept->verdict.warning_count)));
    return with(object, "sites", integer_value(all->sites_total - (int64_t)kept->site_count));
}

/* Lists in which everything stands once. */

struct once {
    json_t *list, *numbers; /* numbers: object from key to number */
};

static bool once_begin(struct once *once) {
    *once = (struct once){json_array(), json_object()};
    return once->list && once->numbers;
}

static void once_end(struct once *once) {
    json_decref(once->list);
    json_decref(once->numbers);
}

/* The number of what has this key, -1 for a new one: to be appended, and the number is that of its place. */
static json_int_t once_find(struct once *once, const char *key, size_t place) {
    json_t *number = json_object_get(once->numbers, key);
    if (number) return json_integer_value(number);
    json_object_set_new_nocheck(once->numbers, key, json_integer((json_int_t)place));
    return -1;
}

struct pack {
    struct once texts, frames, nodes;
};

static json_int_t number_of_text(struct pack *pack, const char *text) {
    if (!text) return -1;
    json_t *value = text_value(text);
    size_t place = json_array_size(pack->texts.list);
    json_int_t number = value ? once_find(&pack->texts, json_string_value(value), place) : -1;
    if (number >= 0 || !value) json_decref(value);
    else json_array_append_new(pack->texts.list, value);
    return number >= 0 || !value ? number : (json_int_t)place;
}

static json_int_t number_of_frame(struct pack *pack, const struct report_frame *frame) {
    char key[128];
    json_int_t function = number_of_text(pack, frame->function), file = number_of_text(pack, frame->file);
    json_int_t module = number_of_text(pack, frame->module);
    size_t place = json_array_size(pack->frames.list);
    snprintf(key, sizeof key, "%lld,%lld,%" PRId64 ",%lld,%" PRIu64 ",%d", (long long)function, (long long)file,
             frame->line, (long long)module, frame->offset, frame->inlined);
    json_int_t number = once_find(&pack->frames, key, place);
    if (number >= 0) return number;
    json_array_append_new(pack->frames.list, json_pack("[I,I,I,I,I,i]", function, file, (json_int_t)frame->line, module,
                                                       (json_int_t)frame->offset, (int)frame->inlined));
    return (json_int_t)place;
}

/* Two numbers a node. */
static json_int_t number_of_node(struct pack *pack, json_int_t parent, const struct report_frame *frame) {
    char key[64];
    json_int_t frame_number = number_of_frame(pack, frame);
    size_t place = json_array_size(pack->nodes.list) / 2;
    snprintf(key, sizeof key, "%lld,%lld", (long long)parent, (long long)frame_number);
    json_int_t number = once_find(&pack->nodes, key, place);
    if (number >= 0) return number;
    json_array_append_new(pack->nodes.list, json_integer(parent));
    json_array_append_new(pack->nodes.list, json_integer(frame_number));
    return (json_int_t)place;
}

static json_int_t node_of(struct pack *pack, const struct report_site *site) {
    json_int_t node = -1;
    for (size_t i = site->depth; i-- > 0;) node = number_of_node(pack, node, &site->stack[i]);
    return node;
}

/* What the page works out itself. */
static void slim_site(json_t *object, json_int_t node) {
    static const char *const own[] = {"function", "file", "line", "module", "ages"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) json_object_del(object, own[i]);
    json_object_set_new(object, "stack", json_integer(node));
}

static json_t *pack_stacks(json_t *data, const struct report *report) {
    struct pack pack = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
    if (once_begin(&pack.texts) && once_begin(&pack.frames) && once_begin(&pack.nodes)) {
        json_t *sites = json_object_get(data, "sites");
        for (size_t i = 0; i < report->site_count; i++)
            slim_site(json_array_get(sites, i), node_of(&pack, &report->sites[i]));
        data = with(data, "texts", json_incref(pack.texts.list));
        data = with(data, "frames", json_incref(pack.frames.list));
        data = with(data, "nodes", json_incref(pack.nodes.list));
    } else {
        json_decref(data);
        data = NULL;
    }
    once_end(&pack.texts);
    once_end(&pack.frames);
    once_end(&pack.nodes);
    return data;
}

/* Columns. */

static json_t *columns_of(const json_t *rows) {
    json_t *columns = json_object();
    const char *name;
    json_t *value, *row = json_array_get(rows, 0);
    json_object_foreach(row, name, value) {
        json_t *column = json_array();
        for (size_t i = 0; i < json_array_size(rows); i++)
            json_array_append(column, json_object_get(json_array_get(rows, i), name));
        columns = with(columns, name, column);
    }
    return columns;
}

static json_t *with_columns(json_t *object, const char *name) {
    return with(object, name, columns_of(json_object_get(object, name)));
}

int html_data_write(FILE *out, const struct report *report) {
    struct report kept;
    int error = cut(report, &kept);
    json_t *data = error ? NULL : json_of_report(&kept);
    if (data) data = pack_stacks(data, &kept);
    if (data) data = with_columns(data, "curve");
    if (data) with_columns(json_object_get(data, "residency"), "looks");
    if (data) data = with(data, "left_out", left_out(report, &kept));
    free(kept.sites);
    if (!data) return -ENOMEM;
    error = json_dumpf(data, out, JSON_COMPACT | JSON_REAL_PRECISION(6)) || fflush(out) ? -EIO : 0;
    json_decref(data);
    return error;
}

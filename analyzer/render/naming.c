/*
 * Names for what has none: module+0x123 can still be looked up by hand, "unknown" can't.
 */
#include "naming.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct naming name_of(const char *function, const char *module, uint64_t offset) {
    struct naming name;
    if (function) snprintf(name.text, sizeof name.text, "%s", function);
    else if (module) snprintf(name.text, sizeof name.text, "%s+0x%" PRIx64, module, offset);
    else snprintf(name.text, sizeof name.text, "code at 0x%" PRIx64, offset);
    return name;
}

struct naming name_of_frame(const struct report_frame *frame) {
    return name_of(frame->function, frame->module, frame->offset);
}

struct naming name_of_site(const struct report_site *site) {
    if (!site) return (struct naming){"a call site"};
    return name_of(site->function, site->module, site->depth ? site->stack[0].offset : 0);
}

const char *named_caller(const struct report_site *site) {
    if (!site || site->function) return NULL;
    for (size_t i = 1; i < site->depth; i++)
        if (site->stack[i].function) return site->stack[i].function;
    return NULL;
}

const char *name_of_source(const struct report *report, const char *file) {
    size_t length = report->root ? strlen(report->root) : 0;
    while (length > 0 && report->root[length - 1] == '/') length--;
    if (!file || length == 0 || strncmp(file, report->root, length) != 0 || file[length] != '/') return file;
    return file + length + 1;
}

const struct report_frame *frame_to_change(const struct report *report, const struct report_site *site) {
    const struct report_frame *first = NULL;
    for (size_t i = 0; site && i < site->depth; i++) {
        const struct report_frame *frame = &site->stack[i];
        if (!frame->file) continue;
        if (name_of_source(report, frame->file) != frame->file) return frame;
        if (!first) first = frame;
    }
    return first;
}

/*
 * Hands the modules of a trace to a resolver. See modules.h.
 */
#include "modules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int add_perf_map(struct symbols *symbols, uint32_t space, const struct trace *trace, const char *path) {
    char *kept, written[64];
    if (trace->input.bundle) return 0;
    if (asprintf(&kept, "%s.perf-map", path) < 0) return -ENOMEM;
    int error = symbols_add_perf_map(symbols, space, kept);
    free(kept);
    snprintf(written, sizeof written, "/tmp/perf-%u.map", trace->input.header.pid);
    if (error && error != -ENOMEM) error = symbols_add_perf_map(symbols, space, written);
    return error == -ENOMEM ? error : 0;
}

int modules_add(struct symbols *symbols, uint32_t space, const struct trace *trace, const char *path) {
    const struct tables *tables = &trace->tables;
    for (size_t i = 0; i < tables->module_count; i++) {
        const struct module_record *m = &tables->modules[i];
        int error = symbols_add_module(
            symbols, space, &(struct symbol_module){m->id, m->path, m->build_id, m->build_id_length, m->bias});
        if (error) return error;
    }
    return add_perf_map(symbols, space, trace, path);
}

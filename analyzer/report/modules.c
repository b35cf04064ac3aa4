/*
 * Hands the modules of a trace to a resolver. See modules.h.
 */
#include "modules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * ns of CLOCK_REALTIME, 0 where the trace doesn't tell. The copy beside the trace may have got a new time, or an older.
 */
static uint64_t process_began(const struct tables *tables) {
    const struct clock_record *clock = tables->clocks;
    if (!tables->clock_count || !tables->process.present || clock->boottime < tables->process.start_ns) return 0;
    uint64_t age = clock->boottime - tables->process.start_ns;
    return clock->realtime > age ? clock->realtime - age : 0;
}

static int add_perf_map(struct symbols *symbols, uint32_t space, const struct trace *trace, const char *path) {
    char *kept, written[64];
    if (trace->input.bundle) return 0;
    if (asprintf(&kept, "%s.perf-map", path) < 0) return -ENOMEM;
    int error = symbols_add_perf_map(symbols, space, kept, 0);
    free(kept);
    snprintf(written, sizeof written, "/tmp/perf-%u.map", trace->input.header.pid);
    if (error && error != -ENOMEM) error = symbols_add_perf_map(symbols, space, written, process_began(&trace->tables));
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

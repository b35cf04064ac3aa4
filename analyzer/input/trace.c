/*
 * Puts a trace together from its parts. See trace.h.
 */
#include "trace.h"

#include <errno.h>

int trace_open(struct trace *trace, const char *path, struct reader_refusal *refusal) {
    *trace = (struct trace){0};
    int error = reader_open(&trace->input, path, refusal);
    if (error) return error;
    error = recover_slots(&trace->input, &trace->recovery);
    if (!error) error = tables_read(&trace->tables, &trace->input, &trace->recovery);
    if (!error) error = nodes_read(&trace->nodes, &trace->input);
    if (!error) return 0;
    *refusal = (struct reader_refusal){READER_UNREADABLE, (uint32_t)-error};
    trace_close(trace);
    return error;
}

void trace_close(struct trace *trace) {
    nodes_release(&trace->nodes);
    tables_release(&trace->tables);
    recovery_release(&trace->recovery);
    reader_close(&trace->input);
}

uint64_t trace_events(const struct trace *trace) {
    uint64_t events = 0;
    for (size_t i = 0; i < trace->input.frame_count; i++)
        if (trace->input.frames[i].frame.kind == TRACE_FRAME_EVENTS) events += trace->input.frames[i].frame.count;
    for (size_t i = 0; i < trace->recovery.ring_count; i++)
        events += (trace->recovery.rings[i].count + trace->recovery.rings[i].nested) / 2;
    return events;
}

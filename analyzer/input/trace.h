/*
 * One trace, read: its frames, what was still in its slots, its tables and its stacks. What replay/, the report and the
 * commands start from. Read-only after trace_open, but for `input.damage`, which the one replaying thread adds to.
 */
#ifndef INPUT_TRACE_H
#define INPUT_TRACE_H

#include "nodes.h"
#include "recover.h"
#include "tables.h"

struct trace {
    struct trace_input input;
    struct recovery recovery;
    struct tables tables;
    struct stack_nodes nodes;
};

/* 0, or -errno with the reason in *refusal (for reader_explain). */
int trace_open(struct trace *trace, const char *path, struct reader_refusal *refusal);
void trace_close(struct trace *trace);

/*
 * Events that frames and slots hold, as far as headers tell (ring remains are counted as two words each: an estimate).
 */
uint64_t trace_events(const struct trace *trace);

#endif

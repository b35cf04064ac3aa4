/*
 * From traces to a verdict and outputs: what report, check and run have in common. One pass over the traces gives every
 * output asked for; the caller chooses what goes to which stream and makes the exit status from the result.
 */
#ifndef COMMANDS_EXPLAIN_H
#define COMMANDS_EXPLAIN_H

#include <stdio.h>

#include "../report/report.h"
#include "groups.h"
#include "phase_sources.h"
#include "rulebook.h"

enum explain_text {
    EXPLAIN_NOTHING, /* no text at all */
    EXPLAIN_VERDICT, /* the verdict and its reasons: check */
    EXPLAIN_SUMMARY, /* verdict, totals, phases, top sites: run */
    EXPLAIN_FULL,    /* the full report: report */
};

struct explain_request {
    const struct common_values *common;
    const struct judging_values *judging; /* NULL: default rules */
    const struct filter_values *filters;  /* NULL: none */
    const struct output_values *outputs;  /* NULL: none */
    const struct symbol_values *symbols;  /* NULL: defaults */
    const struct input_values *input;     /* NULL: the whole tree */
    const char *hint;                     /* what the recording is to say in the verdict; NULL: nothing */
    char **traces;                        /* files and folders */
    int trace_count;
    bool every_site;          /* none is left out for being small */
    struct symbols *resolver; /* kept by the caller over several requests; NULL: one of its own */
    enum explain_text text;
    FILE *stream; /* where the text goes: stdout, or stderr for run */
};

struct explain_result {
    char result[24]; /* as in the JSON report: pass, warn, leak, ... */
    int exit_code;   /* of the verdict: 0, 10, 11, 12 */
};

/*
 * Reads, judges and writes; says itself what went wrong. Returns 0 and sets `out`, or the exit status of a failure:
 * STATUS_USAGE (a bad rule file, pattern or option value), STATUS_UNREADABLE, STATUS_INTERNAL.
 */
int explain_traces(const struct explain_request *request, struct explain_result *out);

/*
 * Whether the rules and patterns of a request can be used, for who has work to do before it has traces: 0, or the exit
 * status that explain_traces() would have; it is said why. The request's input must be given.
 */
int explain_check(const struct explain_request *request);

/* A judged and filtered report, for commands that do something else with it than writing it. */
struct explained {
    struct report *report;
    struct rulebook book; /* it may point into these */
    struct phase_sources phases;
};

/* As explain_traces() without any output: 0 and `out`, to be closed, or the exit status of a failure. */
int explain_open(const struct explain_request *request, struct explained *out);
void explain_close(struct explained *explained);

#endif

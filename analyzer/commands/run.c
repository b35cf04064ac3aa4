/*
 * tidemark run: records a program, then judges it. For people, who read the summary, and for CI, which reads the exit
 * status: that of the program when it fails, else that of the verdict.
 */
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "launching.h"

struct run_values {
    struct common_values common;
    struct launching_values launching;
    struct judging_values judging;
    struct output_values outputs;
    struct filter_values filters;
    struct symbol_values symbols;
    struct input_values input;
};

static const struct option_use uses[] = {
    {&launching_options, offsetof(struct run_values, launching)},
    {&output_phase_options, offsetof(struct run_values, launching.phases)},
    {&judging_options, offsetof(struct run_values, judging)},
    {&output_options, offsetof(struct run_values, outputs)},
    {&filter_options, offsetof(struct run_values, filters)},
    {&symbol_options, offsetof(struct run_values, symbols)},
    {&input_options, offsetof(struct run_values, input)},
    {&common_options, offsetof(struct run_values, common)},
    {NULL, 0},
};

static struct explain_request request_of(const struct run_values *values) {
    return (struct explain_request){.common = &values->common,
                                    .judging = &values->judging,
                                    .filters = &values->filters,
                                    .outputs = &values->outputs,
                                    .symbols = &values->symbols,
                                    .input = &values->input,
                                    .text = values->common.quiet ? EXPLAIN_NOTHING : EXPLAIN_SUMMARY,
                                    .stream = stderr};
}

/* A program that can't be recorded itself may have children that were. */
static int explain(const struct run_values *values, struct launched *launched, struct explain_result *out) {
    char *trace = launched->recorded ? launched->place.file : launched->place.children;
    struct explain_request request = request_of(values);
    request.hint = launched->hint;
    request.traces = &trace;
    request.trace_count = 1;
    return explain_traces(&request, out);
}

static void judge(const struct run_values *values, struct launched *launched, struct explain_result *out) {
    if (!launched->recorded && !place_has_children(&launched->place)) {
        *out = (struct explain_result){"not recorded", STATUS_NOT_RECORDED};
        return;
    }
    if (explain(values, launched, out) != 0) *out = (struct explain_result){"not judged", STATUS_OWN_FAILURE};
}

static int run(void *own, int count, char **arguments) {
    struct run_values *values = own;
    struct launched launched;
    struct explain_result result;
    const struct explain_request request = request_of(values);
    (void)count;
    if (explain_check(&request)) return STATUS_OWN_FAILURE; /* not after an hour of work */
    int status = launch(&values->launching, arguments, &launched);
    if (status) return status;
    judge(values, &launched, &result);
    fflush(stderr);
    status = launched_status(&launched);
    bool failed = status != 0;
    if (!failed) status = result.exit_code;
    launched_say(&launched);
    say("%s (exit %d, from %s)", result.result, status, failed ? "CMD" : "verdict");
    return status;
}

const struct command command_run = {
    .name = "run",
    .arguments = "[--] CMD [ARG...]",
    .summary = "Record a program, then judge it: does it leak, and where",
    .text =
        "Options end at CMD. stdin and stdout belong to CMD; all that tidemark says goes to stderr. The last line is "
        "`tidemark: RESULT (exit N, from CMD|verdict)'. The trace of CMD goes to FILE, traces of its children to "
        "FILE.d/; an existing FILE and FILE.d move to .old. SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are "
        "passed on to CMD.\n\n"
        "Exit status: that of CMD when it fails (128 + signal when it was killed); else 0 pass, warn or nothing "
        "judged, 10 leak, "
        "11 budget exceeded, 12 inconclusive, 13 the recorder never loaded; 125 when tidemark itself fails, 126 when "
        "CMD "
        "can't be executed, 127 when it is not found.",
    .values_size = sizeof(struct run_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = -1,
    .ends_at_command = true,
    .usage_status = STATUS_OWN_FAILURE,
    .run = run,
};

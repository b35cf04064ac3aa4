/*
 * tidemark check: the verdict alone, for scripts and CI.
 */
#include "explain.h"

struct check_values {
    struct common_values common;
    struct judging_values judging;
    struct output_values outputs;
    struct symbol_values symbols;
    struct input_values input;
};

static const struct option_use uses[] = {
    {&judging_options, offsetof(struct check_values, judging)},
    {&output_options, offsetof(struct check_values, outputs)},
    {&symbol_options, offsetof(struct check_values, symbols)},
    {&input_options, offsetof(struct check_values, input)},
    {&common_options, offsetof(struct check_values, common)},
    {NULL, 0},
};

static int run(void *own, int count, char **arguments) {
    const struct check_values *values = own;
    struct explain_result result;
    struct explain_request request = {.common = &values->common,
                                      .judging = &values->judging,
                                      .outputs = &values->outputs,
                                      .symbols = &values->symbols,
                                      .input = &values->input,
                                      .traces = arguments,
                                      .trace_count = count,
                                      .text = values->common.quiet ? EXPLAIN_NOTHING : EXPLAIN_VERDICT,
                                      .stream = stdout};
    int status = explain_traces(&request, &result);
    return status ? status : result.exit_code;
}

const struct command command_check = {
    .name = "check",
    .arguments = "TRACE...",
    .summary = "Judge recorded programs: do they leak, do they keep their budget",
    .text = "Exit status: 0 pass, warn or nothing judged (with --strict warn is 10, nothing judged 12), 10 leak, 11 "
            "budget exceeded or stopped by a limit, 12 inconclusive; 3 when no trace can be read.",
    .values_size = sizeof(struct check_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run,
};

/*
 * tidemark report: everything that traces tell, as text and in the forms asked for.
 */
#include "explain.h"

struct report_values {
    struct common_values common;
    struct output_values outputs;
    struct filter_values filters;
    struct judging_values judging;
    struct symbol_values symbols;
    struct input_values input;
};

static const struct option_use uses[] = {
    {&output_options, offsetof(struct report_values, outputs)},
    {&filter_options, offsetof(struct report_values, filters)},
    {&judging_options, offsetof(struct report_values, judging)},
    {&symbol_options, offsetof(struct report_values, symbols)},
    {&input_options, offsetof(struct report_values, input)},
    {&common_options, offsetof(struct report_values, common)},
    {NULL, 0},
};

static int run(void *own, int count, char **arguments) {
    const struct report_values *values = own;
    struct explain_result result;
    struct explain_request request = {.common = &values->common,
                                      .judging = &values->judging,
                                      .filters = &values->filters,
                                      .outputs = &values->outputs,
                                      .symbols = &values->symbols,
                                      .input = &values->input,
                                      .traces = arguments,
                                      .trace_count = count,
                                      .text = EXPLAIN_FULL,
                                      .stream = stdout};
    return explain_traces(&request, &result);
}

const struct command command_report = {
    .name = "report",
    .arguments = "TRACE...",
    .summary = "Explain the memory of a recorded program: verdict, curve, phases, sites",
    .text = "A TRACE with a TRACE.d beside it means the tree of processes; a folder means all traces in it. Traces of "
            "other runs are left out; where they were named themselves, or lie in a named folder, the verdict is "
            "inconclusive. Damaged and cut traces are used as far as they are whole. Where stdout is no terminal, the "
            "text is as wide as COLUMNS says: 80 to 160, else 100.\n\n"
            "Exit status: 0, whatever the verdict; 3 when no trace can be read.",
    .values_size = sizeof(struct report_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run,
};

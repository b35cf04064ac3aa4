/*
 * tidemark record: runs a program under the recorder and ends as the program does.
 */
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "launching.h"

struct record_values {
    struct common_values common;
    struct launching_values launching;
};

static const struct option_use uses[] = {
    {&launching_options, offsetof(struct record_values, launching)},
    {&output_phase_options, offsetof(struct record_values, launching.phases)},
    {&common_options, offsetof(struct record_values, common)},
    {NULL, 0},
};

/* Dies of the same signal, so that our parent sees what it would have seen; without a second core file. */
static void end_by_signal(int number) {
    sigset_t set;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

static int run(void *own, int count, char **arguments) {
    const struct record_values *values = own;
    struct launched launched;
    (void)count;
    int status = launch(&values->launching, arguments, &launched);
    if (status) return status;
    launched_say(&launched);
    if (launched.hint) say_unless_quiet("%s", launched.hint);
    if (launched.ending.signaled) end_by_signal(launched.ending.value);
    return launched_status(&launched);
}

const struct command command_record = {
    .name = "record",
    .arguments = "[--] CMD [ARG...]",
    .summary = "Run a program under the recorder; end as it does",
    .text =
        "Options end at CMD. The trace of CMD goes to FILE, traces of its children to FILE.d/; an existing FILE and "
        "FILE.d move to .old. SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are passed on to CMD. stdin and "
        "stdout belong to CMD; all messages go to stderr. The environment variables "
        "TIDEMARK_* tune the recorder; see the README.\n\n"
        "Exit status: that of CMD, and its signal; 125 when tidemark itself fails, 126 when CMD can't be executed, "
        "127 when it is not found.",
    .values_size = sizeof(struct record_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = -1,
    .ends_at_command = true,
    .usage_status = STATUS_OWN_FAILURE,
    .run = run,
};

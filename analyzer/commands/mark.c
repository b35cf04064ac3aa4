/*
 * tidemark mark: names points and phases of a running target from outside, and turns its recording on or off.
 * The request goes through the mailbox of the target's live trace. Only --stop sends a signal, and only to a target
 * that sleeps: it runs no hook that could take the request.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "../launch/mailbox.h"
#include "groups.h"
#include "quantity.h"

#define SERVICE_NS INT64_C(1000000000)
#define GRACE_NS (5 * SERVICE_NS)
#define POLL_NS INT64_C(20000000)

struct mark_values {
    struct common_values common;
    const char *begin, *end;
    bool on, off, stop;
};

static const struct option_row rows[] = {
    OPTION("begin", 0, OPTION_TEXT, "NAME", offsetof(struct mark_values, begin), "Begin the phase NAME"),
    OPTION("end", 0, OPTION_TEXT, "NAME", offsetof(struct mark_values, end), "End the phase NAME"),
    OPTION("on", 0, OPTION_FLAG, NULL, offsetof(struct mark_values, on), "Start recording (a dormant target)"),
    OPTION("off", 0, OPTION_FLAG, NULL, offsetof(struct mark_values, off), "Record no new blocks from now on"),
    OPTION("stop", 0, OPTION_FLAG, NULL, offsetof(struct mark_values, stop),
           "End the target; the trace says that it was asked to"),
};
static const struct option_group own_options = {NULL, OPTION_ROWS(rows)};
static const struct option_use uses[] = {
    {&own_options, 0},
    {&common_options, offsetof(struct mark_values, common)},
    {NULL, 0},
};

struct request {
    enum trace_command command;
    const char *name; /* NULL: not asked for */
    bool waits;       /* worth waiting for its effect */
};

/* The one thing asked for; NULL name when it is none or several. */
static struct request request_of(const struct mark_values *values, const char *name) {
    const struct request all[] = {
        {TRACE_COMMAND_MARK, name, false},
        {TRACE_COMMAND_PHASE_BEGIN, values->begin, false},
        {TRACE_COMMAND_PHASE_END, values->end, false},
        {TRACE_COMMAND_ON, values->on ? "" : NULL, true},
        {TRACE_COMMAND_OFF, values->off ? "" : NULL, true},
        {TRACE_COMMAND_STOP, values->stop ? "" : NULL, true},
    };
    struct request found = {TRACE_COMMAND_MARK, NULL, false};
    int count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].name && count++ == 0) found = all[i];
    return count == 1 ? found : (struct request){TRACE_COMMAND_MARK, NULL, false};
}

static bool is_gone(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

/* As the recorder does it: SIGTERM, and SIGKILL after five seconds. The request that waits is in the trace. */
static void stop_sleeper(const struct mailbox *mailbox, uint32_t number, pid_t pid) {
    kill(pid, SIGTERM);
    for (int64_t waited = 0; waited < GRACE_NS; waited += POLL_NS)
        if (is_gone(pid) || mailbox_wait(mailbox, number, POLL_NS) == 0) return;
    kill(pid, SIGKILL);
}

static int post(struct mailbox *mailbox, const struct request *request, int64_t pid) {
    uint32_t number;
    mailbox_announce(mailbox);
    int error = mailbox_post(mailbox, request->command, request->name, 0, mailbox_now(), &number);
    if (error) {
        say("process %lld takes no requests: 64 are waiting already", (long long)pid);
        return STATUS_INTERNAL;
    }
    if (!request->waits || mailbox_wait(mailbox, number, SERVICE_NS) == 0) return STATUS_OK;
    if (request->command == TRACE_COMMAND_STOP) stop_sleeper(mailbox, number, (pid_t)pid);
    else say_unless_quiet("queued: process %lld has not come to it yet", (long long)pid);
    return STATUS_OK;
}

static int usage(const char *problem) {
    say("mark: %s; see tidemark mark --help", problem);
    return STATUS_USAGE;
}

static int run(void *own, int count, char **arguments) {
    const struct mark_values *values = own;
    struct request request = request_of(values, count > 1 ? arguments[1] : NULL);
    struct mailbox mailbox;
    int64_t pid;
    if (quantity_count(arguments[0], &pid) != 0 || pid < 1 || pid > INT_MAX)
        return usage("the first argument is a process id");
    if (!request.name) return usage("give exactly one of NAME, --begin, --end, --on, --off and --stop");
    if (strlen(request.name) > MAILBOX_NAME_MAX) return usage("a name has at most 255 bytes");
    int error = mailbox_find(&mailbox, (pid_t)pid);
    if (error) {
        say("process %lld can't be marked: %s", (long long)pid, mailbox_explain(error));
        return STATUS_UNREADABLE;
    }
    int status = post(&mailbox, &request, pid);
    mailbox_close(&mailbox);
    return status;
}

const struct command command_mark = {
    .name = "mark",
    .arguments = "PID [NAME]",
    .summary = "Mark a moment or a phase of a running target from outside",
    .text =
        "Without an option NAME marks this moment. The target must run under the recorder, as the same user. The mark "
        "carries the moment at which it was asked for.\n\n"
        "Exit status: 0 posted, 2 wrong use, 3 no such process or not recorded, 4 its mailbox is full.",
    .values_size = sizeof(struct mark_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run,
};

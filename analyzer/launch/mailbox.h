/*
 * Requests to a recorder from outside its process, through the mailbox in the header of its live trace (FORMAT.md
 * "Mailbox"). The header is mapped shared; any number of senders may post at the same time.
 */
#ifndef LAUNCH_MAILBOX_H
#define LAUNCH_MAILBOX_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../include/trace_format.h"

#define MAILBOX_NAME_MAX 255
#define MAILBOX_PATH_MAX (PATH_MAX + 64)

struct mailbox {
    uint8_t *header; /* NULL: not open */
};

/* Opens the trace at `path`. 0, -EPROTO (no trace of a version we know), -ESHUTDOWN (the trace is closed) or -errno. */
int mailbox_open(struct mailbox *mailbox, const char *path);
void mailbox_close(struct mailbox *mailbox);
/* pid of the recorded process, in its own PID namespace. */
uint32_t mailbox_pid(const struct mailbox *mailbox);
/* Whether the process is still recorded. */
bool mailbox_is_live(const struct mailbox *mailbox);

/* Finds the live trace of a running process. 0, -ESRCH, -EACCES, -ENOENT (it has none) or another -errno. */
int mailbox_find(struct mailbox *mailbox, pid_t pid);
/* The same, with a path by which its trace can be opened while the process lives. */
int mailbox_find_path(struct mailbox *mailbox, pid_t pid, char trace[MAILBOX_PATH_MAX]);

/* Why it was not found, for a person. */
const char *mailbox_explain(int error);

/* Whether its recorder's counter is one that we can read, too. */
bool mailbox_shares_clock(const struct mailbox *mailbox);
/*
 * Before a stamp is taken for a request: events after it get no earlier one. Nothing happens if the mailbox is not
 * open.
 */
void mailbox_announce(struct mailbox *mailbox);
/* This moment as a stamp; 0 on a machine where only the recorder can tell. */
uint64_t mailbox_now(void);

/*
 * Posts a request made at `stamp`. `name` has at most MAILBOX_NAME_MAX bytes; `flags` as of an event.
 * 0, -EAGAIN (the mailbox is full) or -EINVAL. `number` is what mailbox_wait takes; it may be NULL.
 */
int mailbox_post(struct mailbox *mailbox, enum trace_command command, const char *name, uint32_t flags, uint64_t stamp,
                 uint32_t *number);
/* Waits until the recorder has served it. 0 or -ETIMEDOUT. */
int mailbox_wait(const struct mailbox *mailbox, uint32_t number, int64_t timeout_ns);

#endif

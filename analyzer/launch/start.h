/*
 * Starts a program under the recorder, passes signals on to it and collects how it ended.
 *
 * The program runs in our process group and with our descriptors, as under env or time. Nothing is printed.
 */
#ifndef LAUNCH_START_H
#define LAUNCH_START_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "place.h"
#include "writer.h"

struct start_plan {
    char **arguments;        /* ends with NULL */
    const char *out;         /* -o FILE; NULL: tidemark.NAME.PID.tmk */
    const char *recorder;    /* absolute path; NULL: nothing is preloaded */
    const char *writer;      /* the program that writes beside the recorded ones; NULL: none */
    int64_t sample_ns;       /* its interval of memory samples */
    bool children_only;      /* the program itself can't be recorded */
    const char *only, *skip; /* globs on executables; NULL: all */
    int stdout_fd;           /* the program's stdout; -1: ours */
};

enum start_step { START_PREPARE, START_FORK, START_EXEC };

struct started {
    pid_t pid;
    sigset_t old_mask;          /* signals are blocked from before the fork until wait_program returns */
    struct sigaction old_child; /* SIGCHLD, which may be ignored where we come from, but not here */
    struct writer writer;       /* started by wait_program, to be ended by the caller after it */
    enum start_step failed;     /* when start_program fails: in which step */
    const char *failed_path;
};

/* `place` has its run id and gets its names. 0 or -errno. */
int start_program(const struct start_plan *plan, struct place *place, struct started *out);

struct ending {
    bool signaled;
    int value; /* exit code or signal */
    struct rusage usage;
};

/* SIGCHLD and the signals that are passed on to the program. */
sigset_t passed_signals(void);

/* Something to be served while waiting: called when fd is readable; returns false when there is no more to come. */
struct pump {
    int fd;
    bool (*serve)(void *self);
    void *self;
};

/*
 * Waits for the program's end, passing on SIGINT, SIGTERM, SIGHUP and SIGQUIT, and starts the writer if that is not
 * soon. `pump` may be NULL. 0 or -errno.
 */
int wait_program(struct started *started, struct pump *pump, struct ending *out);

#endif

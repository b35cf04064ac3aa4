/*
 * Starting a program (start.h). The child of our fork waits at a gate until the places for its traces, whose names hold
 * its pid, are ready; then it execs, and a failure of exec comes back through a second pipe that exec closes.
 */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Environment of the program. */

/* In file name templates a literal percent sign is doubled. */
static void escape_template(const char *path, const char *suffix, char *out, size_t capacity) {
    size_t length = 0;
    for (; *path && length + 2 < capacity; path++) {
        if (*path == '%') out[length++] = '%';
        out[length++] = *path;
    }
    snprintf(out + length, capacity - length, "%s", suffix);
}

/* Our recorder first, then what was there before, without an older entry of ours. */
static void set_preload(const char *recorder) {
    const char *old = getenv("LD_PRELOAD");
    size_t capacity = strlen(recorder) + (old ? strlen(old) : 0) + 2;
    char *value = malloc(capacity), *copy = strdup(old ? old : ""), *rest = copy;
    if (!value || !copy) _exit(125);
    strcpy(value, recorder);
    for (const char *entry; (entry = strsep(&rest, ": "));)
        if (*entry && strcmp(entry, recorder) != 0) strcat(strcat(value, ":"), entry);
    setenv("LD_PRELOAD", value, 1);
    free(copy);
    free(value);
}

static void set_or_clear(const char *name, const char *value) {
    if (value) setenv(name, value, 1);
    else unsetenv(name);
}

static void set_environment(const struct start_plan *plan, const struct place *place) {
    char own[2 * PATH_MAX], children[2 * PATH_MAX];
    escape_template(place->file, "", own, sizeof own);
    escape_template(place->children, "/%e.%p.tmk", children, sizeof children);
    set_preload(plan->recorder);
    setenv("TIDEMARK_RUN", place->run_id, 1);
    setenv("TIDEMARK_OUT", plan->children_only ? children : own, 1);
    setenv("TIDEMARK_CHILDREN", children, 1);
    if (plan->writer) setenv("TIDEMARK_WRITER", "process", 1);
    set_or_clear("TIDEMARK_ONLY", plan->only);
    set_or_clear("TIDEMARK_SKIP", plan->skip);
}

/* Names. */

static int name_place(const struct start_plan *plan, struct place *place, pid_t pid) {
    char name[NAME_MAX + 1];
    const char *slash = strrchr(plan->arguments[0], '/');
    if (plan->out) return place_name(place, plan->out);
    snprintf(name, sizeof name, "tidemark.%.200s.%d.tmk", slash ? slash + 1 : plan->arguments[0], (int)pid);
    return place_name(place, name);
}

/* Both sides of the fork. */

struct gate {
    int go[2];     /* we to the child: a byte when all is ready */
    int failed[2]; /* the child to us: errno of exec; closed by its success */
};

static int open_gate(struct gate *gate) {
    if (pipe2(gate->go, O_CLOEXEC) != 0) return -errno;
    if (pipe2(gate->failed, O_CLOEXEC) == 0) return 0;
    int error = -errno;
    close(gate->go[0]);
    close(gate->go[1]);
    return error;
}

static _Noreturn void become_program(const struct start_plan *plan, struct place *place, const struct gate *gate,
                                     const struct started *started) {
    char byte;
    close(gate->go[1]);
    if (read(gate->go[0], &byte, 1) != 1) _exit(125);
    if (plan->recorder && name_place(plan, place, getpid()) == 0) set_environment(plan, place);
    if (plan->stdout_fd >= 0) dup2(plan->stdout_fd, STDOUT_FILENO);
    sigaction(SIGCHLD, &started->old_child, NULL);
    sigprocmask(SIG_SETMASK, &started->old_mask, NULL);
    execvp(plan->arguments[0], plan->arguments);
    int error = errno;
    if (write(gate->failed[1], &error, sizeof error) < 0) _exit(125);
    _exit(127);
}

/* Opens the gate; 0 when exec succeeded. */
static int let_go(struct gate *gate, struct started *out) {
    int error = 0;
    close(gate->failed[1]);
    gate->failed[1] = -1;
    out->failed = START_EXEC;
    if (write(gate->go[1], "g", 1) != 1) return -errno;
    return read(gate->failed[0], &error, sizeof error) == sizeof error ? -error : 0;
}

static void close_gate(const struct gate *gate) {
    const int fds[] = {gate->go[0], gate->go[1], gate->failed[0], gate->failed[1]};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0) close(fds[i]);
}

int start_program(const struct start_plan *plan, struct place *place, struct started *out) {
    struct gate gate;
    *out = (struct started){.failed = START_FORK};
    int error = open_gate(&gate);
    if (error) return error;
    sigset_t signals = passed_signals();
    sigprocmask(SIG_BLOCK, &signals, &out->old_mask);
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &out->old_child);
    out->pid = fork();
    if (out->pid == 0) become_program(plan, place, &gate, out);
    error = out->pid < 0 ? -errno : 0;
    if (!error) {
        out->failed = START_PREPARE;
        error = name_place(plan, place, out->pid);
        if (!error && plan->recorder) error = place_prepare(place, &out->failed_path);
        out->writer = (struct writer){
            .path = plan->recorder ? plan->writer : NULL, .place = place, .sample_ns = plan->sample_ns, .hold = -1};
        if (!error) error = let_go(&gate, out);
    }
    close_gate(&gate);
    if (error) sigprocmask(SIG_SETMASK, &out->old_mask, NULL);
    return error;
}

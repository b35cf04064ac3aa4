/*
 * Waiting for the program (start.h). A signal that the terminal sends reaches the program by itself, because it is in
 * our process group; only what was sent to us alone, by kill, is passed on.
 */
#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../nanoseconds.h"
#include "start.h"

#define GRACE_MS 1000

sigset_t passed_signals(void) {
    static const int signals[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaddset(&set, signals[i]);
    return set;
}

/* Reads one signal. That a child changed is looked up by the caller anyway. */
static void take_signal(int fd, pid_t pid) {
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != sizeof info) return;
    if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL) kill(pid, (int)info.ssi_signo);
}

static bool has_ended(pid_t pid, struct ending *out) {
    int status;
    if (wait4(pid, &status, WNOHANG, &out->usage) != pid) return false;
    out->signaled = WIFSIGNALED(status);
    out->value = out->signaled ? WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

static void serve(struct pump *pump, short events) {
    if (events && pump->serve && !pump->serve(pump->self)) pump->fd = -1;
}

static int64_t now_ms(void) { return ns_now(CLOCK_MONOTONIC) / 1000000; }

/* Milliseconds until the writer is to be started; -1: it need not be, or has been just now. */
static int until_writer(struct writer *writer, int64_t due_ms) {
    int64_t left = writer->path ? due_ms - now_ms() : -1;
    if (writer->path && left <= 0) writer_start(writer);
    return left > 0 ? (int)left : -1;
}

static int wait_with(int signals, struct started *started, struct pump *pump, struct ending *out) {
    int64_t due_ms = now_ms() + WRITER_AFTER_MS;
    while (!has_ended(started->pid, out)) {
        struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = pump->fd, .events = POLLIN}};
        if (poll(fds, 2, until_writer(&started->writer, due_ms)) < 0 && errno != EINTR) return -errno;
        serve(pump, fds[1].revents);
        if (fds[0].revents) take_signal(signals, started->pid);
    }
    return 0;
}

/* What the program, or children that outlive it, have still to say; ends after a second of silence. */
static void drain(struct pump *pump) {
    for (struct pollfd fd = {.fd = pump->fd, .events = POLLIN}; pump->fd >= 0 && poll(&fd, 1, GRACE_MS) > 0;)
        serve(pump, fd.revents);
}

int wait_program(struct started *started, struct pump *pump, struct ending *out) {
    struct pump none = {.fd = -1};
    sigset_t set = passed_signals();
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    int error = fd < 0 ? -errno : wait_with(fd, started, pump ? pump : &none, out);
    if (pump) drain(pump);
    if (fd >= 0) close(fd);
    sigprocmask(SIG_SETMASK, &started->old_mask, NULL);
    return error;
}

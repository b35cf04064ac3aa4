/*
 * The terminal of a live view. See screen.h. The alternate screen, its cursor and its line wrap are those of xterm,
 * which every terminal of today understands.
 */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../nanoseconds.h"

static void enter(struct screen *screen) {
    if (!screen->shown) return;
    if (screen->has_keys) {
        struct termios raw = screen->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    }
    fputs("\033[?1049h\033[?25l\033[?7l\033[H\033[2J", stdout);
    fflush(stdout);
}

static void leave(const struct screen *screen) {
    if (!screen->shown) return;
    if (screen->has_keys) tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before);
    fputs("\033[?7h\033[?25h\033[?1049l", stdout);
    fflush(stdout);
}

static void watched(sigset_t *set) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
    sigemptyset(set);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaddset(set, signals[i]);
}

int screen_open(struct screen *screen, bool shown) {
    sigset_t set;
    watched(&set);
    *screen = (struct screen){.shown = shown};
    screen->has_keys = shown && isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &screen->before) == 0;
    if (sigprocmask(SIG_BLOCK, &set, NULL)) return -errno;
    screen->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (screen->signals < 0) return -errno;
    enter(screen);
    return 0;
}

void screen_close(struct screen *screen) {
    sigset_t set;
    leave(screen);
    close(screen->signals);
    watched(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int screen_rows(void) {
    struct winsize window = {0};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 ? window.ws_row : 0;
}

static enum screen_event take_signal(struct screen *screen, int *signal) {
    struct signalfd_siginfo info;
    if (read(screen->signals, &info, sizeof info) != sizeof info) return SCREEN_TIMEOUT;
    if (info.ssi_signo == SIGWINCH) return SCREEN_REDRAW;
    if (info.ssi_signo == SIGTSTP) {
        leave(screen);
        raise(SIGSTOP);
        enter(screen);
        return SCREEN_REDRAW;
    }
    *signal = (int)info.ssi_signo;
    return SCREEN_QUIT;
}

static enum screen_event take_key(struct screen *screen) {
    char key;
    ssize_t got = read(STDIN_FILENO, &key, 1);
    if (got <= 0) screen->has_keys = false;
    return got == 1 && (key == 'q' || key == 'Q') ? SCREEN_QUIT : SCREEN_TIMEOUT;
}

enum screen_event screen_wait(struct screen *screen, int64_t timeout_ns, int *signal) {
    int64_t end = ns_now(CLOCK_MONOTONIC) + timeout_ns;
    *signal = 0;
    for (;;) {
        struct pollfd polled[] = {{.fd = screen->signals, .events = POLLIN},
                                  {.fd = screen->has_keys ? STDIN_FILENO : -1, .events = POLLIN}};
        int64_t left = end - ns_now(CLOCK_MONOTONIC);
        struct timespec patience = {left > 0 ? left / 1000000000 : 0, left > 0 ? left % 1000000000 : 0};
        if (ppoll(polled, 2, &patience, NULL) <= 0) return SCREEN_TIMEOUT;
        enum screen_event event = polled[0].revents ? take_signal(screen, signal) : take_key(screen);
        if (event != SCREEN_TIMEOUT) return event;
    }
}

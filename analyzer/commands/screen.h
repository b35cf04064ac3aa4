/*
 * A terminal that shows one screen over and over, and gives it back as it was: also when a signal ends the program.
 *
 * While it is open the signals that end, stop or resize are read by screen_wait() instead of being delivered.
 */
#ifndef COMMANDS_SCREEN_H
#define COMMANDS_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct screen {
    bool shown;    /* the other screen is on; false: lines go to a log, signals are watched all the same */
    bool has_keys; /* stdin is a terminal, too */
    int signals;   /* signalfd */
    struct termios before;
};

enum screen_event { SCREEN_TIMEOUT, SCREEN_REDRAW, SCREEN_QUIT };

/* 0 or -errno; the terminal is touched only if `shown`. */
int screen_open(struct screen *screen, bool shown);
/* Waits for the time, a key or a signal. SCREEN_QUIT: q was pressed, or `*signal` asks to end (0: a key). */
enum screen_event screen_wait(struct screen *screen, int64_t timeout_ns, int *signal);
void screen_close(struct screen *screen);
int screen_rows(void); /* 0: unknown */

#endif

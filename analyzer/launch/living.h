/*
 * Processes whose first thread may have ended before the others (pthread_exit in main): /proc/PID then has neither
 * memory nor files, and looks like a zombie's. proc_pid_stat(5).
 */
#ifndef LAUNCH_LIVING_H
#define LAUNCH_LIVING_H

#include <sys/types.h>

/* A thread that stands for the process in /proc: its first, or another when that has ended. 0: the process has gone. */
pid_t living_thread(pid_t pid);

#endif

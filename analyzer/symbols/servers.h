/*
 * Patience with debuginfod servers, which elfutils asks where DEBUGINFOD_URLS names some: it waits 90 s for each file
 * and asks again, but a report must not hang on a server that is down. All state is in the environment, where elfutils
 * reads it: so in the process that reads object files alone (worker.h).
 */
#ifndef SYMBOLS_SERVERS_H
#define SYMBOLS_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether there are any to ask. */
bool servers_known(void);
/* Before the first question; limits that the user has set stay. */
void servers_limit(void);
/* Seconds, to be given to servers_judge() when the answer is there. */
int64_t servers_clock(void);
/* Those that gave nothing in their time are not asked again. */
void servers_judge(int64_t started, bool found);

#endif

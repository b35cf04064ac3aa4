/*
 * Patience with debuginfod servers. See servers.h.
 */
#include "servers.h"

#include <stdio.h>
#include <stdlib.h>

#include "../nanoseconds.h"

enum { SERVER_SECONDS = 10 };

bool servers_known(void) { return getenv("DEBUGINFOD_URLS") != NULL; }

int64_t servers_clock(void) { return ns_now(CLOCK_MONOTONIC) / 1000000000; }

void servers_limit(void) {
    char text[16];
    if (!servers_known()) return;
    snprintf(text, sizeof text, "%d", SERVER_SECONDS);
    setenv("DEBUGINFOD_TIMEOUT", text, 0);
    setenv("DEBUGINFOD_RETRY_LIMIT", "0", 0);
}

void servers_judge(int64_t started, bool found) {
    const char *limit = getenv("DEBUGINFOD_TIMEOUT");
    if (!found && servers_known() && servers_clock() - started >= (limit ? atoi(limit) : SERVER_SECONDS))
        unsetenv("DEBUGINFOD_URLS");
}

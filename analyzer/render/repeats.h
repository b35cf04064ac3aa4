/*
 * What the processes of a tree have in common: a script that starts ls thirty times has thirty times its call sites and
 * phases. Text tells such once, and how often; JSON has them all. Pure.
 */
#ifndef RENDER_REPEATS_H
#define RENDER_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

#include "../report/report.h"

/* Whether the site at `index` is that of an earlier one, in another process. */
bool site_is_repeated(const struct report *report, size_t index);

struct repeats {
    size_t sites;
    int64_t live_bytes; /* of these in the end of their processes */
};

/* Those that repeat the site at `index`. */
struct repeats repeats_of_site(const struct report *report, size_t index);

/* Whether the phase at `index` is one round of a child that tells no more than that of an earlier one. */
bool phase_is_repeated(const struct report *report, size_t index);

struct program_count {
    const char *name; /* without its folder; borrowed */
    size_t processes;
};

/* The programs of the report's processes, most frequent first, at most `most` of them. Returns how many were set. */
size_t count_programs(const struct report *report, struct program_count *out, size_t most);

#endif

/*
 * Phases for the time during which a function is on a stack: finds its calls in a first replay and adds their edges to
 * the trace's tables, as if the program had marked them.
 */
#ifndef REPORT_BY_FUNCTION_H
#define REPORT_BY_FUNCTION_H

#include <regex.h>
#include <stddef.h>
#include <stdint.h>

struct replay_options;
struct subject;
struct symbols;

struct function_phase {
    char *name;       /* of the phase */
    regex_t function; /* what the function's name has to match */
};

struct function_phases {
    struct function_phase *items;
    size_t count;
};

struct function_calls {
    uint64_t *calls;  /* by function phase; allocated by the caller */
    uint64_t dropped; /* calls that were too many to keep */
};

/*
 * Before the replay of `subject`, whose modules `symbols` knows in `space`. Adds to *calls what was found.
 * 0, -ENOMEM or the error of the replay.
 */
int by_function_add_phases(struct subject *subject, struct symbols *symbols, uint32_t space,
                           const struct function_phases *phases, const struct replay_options *options,
                           struct function_calls *calls);

#endif

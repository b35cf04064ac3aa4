/*
 * From lines of output to edges of phases: the rules of a preset, or of a pattern of the user's own.
 *
 * Pure: no I/O, no clock. Phases come on two levels: a suite, and the tests in it.
 */
#ifndef LAUNCH_EDGES_H
#define LAUNCH_EDGES_H

#include <stdbool.h>
#include <stddef.h>

enum edge_level { EDGE_SUITE, EDGE_TEST, EDGE_LEVELS };

struct edge {
    enum edge_level level;
    bool begins;
    bool since_last;  /* began when the test before ended, or with the program; that is known only now */
    const char *name; /* lives during the call only */
};
/* Called for each edge, in order. */
typedef void edge_visitor(void *self, const struct edge *edge);

struct edges;

/* `pattern` is the name of a preset or an extended regular expression. NULL: `problem` says why (static text). */
struct edges *edges_new(const char *pattern, edge_visitor *visit, void *self, const char **problem);
void edges_free(struct edges *edges);
/* Whether the lines announce tests, as those of a preset do: all that follows the line before belongs to the test. */
bool edges_announce(const struct edges *edges);

/*
 * What a person should know about the phases that were found: that there are none, or that tests overlap. `one_by_one`:
 * the runner was told not to run tests at once. Static text; NULL: nothing.
 */
const char *edges_hint(const struct edges *edges, bool one_by_one);

/*
 * Feeds one line without its line end; `complete` is false for the beginning of a line that is still being printed, and
 * the same line is fed again when it is longer or complete. Terminal colour sequences are ignored.
 */
void edges_feed(struct edges *edges, const char *line, size_t length, bool complete);

#endif

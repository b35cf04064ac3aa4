/*
 * A budget file proposed from clean runs: for every key that has a value in all of them the worst value seen, with a
 * margin, rounded outwards. What depends on the machine's speed becomes a warning.
 */
#ifndef VERDICT_PROPOSE_H
#define VERDICT_PROPOSE_H

#include "../report/report.h"

struct proposal;

/* margin: 0.25 allows a quarter more than was seen. NULL: out of memory. */
struct proposal *proposal_new(double margin);
void proposal_add(struct proposal *proposal, const struct report *report);
/* The file's text, malloc'd; NULL: out of memory. */
char *proposal_text(const struct proposal *proposal);
void proposal_release(struct proposal *proposal);

#endif

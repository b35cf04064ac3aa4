/*
 * The rules that a command judges by: budget file, baseline and suppressions, as the judging options and the budget
 * file name them. Read once, before the traces; says itself what is wrong with a file.
 */
#ifndef COMMANDS_RULEBOOK_H
#define COMMANDS_RULEBOOK_H

#include "../report/build.h"
#include "../verdict/verdict.h"
#include "groups.h"

struct rulebook {
    struct budget *budget;
    struct baseline *baseline;
    struct suppressions *suppressions;
    const char *baseline_path; /* to be updated; NULL: no */
};

/* `judging` may be NULL: no rules. 0 and `out`, or the exit status of a failure. */
int rulebook_open(const struct judging_values *judging, struct rulebook *out);
void rulebook_close(struct rulebook *rulebook);

/* What the judge needs to know of the options and the budget. */
void rulebook_set_options(const struct rulebook *rulebook, const struct judging_values *judging,
                          struct build_options *options);
struct verdict_rules rulebook_rules(const struct rulebook *rulebook, const struct judging_values *judging);

/* Writes the baseline where --update-baseline asks for it. 0 or the exit status of a failure. */
int rulebook_update(const struct rulebook *rulebook, const struct report *report);

#endif

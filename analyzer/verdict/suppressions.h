/*
 * Sites to ignore, in the syntax of LeakSanitizer: lines `leak:PATTERN`, `#` begins a comment. A pattern is found
 * anywhere in the function, file or module of a frame; `*` stands for any text, `^` and `$` bind it to begin and end.
 */
#ifndef VERDICT_SUPPRESSIONS_H
#define VERDICT_SUPPRESSIONS_H

#include "../report/report.h"
#include "rule_file.h"

struct suppressions;

/* 0 or -errno; -EINVAL: a line that is none, see `error`. */
int suppressions_read(const char *path, struct suppressions **out, struct rule_error *error);
void suppressions_release(struct suppressions *suppressions);

size_t suppressions_count(const struct suppressions *suppressions);
const char *suppressions_pattern(const struct suppressions *suppressions, size_t index);
/* Index of the first that matches a frame of the site; SIZE_MAX: none. */
size_t suppressions_match(const struct suppressions *suppressions, const struct report_site *site);

#endif

/*
 * Phases given from outside as a CSV file: one `name,begin_s,end_s` a line, seconds from the start of the trace with a
 * fraction if need be; fields may stand in quotes. Blank lines, lines that begin with #, and a heading
 * `name,begin_s,end_s` are passed over.
 */
#ifndef INPUT_PHASES_FILE_H
#define INPUT_PHASES_FILE_H

#include <stddef.h>
#include <stdint.h>

struct phase_interval {
    char *name;
    uint64_t begin_ns, end_ns;
};

struct phase_intervals {
    struct phase_interval *items; /* in the order of the file */
    size_t count;
};

/* 0, -ENOMEM, -errno of the file, or -EINVAL with the number of the line that is wrong in *line. */
int phases_file_read(const char *path, struct phase_intervals *out, unsigned *line);
void phases_file_release(struct phase_intervals *intervals);

#endif

/*
 * Reads /proc/self/maps (proc_pid_maps(5)) a line at a time, with no more memory than the reader's own.
 */
#ifndef PRELOAD_MAPS_H
#define PRELOAD_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAPS_NAME_MOST = 1024 };

struct maps_line {
    uint64_t start, end;
    uint32_t flags; /* TRACE_MAP_READ, WRITE, EXECUTE, SHARED */
    size_t length;  /* of the name, "" for anonymous memory; not terminated, what is longer is cut */
    char name[MAPS_NAME_MOST];
};

struct maps_reader { /* nobody needs to set it up */
    struct maps_line line;
    unsigned field;
    bool named; /* the first byte of the name was seen */
    char text[4096];
};

/*
 * Calls `each` for the lines of an open file, which are valid during the call. Returns whether it could be read to its
 * end.
 */
bool maps_read(struct maps_reader *reader, int fd, void (*each)(const struct maps_line *line));

#endif

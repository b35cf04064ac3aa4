/*
 * Which trace files a report is about: a file, the tree beside it, or all in a folder; of one run only.
 */
#ifndef REPORT_TREE_H
#define REPORT_TREE_H

#include <sys/types.h>

#include "../input/reader.h"
#include "arena.h"

struct tree_trace {
    const char *path;
    const char *bundle; /* that it lies in, also for its names; NULL: a file of its own */
    uint8_t run_id[16];
    uint32_t pid;
    uint64_t start_ns;   /* CLOCK_BOOTTIME, 0: unknown */
    uint64_t exec_count; /* programs that followed each other by exec began at once */
    dev_t device;        /* of the file or the bundle, as which it may be named twice */
    ino_t inode;
    bool first; /* named itself on the command line */
    bool meant; /* that, or in a folder that was named: not just beside a trace */
};

struct tree_refused { /* a file that can't be read */
    const char *path, *why;
};

struct tree {
    struct tree_trace *traces; /* CMD first, then by start */
    size_t count;
    size_t other_runs;   /* files left out because they are of another run */
    size_t meant_runs;   /* of these, those that were meant */
    size_t unread_named; /* files that were named and can't be read */
    const char *absent;  /* one that was named and is not there, unlike those beside it; NULL: none */
    struct tree_refused *refused;
    size_t refused_count;
};

/* `self`: the named files alone. Files that can't be read are listed. 0, or -ENOENT where no trace was found. */
int tree_find(struct tree *tree, struct arena *arena, char *const *paths, size_t count, bool self);

#endif

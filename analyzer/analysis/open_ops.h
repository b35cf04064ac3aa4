/*
 * Operations under way, by thread and name or by the number of an asynchronous one; in memory that follows how many
 * those are.
 */
#ifndef ANALYSIS_OPEN_OPS_H
#define ANALYSIS_OPEN_OPS_H

#include "analysis.h"

struct open_op {
    uint64_t key; /* 0: free slot */
    const char *name;
    uint64_t start_ns;
    uint32_t path; /* of the phases that it began in */
};

struct open_ops {
    struct open_op *slots; /* open addressing */
    size_t capacity, used;
};

/* Takes the place of one with the same key that never ended. 0 or -ENOMEM. */
int open_ops_begin(struct open_ops *ops, const struct control *control, const struct moment *now, uint32_t path);
/* False where no such operation is under way. */
bool open_ops_end(struct open_ops *ops, const struct control *control, const struct moment *now, struct open_op *out);
void open_ops_release(struct open_ops *ops);

#endif

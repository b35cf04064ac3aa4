/*
 * Operations that were started and not yet finished: from id to name. Memory follows the operations in flight.
 */
#ifndef REPLAY_OPERATIONS_H
#define REPLAY_OPERATIONS_H

#include <stddef.h>
#include <stdint.h>

struct operation {
    uint64_t id; /* 0: free slot */
    uint64_t name;
};

struct operations {
    struct operation *slots;
    size_t capacity, used;
};

/* 0 or -ENOMEM; an id that is open already gets the new name. */
int operations_start(struct operations *operations, uint64_t id, uint64_t name);
/* The name's string id, 0 if this operation was not started. */
uint64_t operations_finish(struct operations *operations, uint64_t id);
void operations_end(struct operations *operations);

#endif

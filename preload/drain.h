/*
 * From mapped slots to frames: the work of a writer, whether it runs in the recorder or beside the target (FORMAT.md
 * §4).
 *
 * Everything is reached through a host, which knows the trace: the caller holds the drain lock of a ring that it
 * empties; the file's lock is taken through the host. Signals blocked; the stack that it needs is DRAIN_STACK bytes.
 */
#ifndef PRELOAD_DRAIN_H
#define PRELOAD_DRAIN_H

#include "../include/trace_format.h"

#include <stdbool.h>
#include <stddef.h>

#define DRAIN_STACK (64u << 10)
#define DRAIN_EDGES 16384u

/* Memory that one drain needs at a time: predictors, zlib, buffers. drain_size() bytes, zeroed, aligned to 64. */
struct drain;
size_t drain_size(void);
int drain_init(struct drain *drain, unsigned level); /* 0 or -errno */

struct drain_host {
    uint8_t *header;  /* of the mapped trace */
    uint8_t *journal; /* its slot; NULL: none yet */
    int (*lock)(void *self);
    void (*unlock)(void *self);
    int (*append)(void *self, struct trace_frame *frame, const void *payload); /* under the lock */
    /*
     * The stamps of edges from `first` on, ascending, at most DRAIN_EDGES; -EAGAIN: not now, -EOVERFLOW: they are not
     * known.
     */
    long (*edges)(void *self, uint64_t first, uint64_t *out);
    const uint8_t *(*node)(void *self, uint32_t id); /* in its slot; NULL: no such */
    uint32_t (*nodes)(void *self);                   /* ids given out */
    uint64_t (*stamp)(void);
    void *self;
};

/* All that the ring in `slot` (control page and `words` of data) holds. 0 or -errno. */
int drain_ring(struct drain *drain, const struct drain_host *host, uint8_t *slot, uint64_t words);
/* The next frames of that ring are to be plain ones. */
void drain_plan_plain(uint8_t *slot);
/* Journal and stack nodes. */
int drain_shared(struct drain *drain, const struct drain_host *host);

bool drain_is_empty(uint8_t *slot);

#endif

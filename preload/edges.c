/*
 * The latest edges (edges.h).
 */
#include "edges.h"

#include "append.h"
#include "drain.h"
#include "file.h"
#include "lock.h"
#include "stamp.h"
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum { EDGES = DRAIN_EDGES };

static struct {
    struct lock lock;
    uint64_t *stamps; /* ring of the last EDGES */
    uint64_t count;
} edges;

int edges_start(void) {
    uint64_t *stamps = edges.stamps ? edges.stamps : sys_memory(EDGES * sizeof(uint64_t));
    memset(&edges, 0, sizeof edges);
    edges.stamps = stamps;
    return stamps ? 0 : -ENOMEM;
}

bool edge_is_mine(void) { return lock_is_mine(&edges.lock); }

/* Kept ascending: a request from outside may carry an earlier stamp than the last edge. */
static void add(uint64_t *ring, uint64_t size, uint64_t at, uint64_t stamp) {
    uint64_t oldest = at >= size ? at - size + 1 : 0;
    for (; at > oldest && ring[(at - 1) % size] > stamp; at--) ring[at % size] = ring[(at - 1) % size];
    ring[at % size] = stamp;
}

/* For the writer beside us: odd within an edge. An exchange, so that it is seen no later than the stamp is taken. */
static void move_turn(uint32_t by) {
    if (file_header())
        atomic_fetch_add_explicit(header_half(file_header(), TRACE_AT_EDGES + TRACE_EDGES_AT_TURN), by,
                                  memory_order_seq_cst);
}

static void publish(uint64_t stamp) {
    uint8_t *page = file_header() + TRACE_AT_EDGES;
    add((uint64_t *)(page + TRACE_EDGES_AT_STAMPS), TRACE_EDGES, edges.count, stamp);
    *(volatile uint64_t *)(page + TRACE_EDGES_AT_COUNT) = edges.count + 1;
}

void edge_begin(void) {
    lock_take(&edges.lock);
    move_turn(1);
}

void edge_end(uint64_t stamp) {
    add(edges.stamps, EDGES, edges.count, stamp);
    if (file_header()) publish(stamp);
    edges.count++;
    move_turn(1);
    lock_give(&edges.lock);
}

/* Taking the lock makes sure that no earlier one is still to come. */
long edges_since(void *unused, uint64_t first, uint64_t *out) {
    (void)unused;
    lock_take(&edges.lock);
    uint64_t at = edges.count, oldest = at > EDGES ? at - EDGES : 0;
    while (at > oldest && edges.stamps[(at - 1) % EDGES] >= first) at--;
    long count = 0;
    for (; at < edges.count; at++) out[count++] = edges.stamps[at % EDGES];
    lock_give(&edges.lock);
    return count;
}

/* With the turn moved on, none is counted on from one before. */
uint64_t edges_fresh_stamp(void) {
    move_turn(2);
    return stamp_now();
}

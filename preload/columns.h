/*
 * Event words of one ring, turned into the columns of an events frame (FORMAT.md "Event columns").
 *
 * A pure function with caller-owned state: no I/O, no clock, no allocation, no globals. Every call starts from an empty
 * predictor, so frames decode independently. The strict twin is analyzer/input/decode.c.
 */
#ifndef PRELOAD_COLUMNS_H
#define PRELOAD_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

/* Most events one call takes; a caller splits longer ranges. */
#define COLUMNS_MAX_EVENTS 32768u

struct columns; /* columns_size() bytes, aligned to 64, zeroed once before the first use */

struct columns_input {
    const uint64_t *ring; /* data area of a ring */
    uint64_t mask;        /* words in it, less one */
    uint64_t first, end;  /* positions; both on event boundaries, at most COLUMNS_MAX_EVENTS events between them */
    const uint64_t
        *edges; /* ascending stamps of phase edges and marks of the whole process that may fall into the range */
    size_t edge_count;
    int all_edges; /* they are not known: any event may be at one */
    int ordered;   /* other threads have events in this time: keep exact stamps where the order needs them */
};

struct columns_output {
    uint32_t count; /* events encoded */
    uint32_t bytes; /* of the raw payload */
    uint64_t end;   /* position after the last encoded event, <= input end */
    uint64_t first_stamp, last_stamp;
};

size_t columns_size(void);

/* Largest raw payload for one call. */
size_t columns_bound(void);

/*
 * Encodes events from input->first on, until input->end or COLUMNS_MAX_EVENTS events. `payload` has columns_bound()
 * bytes. Returns 0, or -EINVAL when the words are not whole valid events (what came before is then in *output).
 */
int columns_encode(struct columns *columns, const struct columns_input *input, uint8_t *payload,
                   struct columns_output *output);

#endif

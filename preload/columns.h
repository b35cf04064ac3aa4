/*
 * Event words of one ring, turned into the columns of an events frame (FORMAT.md "Event columns").
 *
 * A pure function with caller-owned state: no I/O, no clock, no allocation, no globals. A call goes on with what the
 * state has learned of the thread if the last call ended where this one begins; else it starts from nothing. The strict
 * twin is analyzer/input/decode.c.
 */
#ifndef PRELOAD_COLUMNS_H
#define PRELOAD_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most events one call takes; a caller splits longer ranges. */
#define COLUMNS_MAX_EVENTS 32768u

#define COLUMNS_PARTS 18u
#define COLUMNS_HEAD_MAX 96u /* bytes before the columns, at most */

struct columns; /* columns_size() bytes, aligned to 64, zeroed once before the first use */

struct columns_input {
    const uint64_t *ring; /* data area of a ring */
    uint64_t mask;        /* words in it, less one */
    uint64_t first, end;  /* positions; both on event boundaries, at most COLUMNS_MAX_EVENTS events between them */
    const uint64_t
        *edges; /* ascending stamps of phase edges and marks of the whole process that may fall into the range */
    size_t edge_count;
    int all_edges;   /* they are not known: any event may be at one */
    uint32_t thread; /* whose events, so that its next frame can go on where this one ends; 0: no frame will */
    int ordered;     /* other threads have events in this time: keep exact stamps where the order needs them */
};

struct columns_output {
    uint32_t count; /* events encoded */
    uint32_t bytes; /* of the raw payload */
    uint64_t end;   /* position after the last encoded event, <= input end */
    uint64_t first_stamp, last_stamp;
    bool continues;                 /* the frame is of one segment with the thread's frame before */
    uint32_t column[COLUMNS_PARTS]; /* bytes of each column; together they end the payload */
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

/*
 * For an encoder of such payloads: writes the head, and moves the columns, whose lengths are in the output, together
 * behind it. They stand in order behind the first COLUMNS_HEAD_MAX bytes. Sets output->bytes.
 */
void columns_finish(uint8_t *payload, unsigned layout, unsigned scale, uint8_t *const columns[COLUMNS_PARTS],
                    struct columns_output *output);

/*
 * Room for the events of a call. A power of two, so that frames of about the same size have their columns at the same
 * places, and those alone are ever touched.
 */
uint32_t columns_room(const struct columns_input *input);

/* The last payload did not become a frame: the next one starts from nothing. */
void columns_forget(struct columns *columns);

#endif

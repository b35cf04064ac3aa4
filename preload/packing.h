/*
 * How the columns of a frame are compressed: each the way that was best for it lately.
 *
 * Columns without repetitions pack better, and several times faster, by the frequency of their bytes alone. Now and
 * then both ways are tried on all large columns: the more often the less they change; small ones go along with the one
 * before. One zlib stream comes out, which any reader understands. Caller-owned state, no I/O, no globals.
 */
#ifndef PRELOAD_PACKING_H
#define PRELOAD_PACKING_H

#include <stddef.h>
#include <stdint.h>

#include "columns.h"
#include "deflate.h"

#define PACKING_TRIALS_APART 128u /* frames between two trials, at most */
#define PACKING_LARGE 512u        /* bytes of a column that is worth a way of its own */
#define PACKING_TINY 128u         /* and of what is not even worth the start of another way */

struct packing {
    uint32_t apart;  /* frames between the last two trials, 0: there was none */
    uint32_t frames; /* until the next trial */
    enum deflate_way ways[COLUMNS_PARTS];
    uint32_t rates[COLUMNS_PARTS]; /* bytes that 256 became in the last trial */
};

/*
 * A zlib stream of the payload of `length` bytes, which ends with the columns of these lengths. Returns its length; 0
 * when `capacity` does not hold it.
 */
size_t packing_pack(struct packing *packing, void *deflate, const uint8_t *payload, size_t length,
                    const uint32_t columns[COLUMNS_PARTS], uint8_t *out, size_t capacity);

#endif

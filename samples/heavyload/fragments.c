/*
 * Fragmentation for the heavyload workload; see fragments.h.
 */
#include "heavyload/fragments.h"

#include <stdlib.h>
#include <string.h>

#include "common/sample.h"

enum { RECORD_SIZE = 144, FILLER_STEP = 256, MOST_FILLER = 8192 };

/* The size of a record differs a little from step to step, so that the holes of earlier steps seldom fit. */
static char *place_record(unsigned step) {
    size_t size = RECORD_SIZE + 16 * (step % 4);
    return memset(xmalloc(size), (int)step, size);
}

void fragments_step(struct fragments *fragments, unsigned step) {
    size_t filler = FILLER_STEP * (step + 1);
    if (filler > MOST_FILLER) filler = MOST_FILLER;
    for (unsigned i = step % 4; i < RECORDS; i += 4) {
        char *moved = place_record(step);
        free(fragments->records[i]);
        fragments->records[i] = moved;
        fragments->fillers[i] = memset(xmalloc(filler), 1, filler);
    }
    for (unsigned i = step % 4; i < RECORDS; i += 4) free(fragments->fillers[i]);
}

void fragments_release(struct fragments *fragments) {
    for (unsigned i = 0; i < RECORDS; i++) free(fragments->records[i]);
}

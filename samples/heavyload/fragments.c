/*
 * Fragmentation for the heavyload workload; see fragments.h.
 */
#include "heavyload/fragments.h"

#include <stdlib.h>
#include <string.h>

#include "common/sample.h"

enum { RECORD_SIZE = 144, RUSH_SIZE = 480, MOVED = RECORDS / RECORD_PARTS };

static char *place_record(unsigned step) { return memset(xmalloc(RECORD_SIZE), (int)step, RECORD_SIZE); }

static void free_all(char **blocks, unsigned count) {
    while (count) free(blocks[--count]);
    free(blocks);
}

/* `rush` short-lived blocks before each record that moves; the old places become free when all have moved. */
void fragments_step(struct fragments *fragments, unsigned step) {
    unsigned rush = 2 * (step + 1) / 3 + 1, count = 0, moved = 0;
    char **blocks = xmalloc(MOVED * rush * sizeof *blocks), **old = xmalloc(MOVED * sizeof *old);
    for (unsigned i = step % RECORD_PARTS; i < RECORDS; i += RECORD_PARTS) {
        for (unsigned j = 0; j < rush; j++) blocks[count++] = memset(xmalloc(RUSH_SIZE), 1, RUSH_SIZE);
        old[moved++] = fragments->records[i];
        fragments->records[i] = place_record(step);
    }
    free_all(old, moved);
    free_all(blocks, count);
}

void fragments_release(struct fragments *fragments) {
    for (unsigned i = 0; i < RECORDS; i++) free(fragments->records[i]);
}

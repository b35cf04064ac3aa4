/*
 * Fragmentation for the heavyload workload; see fragments.h.
 */
#include "heavyload/fragments.h"

#include <stdlib.h>
#include <string.h>

#include "common/sample.h"

enum { RECORD_SIZE = 144, RUSH_SIZE = 480, RUSH_STEP = 2 };

static char *place_record(unsigned step) { return memset(xmalloc(RECORD_SIZE), (int)step, RECORD_SIZE); }

static void move_record(char **record, unsigned step) {
    char *moved = place_record(step);
    free(*record);
    *record = moved;
}

/* `rush` short-lived blocks before each record that moves. */
void fragments_step(struct fragments *fragments, unsigned step) {
    unsigned rush = RUSH_STEP * (step + 1), count = 0;
    char **blocks = xmalloc(RECORDS / RECORD_PARTS * rush * sizeof *blocks);
    for (unsigned i = step % RECORD_PARTS; i < RECORDS; i += RECORD_PARTS) {
        for (unsigned j = 0; j < rush; j++, count++) blocks[count] = memset(xmalloc(RUSH_SIZE), 1, RUSH_SIZE);
        move_record(&fragments->records[i], step);
    }
    while (count) free(blocks[--count]);
    free(blocks);
}

void fragments_release(struct fragments *fragments) {
    for (unsigned i = 0; i < RECORDS; i++) free(fragments->records[i]);
}

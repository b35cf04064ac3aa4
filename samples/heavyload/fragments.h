/*
 * Records that wander through the heap: always as many, always as large, placed in ever greater rushes of other blocks.
 *
 * Each step moves an eighth of the records in the midst of short-lived blocks, of which there are more in each step.
 * What lives does not grow; the pages that cannot be given back do. One thread.
 */
#ifndef SAMPLES_HEAVYLOAD_FRAGMENTS_H
#define SAMPLES_HEAVYLOAD_FRAGMENTS_H

enum { RECORDS = 4000, RECORD_PARTS = 8 };

struct fragments {
    char *records[RECORDS];
};

void fragments_step(struct fragments *fragments, unsigned step);
void fragments_release(struct fragments *fragments);

#endif

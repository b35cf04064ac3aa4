/*
 * Records that wander through the heap: always as many, always as large, ever further apart.
 *
 * Each step moves a quarter of the records and lays more and more short-lived filler between them. What lives does not
 * grow; the pages that it holds do. One thread.
 */
#ifndef SAMPLES_HEAVYLOAD_FRAGMENTS_H
#define SAMPLES_HEAVYLOAD_FRAGMENTS_H

enum { RECORDS = 4000 };

struct fragments {
    char *records[RECORDS];
    char *fillers[RECORDS];
};

void fragments_step(struct fragments *fragments, unsigned step);
void fragments_release(struct fragments *fragments);

#endif

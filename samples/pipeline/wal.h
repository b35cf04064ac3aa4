/*
 * A write-ahead log of batches: what was synced before the process died is there when it comes back.
 *
 * A record is length, CRC-32 and the rows' ids and values; a torn record at the end is dropped by recovery. One thread.
 */
#ifndef SAMPLES_PIPELINE_WAL_H
#define SAMPLES_PIPELINE_WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/rows.h"

struct wal {
    int fd;
    uint64_t bytes;
    unsigned char *record; /* scratch for one batch */
    size_t room;
};

struct recovery {
    uint64_t rows, batches;
    uint64_t unordered; /* batches with a row that does not follow the one before */
};

void wal_open(struct wal *wal, const char *path, size_t most_rows);
/* With `durable` the rows survive the death of the process and of the machine once this returns. */
void wal_append(struct wal *wal, const struct batch *batch, bool durable);
void wal_close(struct wal *wal);
struct recovery wal_recover(const char *path, size_t most_rows);

#endif

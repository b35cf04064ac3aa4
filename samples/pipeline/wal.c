/*
 * Write-ahead log of the pipeline workload; see wal.h.
 */
#include "pipeline/wal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "common/sample.h"

enum { ROW_SIZE = 16 };

struct head {
    uint32_t rows, crc;
};

void wal_open(struct wal *wal, const char *path, size_t most_rows) {
    *wal = (struct wal){.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
                        .room = sizeof(struct head) + most_rows * ROW_SIZE};
    if (wal->fd < 0) die(path);
    wal->record = xmalloc(wal->room);
}

static size_t encode(struct wal *wal, const struct batch *batch) {
    unsigned char *out = wal->record + sizeof(struct head);
    size_t size = batch->count * ROW_SIZE;
    if (sizeof(struct head) + size > wal->room) die("log record");
    for (size_t i = 0; i < batch->count; i++) {
        memcpy(out + ROW_SIZE * i, &batch->id[i], 8);
        memcpy(out + ROW_SIZE * i + 8, &batch->value[i], 8);
    }
    struct head head = {(uint32_t)batch->count, (uint32_t)crc32(0, out, (uInt)size)};
    memcpy(wal->record, &head, sizeof head);
    return sizeof head + size;
}

void wal_append(struct wal *wal, const struct batch *batch, bool durable) {
    size_t size = encode(wal, batch);
    if (write(wal->fd, wal->record, size) != (ssize_t)size) die("log write");
    if (durable && fdatasync(wal->fd) != 0) die("log sync");
    wal->bytes += size;
}

void wal_close(struct wal *wal) {
    close(wal->fd);
    free(wal->record);
}

static bool read_record(FILE *file, unsigned char *rows, size_t most_rows, struct head *head) {
    if (fread(head, sizeof *head, 1, file) != 1 || head->rows > most_rows) return false;
    if (fread(rows, ROW_SIZE, head->rows, file) != head->rows) return false;
    return crc32(0, rows, (uInt)(head->rows * ROW_SIZE)) == head->crc;
}

static bool follows(const unsigned char *rows, unsigned count, uint64_t expected) {
    uint64_t id;
    for (unsigned i = 0; i < count; i++) {
        memcpy(&id, rows + ROW_SIZE * i, 8);
        if (id != expected + i) return false;
    }
    return true;
}

struct recovery wal_recover(const char *path, size_t most_rows) {
    struct recovery found = {0};
    struct head head;
    unsigned char *rows = xmalloc(most_rows * ROW_SIZE);
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    while (read_record(file, rows, most_rows, &head)) {
        found.unordered += !follows(rows, head.rows, found.rows);
        found.rows += head.rows;
        found.batches++;
    }
    fclose(file);
    free(rows);
    return found;
}

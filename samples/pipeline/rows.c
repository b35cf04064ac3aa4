/*
 * Rows, columns and JSON of the pipeline workload; see rows.h.
 */
#include "pipeline/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sample.h"

struct row row_numbered(uint64_t id) {
    uint32_t sensor = (uint32_t)(id * 2654435761u >> 7) % SENSORS;
    return (struct row){id, 1000 * id, sensor, (uint8_t)(id % 4), 20.0 + (double)(id % 977) / 100.0 + sensor};
}

void batch_init(struct batch *batch, size_t room) {
    *batch = (struct batch){.room = room};
    batch->id = xmalloc(room * sizeof *batch->id);
    batch->time_us = xmalloc(room * sizeof *batch->time_us);
    batch->sensor = xmalloc(room * sizeof *batch->sensor);
    batch->quality = xmalloc(room * sizeof *batch->quality);
    batch->value = xmalloc(room * sizeof *batch->value);
}

void batch_fill(struct batch *batch, uint64_t first_id, size_t count) {
    for (size_t i = 0; i < count && batch->count < batch->room; i++, batch->count++) {
        struct row row = row_numbered(first_id + i);
        batch->id[batch->count] = row.id;
        batch->time_us[batch->count] = row.time_us;
        batch->sensor[batch->count] = row.sensor;
        batch->quality[batch->count] = row.quality;
        batch->value[batch->count] = row.value;
    }
}

size_t batch_bytes(const struct batch *batch) {
    return batch->room * (sizeof *batch->id + sizeof *batch->time_us + sizeof *batch->sensor + sizeof *batch->quality +
                          sizeof *batch->value);
}

double batch_query(const struct batch *batch, uint32_t sensor, uint64_t from_us, uint64_t to_us) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->sensor[i] != sensor || batch->time_us[i] < from_us || batch->time_us[i] >= to_us) continue;
        sum += batch->value[i];
        count++;
    }
    return count ? sum / (double)count : 0;
}

void batch_release(struct batch *batch) {
    free(batch->id);
    free(batch->time_us);
    free(batch->sensor);
    free(batch->quality);
    free(batch->value);
    *batch = (struct batch){0};
}

char *row_json(const struct row *row) {
    char text[160];
    int length =
        snprintf(text, sizeof text, "{\"id\":%llu,\"time_us\":%llu,\"sensor\":%u,\"quality\":%u,\"value\":%.6f}",
                 (unsigned long long)row->id, (unsigned long long)row->time_us, row->sensor, row->quality, row->value);
    return memcpy(xmalloc((size_t)length + 1), text, (size_t)length + 1);
}

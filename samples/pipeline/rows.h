/*
 * Rows of measurements, and the two forms in which a batch of them is kept: columns and JSON text.
 *
 * A batch owns its columns; row number N of the whole run always has the same content. Pure functions on their
 * arguments, one thread at a time for one batch.
 */
#ifndef SAMPLES_PIPELINE_ROWS_H
#define SAMPLES_PIPELINE_ROWS_H

#include <stddef.h>
#include <stdint.h>

enum { SENSORS = 1000 };

struct row {
    uint64_t id, time_us;
    uint32_t sensor;
    uint8_t quality;
    double value;
};

struct batch {
    size_t count, room;
    uint64_t *id, *time_us;
    uint32_t *sensor;
    uint8_t *quality;
    double *value;
};

struct row row_numbered(uint64_t id);

void batch_init(struct batch *batch, size_t room);
void batch_fill(struct batch *batch, uint64_t first_id, size_t count);
size_t batch_bytes(const struct batch *batch);
/* Mean value of one sensor's rows between two times; 0 if there are none. */
double batch_query(const struct batch *batch, uint32_t sensor, uint64_t from_us, uint64_t to_us);
void batch_release(struct batch *batch);

/* One row as a JSON object, the caller's to free. */
char *row_json(const struct row *row);

#endif

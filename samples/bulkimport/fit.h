/*
 * Workout files in the FIT format: a writer for synthetic workouts and a parser for any definition of its messages.
 *
 * After the "Flexible & Interoperable Data Transfer Protocol": header with ".FIT", definition and data messages,
 * CRC-16; a file holds one or several of these chained, each one workout. Both byte orders are read. Pure functions,
 * any thread; what a parsed workout owns is the caller's to release.
 */
#ifndef SAMPLES_BULKIMPORT_FIT_H
#define SAMPLES_BULKIMPORT_FIT_H

#include <stddef.h>
#include <stdint.h>

#include "common/sample.h"

enum { FIT_DEVICE_SIZE = 16, FIT_MOST_WORKOUTS = 4 };

struct fit_point {
    uint32_t time;
    uint32_t distance_cm;
    uint8_t heart_rate;
};

struct fit_workout {
    uint32_t athlete; /* serial number of the device */
    char device[FIT_DEVICE_SIZE];
    uint32_t started, elapsed_ms, distance_cm;
    uint16_t calories;
    size_t point_count, point_room;
    struct fit_point *points;
};

/* Appends one workout of `points` records; returns its size in bytes. `out` has fit_size(points) bytes of room. */
size_t fit_write(unsigned char *out, unsigned points, uint32_t athlete, struct rng *rng);
size_t fit_size(unsigned points);

/* The workouts of a file: their number, or -EBADMSG with none of them; `workouts` has room for FIT_MOST_WORKOUTS. */
int fit_parse(const unsigned char *bytes, size_t size, struct fit_workout *workouts);
void fit_workout_release(struct fit_workout *workout);

#endif

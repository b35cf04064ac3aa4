/*
 * FIT writer and parser of the bulkimport workload; see fit.h.
 *
 * The parser trusts no length: every message is checked against the end of its workout before it is read.
 */
#include "bulkimport/fit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_SIZE = 14,
    MESSAGE_FILE_ID = 0,
    MESSAGE_SESSION = 18,
    MESSAGE_RECORD = 20,
    LOCAL_TYPES = 16,
    MOST_FIELDS = 16,
    TYPE_ENUM = 0x00,
    TYPE_UINT8 = 0x02,
    TYPE_STRING = 0x07,
    TYPE_UINT16 = 0x84,
    TYPE_UINT32 = 0x86,
    TYPE_UINT32Z = 0x8c,
};

struct field {
    uint8_t number, size, type;
};

static const struct field FILE_ID_FIELDS[] = {{0, 1, TYPE_ENUM},
                                              {1, 2, TYPE_UINT16},
                                              {3, 4, TYPE_UINT32Z},
                                              {4, 4, TYPE_UINT32},
                                              {8, FIT_DEVICE_SIZE, TYPE_STRING}};
static const struct field RECORD_FIELDS[] = {{253, 4, TYPE_UINT32}, {5, 4, TYPE_UINT32}, {3, 1, TYPE_UINT8}};
static const struct field SESSION_FIELDS[] = {
    {253, 4, TYPE_UINT32}, {2, 4, TYPE_UINT32}, {7, 4, TYPE_UINT32}, {9, 4, TYPE_UINT32}, {11, 2, TYPE_UINT16}};

static uint16_t crc16(uint16_t crc, const unsigned char *bytes, size_t size) {
    static const uint16_t NIBBLE[16] = {0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401,
                                        0xa001, 0x6c00, 0x7800, 0xb401, 0x5000, 0x9c01, 0x8801, 0x4400};
    for (size_t i = 0; i < size; i++) {
        crc = (uint16_t)((crc >> 4) ^ NIBBLE[crc & 15] ^ NIBBLE[bytes[i] & 15]);
        crc = (uint16_t)((crc >> 4) ^ NIBBLE[crc & 15] ^ NIBBLE[bytes[i] >> 4]);
    }
    return crc;
}

static unsigned char *put(unsigned char *out, uint32_t value, unsigned bytes) {
    for (; bytes; bytes--, value >>= 8) *out++ = (unsigned char)value;
    return out;
}

static unsigned char *put_definition(unsigned char *out, unsigned local, unsigned global, const struct field *fields,
                                     unsigned count) {
    out = put(out, 0x40 | local, 1);
    out = put(out, 0, 2); /* reserved, little-endian */
    out = put(out, global, 2);
    out = put(out, count, 1);
    memcpy(out, fields, count * sizeof *fields);
    return out + count * sizeof *fields;
}

static unsigned char *put_file_id(unsigned char *out, uint32_t athlete, uint32_t time) {
    static const char *const DEVICES[] = {"Wrist 3", "Saddle Pro", "Strap", "Handlebar X"};
    out = put_definition(out, 0, MESSAGE_FILE_ID, FILE_ID_FIELDS, 5);
    out = put(out, 0, 1); /* local type 0 */
    out = put(out, 4, 1); /* activity */
    out = put(out, 255, 2);
    out = put(out, athlete, 4);
    out = put(out, time, 4);
    memset(out, 0, FIT_DEVICE_SIZE);
    strcpy((char *)out, DEVICES[athlete % 4]);
    return out + FIT_DEVICE_SIZE;
}

static unsigned char *put_records(unsigned char *out, unsigned points, uint32_t time, uint32_t *distance,
                                  struct rng *rng) {
    unsigned heart = 90;
    out = put_definition(out, 1, MESSAGE_RECORD, RECORD_FIELDS, 3);
    for (unsigned i = 0; i < points; i++) {
        *distance += 200 + rng_below(rng, 300);
        heart = heart < 150 ? heart + rng_below(rng, 3) : heart - rng_below(rng, 3);
        out = put(out, 1, 1);
        out = put(out, time + i, 4);
        out = put(out, *distance, 4);
        out = put(out, heart, 1);
    }
    return out;
}

static unsigned char *put_session(unsigned char *out, unsigned points, uint32_t time, uint32_t distance) {
    out = put_definition(out, 2, MESSAGE_SESSION, SESSION_FIELDS, 5);
    out = put(out, 2, 1);
    out = put(out, time + points, 4);
    out = put(out, time, 4);
    out = put(out, points * 1000, 4);
    out = put(out, distance, 4);
    return put(out, distance / 1600, 2);
}

size_t fit_size(unsigned points) { return 256 + 10 * (size_t)points; }

size_t fit_write(unsigned char *out, unsigned points, uint32_t athlete, struct rng *rng) {
    uint32_t time = 1000000000u + rng_below(rng, 10000000), distance = 0;
    unsigned char *end = put_file_id(out + HEADER_SIZE, athlete, time);
    end = put_records(end, points, time, &distance, rng);
    end = put_session(end, points, time, distance);
    put(out, HEADER_SIZE, 1);
    put(out + 1, 0x10, 1);
    put(out + 2, 2132, 2);
    put(out + 4, (uint32_t)(end - out - HEADER_SIZE), 4);
    memcpy(out + 8, ".FIT", 4);
    put(out + 12, crc16(0, out, 12), 2);
    end = put(end, crc16(0, out, (size_t)(end - out)), 2);
    return (size_t)(end - out);
}

struct definition {
    uint16_t global;
    bool known, big_endian;
    uint8_t count;
    unsigned size;
    struct field fields[MOST_FIELDS];
};

struct cursor {
    const unsigned char *at, *end;
    struct definition definitions[LOCAL_TYPES];
    struct fit_workout *workout;
};

static size_t left(const struct cursor *cursor) { return (size_t)(cursor->end - cursor->at); }

static uint32_t get(const unsigned char *in, unsigned bytes, bool big_endian) {
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes && i < 4; i++) value |= (uint32_t)in[big_endian ? bytes - 1 - i : i] << 8 * i;
    return value;
}

static int read_definition(struct cursor *cursor, unsigned local) {
    struct definition *definition = &cursor->definitions[local];
    if (left(cursor) < 5) return -EBADMSG;
    *definition = (struct definition){.known = true, .big_endian = cursor->at[1], .count = cursor->at[4]};
    definition->global = (uint16_t)get(cursor->at + 2, 2, definition->big_endian);
    cursor->at += 5;
    if (definition->count > MOST_FIELDS || left(cursor) < definition->count * sizeof(struct field)) return -EBADMSG;
    memcpy(definition->fields, cursor->at, definition->count * sizeof(struct field));
    cursor->at += definition->count * sizeof(struct field);
    for (unsigned i = 0; i < definition->count; i++) definition->size += definition->fields[i].size;
    return 0;
}

static void set_file_id(struct fit_workout *workout, uint8_t number, uint32_t value, const unsigned char *raw,
                        size_t size) {
    if (number == 3) workout->athlete = value;
    if (number == 8 && size <= FIT_DEVICE_SIZE) memcpy(workout->device, raw, size);
    workout->device[FIT_DEVICE_SIZE - 1] = '\0';
}

static void set_session(struct fit_workout *workout, uint8_t number, uint32_t value) {
    if (number == 2) workout->started = value;
    if (number == 7) workout->elapsed_ms = value;
    if (number == 9) workout->distance_cm = value;
    if (number == 11) workout->calories = (uint16_t)value;
}

static void set_point(struct fit_point *point, uint8_t number, uint32_t value) {
    if (number == 253) point->time = value;
    if (number == 5) point->distance_cm = value;
    if (number == 3) point->heart_rate = (uint8_t)value;
}

static void add_point(struct fit_workout *workout) {
    if (workout->point_count == workout->point_room) {
        workout->point_room = workout->point_room ? 2 * workout->point_room : 16;
        workout->points = xrealloc(workout->points, workout->point_room * sizeof *workout->points);
    }
    workout->points[workout->point_count++] = (struct fit_point){0};
}

static int read_data(struct cursor *cursor, unsigned local) {
    const struct definition *definition = &cursor->definitions[local];
    struct fit_workout *workout = cursor->workout;
    if (!definition->known || left(cursor) < definition->size) return -EBADMSG;
    if (definition->global == MESSAGE_RECORD) add_point(workout);
    for (unsigned i = 0; i < definition->count; i++) {
        const struct field *field = &definition->fields[i];
        uint32_t value = get(cursor->at, field->size, definition->big_endian);
        if (definition->global == MESSAGE_FILE_ID) set_file_id(workout, field->number, value, cursor->at, field->size);
        if (definition->global == MESSAGE_SESSION) set_session(workout, field->number, value);
        if (definition->global == MESSAGE_RECORD)
            set_point(&workout->points[workout->point_count - 1], field->number, value);
        cursor->at += field->size;
    }
    return 0;
}

static int read_messages(struct cursor *cursor) {
    int error = 0;
    while (!error && left(cursor) > 0) {
        unsigned header = *cursor->at++;
        error = header & 0x40 ? read_definition(cursor, header & 15) : read_data(cursor, header & 15);
    }
    return error;
}

/* One workout at the start of `bytes`: its size, or -EBADMSG. */
static long parse_one(const unsigned char *bytes, size_t size, struct fit_workout *workout) {
    *workout = (struct fit_workout){0};
    if (size < HEADER_SIZE + 2 || bytes[0] != HEADER_SIZE || memcmp(bytes + 8, ".FIT", 4) != 0) return -EBADMSG;
    size_t data = get(bytes + 4, 4, false);
    if (data > size - HEADER_SIZE - 2) return -EBADMSG;
    const unsigned char *end = bytes + HEADER_SIZE + data;
    struct cursor cursor = {.at = bytes + HEADER_SIZE, .end = end, .workout = workout};
    int error = read_messages(&cursor);
    if (!error && crc16(0, bytes, HEADER_SIZE + data) != get(end, 2, false)) error = -EBADMSG;
    if (error) fit_workout_release(workout);
    return error ? error : (long)(HEADER_SIZE + data + 2);
}

int fit_parse(const unsigned char *bytes, size_t size, struct fit_workout *workouts) {
    int count = 0;
    while (size > 0) {
        long used = count < FIT_MOST_WORKOUTS ? parse_one(bytes, size, &workouts[count]) : -EBADMSG;
        if (used < 0) {
            while (count > 0) fit_workout_release(&workouts[--count]);
            return (int)used;
        }
        count++;
        bytes += used;
        size -= (size_t)used;
    }
    return count;
}

void fit_workout_release(struct fit_workout *workout) {
    free(workout->points);
    workout->points = NULL;
}

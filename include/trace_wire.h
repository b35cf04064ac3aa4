/*
 * Bounded little-endian cursors: the only way bytes enter or leave a trace.
 *
 * A cursor never reads or writes outside [at, end). The first access that would do so sets `failed`, moves nothing and
 * returns zero; every later access fails too, so callers check once, after a whole record.
 * No allocation, no I/O, no globals: safe in signal handlers and in the recorder's hooks.
 */
#ifndef TIDEMARK_TRACE_WIRE_H
#define TIDEMARK_TRACE_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

struct wire_writer {
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

static inline struct wire_reader wire_reader(const void *bytes, size_t length) {
    const uint8_t *at = (const uint8_t *)bytes;
    return (struct wire_reader){at, length ? at + length : at, false}; /* NULL of length 0 is fine, NULL + 0 is not */
}

static inline struct wire_writer wire_writer(void *bytes, size_t capacity) {
    return (struct wire_writer){(uint8_t *)bytes, (uint8_t *)bytes + capacity, false};
}

static inline size_t wire_left(const struct wire_reader *r) { return (size_t)(r->end - r->at); }
static inline size_t wire_room(const struct wire_writer *w) { return (size_t)(w->end - w->at); }

/* The next `length` bytes, or NULL. The bytes belong to the buffer under the cursor. */
static inline const uint8_t *wire_get_bytes(struct wire_reader *r, size_t length) {
    if (r->failed || wire_left(r) < length) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += length;
    return bytes;
}

static inline uint64_t wire_get_fixed(struct wire_reader *r, unsigned width) {
    const uint8_t *bytes = wire_get_bytes(r, width);
    uint64_t value = 0;
    if (bytes) memcpy(&value, bytes, width);
    return le64toh(value);
}

static inline uint8_t wire_get_u8(struct wire_reader *r) { return (uint8_t)wire_get_fixed(r, 1); }
static inline uint16_t wire_get_u16(struct wire_reader *r) { return (uint16_t)wire_get_fixed(r, 2); }
static inline uint32_t wire_get_u32(struct wire_reader *r) { return (uint32_t)wire_get_fixed(r, 4); }
static inline uint64_t wire_get_u64(struct wire_reader *r) { return wire_get_fixed(r, 8); }

/* LEB128, at most ten bytes; a longer one or one above 64 bits fails. */
static inline uint64_t wire_get_varint(struct wire_reader *r) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->failed || r->at == r->end) break;
        uint8_t byte = *r->at++;
        if (shift == 63 && byte > 1) break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return value;
    }
    r->failed = true;
    return 0;
}

static inline uint64_t wire_zigzag(int64_t value) { return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63); }
static inline int64_t wire_unzigzag(uint64_t value) { return (int64_t)(value >> 1) ^ -(int64_t)(value & 1); }
static inline int64_t wire_get_signed(struct wire_reader *r) { return wire_unzigzag(wire_get_varint(r)); }

static inline bool wire_put_allowed(struct wire_writer *w, size_t length) {
    w->failed |= wire_room(w) < length;
    return !w->failed;
}

static inline void wire_put_bytes(struct wire_writer *w, const void *bytes, size_t length) {
    if (!wire_put_allowed(w, length) || length == 0) return;
    memcpy(w->at, bytes, length);
    w->at += length;
}

static inline void wire_put_fixed(struct wire_writer *w, uint64_t value, unsigned width) {
    if (!wire_put_allowed(w, width)) return;
    uint8_t *bytes = w->at;
    w->at += width;
    for (unsigned i = 0; i < width; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

static inline void wire_put_u8(struct wire_writer *w, uint8_t value) { wire_put_fixed(w, value, 1); }
static inline void wire_put_u16(struct wire_writer *w, uint16_t value) { wire_put_fixed(w, value, 2); }
static inline void wire_put_u32(struct wire_writer *w, uint32_t value) { wire_put_fixed(w, value, 4); }
static inline void wire_put_u64(struct wire_writer *w, uint64_t value) { wire_put_fixed(w, value, 8); }

static inline void wire_put_varint(struct wire_writer *w, uint64_t value) {
    while (value >= 0x80) {
        wire_put_u8(w, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    wire_put_u8(w, (uint8_t)value);
}

static inline void wire_put_signed(struct wire_writer *w, int64_t value) { wire_put_varint(w, wire_zigzag(value)); }

/* A byte string: varint length, then the bytes. */
static inline void wire_put_string(struct wire_writer *w, const char *text, size_t length) {
    wire_put_varint(w, length);
    wire_put_bytes(w, text, length);
}

/* Returns the bytes (not terminated) and their length, or NULL with length 0. */
static inline const char *wire_get_string(struct wire_reader *r, size_t *length) {
    uint64_t wanted = wire_get_varint(r);
    const uint8_t *bytes = wanted <= SIZE_MAX ? wire_get_bytes(r, (size_t)wanted) : NULL;
    if (!bytes) r->failed = true;
    *length = bytes ? (size_t)wanted : 0;
    return (const char *)bytes;
}

#endif

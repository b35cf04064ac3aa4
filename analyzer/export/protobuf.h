/*
 * The four kinds of protobuf fields that a profile needs, written to a stream. A nested message is written to a stream
 * in memory first, since its length precedes it. Encoding: protobuf.dev/programming-guides/encoding.
 */
#ifndef EXPORT_PROTOBUF_H
#define EXPORT_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

void protobuf_number(FILE *out, unsigned field, uint64_t value); /* zero is the default and left out */
void protobuf_bytes(FILE *out, unsigned field, const void *bytes, size_t length);
void protobuf_packed(FILE *out, unsigned field, const uint64_t *values, size_t count);

struct protobuf_message {
    FILE *out; /* NULL: out of memory; then nothing is written */
    char *bytes;
    size_t length;
};
/* The message is at a fixed place from begin to end. */
void protobuf_begin(struct protobuf_message *message);
void protobuf_end(FILE *out, unsigned field, struct protobuf_message *message);

#endif

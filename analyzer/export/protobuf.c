/*
 * Protobuf's wire format, writing only.
 */
#include "protobuf.h"

#include <stdlib.h>

enum wire_type { WIRE_VARINT = 0, WIRE_LENGTH = 2 };

static void put_varint(FILE *out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) fputc((int)(value & 0x7f) | 0x80, out);
    fputc((int)value, out);
}

static void put_key(FILE *out, unsigned field, enum wire_type type) { put_varint(out, (uint64_t)field << 3 | type); }

void protobuf_number(FILE *out, unsigned field, uint64_t value) {
    if (!out || !value) return;
    put_key(out, field, WIRE_VARINT);
    put_varint(out, value);
}

void protobuf_bytes(FILE *out, unsigned field, const void *bytes, size_t length) {
    if (!out) return;
    put_key(out, field, WIRE_LENGTH);
    put_varint(out, length);
    fwrite(bytes, 1, length, out);
}

void protobuf_packed(FILE *out, unsigned field, const uint64_t *values, size_t count) {
    struct protobuf_message message;
    protobuf_begin(&message);
    for (size_t i = 0; message.out && i < count; i++) put_varint(message.out, values[i]);
    protobuf_end(out, field, &message);
}

void protobuf_begin(struct protobuf_message *message) {
    *message = (struct protobuf_message){0};
    message->out = open_memstream(&message->bytes, &message->length);
}

void protobuf_end(FILE *out, unsigned field, struct protobuf_message *message) {
    if (!message->out) return;
    fclose(message->out);
    protobuf_bytes(out, field, message->bytes, message->length);
    free(message->bytes);
}

/*
 * The analyzer's one gate to zlib streams: payloads of frames, names in bundles, and their checksums. Any thread;
 * nothing is kept between calls.
 */
#ifndef INPUT_INFLATE_H
#define INPUT_INFLATE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Decodes one whole zlib stream that must give exactly `raw_length` bytes; never writes more. Returns 0, -EBADMSG
 * (`raw` is then undefined) or -ENOMEM.
 */
int inflate_bytes(const void *stored, size_t stored_length, uint8_t *raw, size_t raw_length);

/* The other way: one zlib stream, malloc'd. 0 or -ENOMEM. */
int pack_bytes(const void *raw, size_t raw_length, uint8_t **stored, size_t *stored_length);

/* CRC-32 as in RFC 1952. */
uint32_t inflate_crc(const void *bytes, size_t length);

#endif

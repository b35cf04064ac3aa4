/*
 * Writes bundles. See bundle_write.h; bundle.c is the twin.
 *
 * A trace's frames are compressed already; what saves room is to leave out the pages that hold nothing, as those of its
 * buffers after a clean end.
 */
#include "bundle_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../list.h"
#include "../stream.h"
#include "../../include/trace_wire.h"
#include "../replacement.h"
#include "inflate.h"

enum { PAGE = 4096, BLOCK = 1 << 16 };

struct source {
    struct bundle_member member;
    const struct trace_input *input; /* NULL: `bytes` */
    uint8_t *bytes;
};

struct bundle_writer {
    struct source *sources;
    size_t count;
};

struct bundle_writer *bundle_writer_new(void) {
    return calloc(1, sizeof(struct bundle_writer));
}

void bundle_writer_free(struct bundle_writer *writer) {
    for (size_t i = 0; writer && i < writer->count; i++) {
        free(writer->sources[i].member.name);
        free(writer->sources[i].member.extents);
        free(writer->sources[i].bytes);
    }
    if (writer) free(writer->sources);
    free(writer);
}

static struct source *add_source(struct bundle_writer *writer, enum bundle_kind kind, const char *name) {
    struct source *source = LIST_ADD(writer->sources, writer->count);
    if (!source) return NULL;
    *source = (struct source){.member = {.kind = kind, .name = strdup(name)}};
    return source->member.name ? source : NULL;
}

/* Extents. */

static int add_extent(struct bundle_member *member, uint64_t at, uint64_t length) {
    struct bundle_extent *last = member->extent_count ? &member->extents[member->extent_count - 1] : NULL;
    member->stored += length;
    if (last && last->at + last->length == at) {
        last->length += length;
        return 0;
    }
    struct bundle_extent *added = LIST_ADD(member->extents, member->extent_count);
    if (!added) return -ENOMEM;
    *added = (struct bundle_extent){.at = at, .length = length};
    return 0;
}

static bool is_zero(const uint8_t *bytes, size_t length) {
    return !length || (!bytes[0] && !memcmp(bytes, bytes + 1, length - 1));
}

static int add_pages(struct bundle_member *member, uint64_t at, const uint8_t *bytes, size_t length) {
    for (size_t from = 0; from < length; from += PAGE) {
        size_t page = length - from < PAGE ? length - from : PAGE;
        int error = is_zero(bytes + from, page) ? 0 : add_extent(member, at + from, page);
        if (error) return error;
    }
    return 0;
}

/* The page of the next byte that may not be zero. */
static uint64_t from_page(const struct trace_input *input, uint64_t at) {
    uint64_t page = reader_next_data(input, at) / PAGE * PAGE;
    return page > at ? page : at;
}

int bundle_add_trace(struct bundle_writer *writer, const char *name, const struct trace_input *input) {
    uint8_t block[BLOCK];
    struct source *source = add_source(writer, BUNDLE_TRACE, name);
    int error = source ? 0 : -ENOMEM;
    if (error) return error;
    source->input = input;
    source->member.size = input->size;
    for (uint64_t at = 0; !error && (at = from_page(input, at)) < input->size; at += sizeof block) {
        size_t length = input->size - at < sizeof block ? (size_t)(input->size - at) : sizeof block;
        error = reader_bytes(input, at, block, length);
        if (!error) error = add_pages(&source->member, at, block, length);
    }
    return error;
}

int bundle_add_names(struct bundle_writer *writer, enum bundle_kind kind, const char *name, const void *bytes,
                     size_t length) {
    size_t stored;
    struct source *source = length <= BUNDLE_NAMES_MAX ? add_source(writer, kind, name) : NULL;
    if (!source) return length <= BUNDLE_NAMES_MAX ? -ENOMEM : -EFBIG;
    source->member.size = length;
    source->member.crc = inflate_crc(bytes, length);
    int error = pack_bytes(bytes, length, &source->bytes, &stored);
    return error ? error : add_extent(&source->member, 0, stored);
}

/* Directory. */

static void put_varint(FILE *out, uint64_t value) {
    uint8_t bytes[10];
    struct wire_writer w = wire_writer(bytes, sizeof bytes);
    wire_put_varint(&w, value);
    fwrite(bytes, 1, sizeof bytes - wire_room(&w), out);
}

static void put_fixed(FILE *out, uint64_t value, unsigned width) {
    uint8_t bytes[8];
    struct wire_writer w = wire_writer(bytes, sizeof bytes);
    wire_put_fixed(&w, value, width);
    fwrite(bytes, 1, width, out);
}

static void put_member(FILE *out, const struct bundle_member *member) {
    uint64_t end = 0;
    put_varint(out, (uint64_t)member->kind);
    put_varint(out, strlen(member->name));
    fputs(member->name, out);
    put_varint(out, member->size);
    put_fixed(out, member->crc, 4);
    put_varint(out, member->extent_count);
    for (size_t i = 0; i < member->extent_count; i++) {
        put_varint(out, member->extents[i].at - end);
        put_varint(out, member->extents[i].length);
        end = member->extents[i].at + member->extents[i].length;
    }
}

static int make_directory(const struct bundle_writer *writer, char **bytes, size_t *length) {
    FILE *out = open_memstream(bytes, length);
    if (!out) return -ENOMEM;
    put_varint(out, writer->count);
    for (size_t i = 0; i < writer->count; i++) put_member(out, &writer->sources[i].member);
    return fclose(out) ? -ENOMEM : *length > BUNDLE_DIRECTORY_MAX ? -EFBIG : 0;
}

/* Content. */

static int put_trace(FILE *out, const struct source *source) {
    uint8_t block[BLOCK];
    for (size_t i = 0; i < source->member.extent_count; i++) {
        const struct bundle_extent *extent = &source->member.extents[i];
        for (uint64_t done = 0; done < extent->length; done += sizeof block) {
            uint64_t left = extent->length - done;
            size_t length = left < sizeof block ? (size_t)left : sizeof block;
            int error = reader_bytes(source->input, extent->at + done, block, length);
            if (error) return error;
            fwrite(block, 1, length, out);
        }
    }
    return 0;
}

static int put_all(FILE *out, const struct bundle_writer *writer) {
    char *directory = NULL;
    size_t length = 0;
    int error = make_directory(writer, &directory, &length);
    if (!error) {
        fputs(BUNDLE_MAGIC, out);
        put_fixed(out, BUNDLE_VERSION, 4);
        put_fixed(out, inflate_crc(directory, length), 4);
        put_fixed(out, length, 8);
        fwrite(directory, 1, length, out);
    }
    free(directory);
    for (size_t i = 0; !error && i < writer->count; i++) {
        const struct source *source = &writer->sources[i];
        if (source->input) error = put_trace(out, source);
        else fwrite(source->bytes, 1, source->member.stored, out);
    }
    return error ? error : stream_end(out);
}

int bundle_write(const struct bundle_writer *writer, const char *path, uint64_t *size) {
    struct replacement out;
    int error =
        replacement_open(&out, path, 0600); /* what a program did is for the owner's eyes, as the trace itself */
    if (error) return error;
    error = put_all(out.file, writer);
    off_t end = ftello(out.file);
    *size = end > 0 ? (uint64_t)end : 0;
    return replacement_close(&out, error);
}

/* links: analyzer/library.c analyzer/input/bundle.c analyzer/input/inflate.c analyzer/symbols/names.c analyzer/symbols/symbols.c analyzer/symbols/source_path.c analyzer/symbols/cache.c analyzer/symbols/worker.c analyzer/symbols/image.c analyzer/symbols/debug_info.c analyzer/symbols/module_symbols.c analyzer/symbols/object_file.c analyzer/symbols/fingerprint.c analyzer/symbols/sections.c analyzer/symbols/servers.c analyzer/symbols/flow.c analyzer/symbols/demangle.c analyzer/symbols/ranges.c analyzer/symbols/symbol_table.c analyzer/symbols/perf_map.c analyzer/text/utf8.c analyzer/text/printable.c libs: -ldeflate -ldw -lelf -liberty */
/*
 * Bundles and their names against any bytes. The first byte chooses: names as they come, or a directory under a header
 * that is right, so that its damage reaches what lies behind the checksum.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../analyzer/input/bundle.h"
#include "../../analyzer/input/inflate.h"
#include "../../analyzer/symbols/names.h"
#include "../../include/trace_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* What was read resolves, and is written as it was understood. */
static void read_names(const uint8_t *bytes, size_t length) {
    struct symbols *symbols;
    const struct symbol_frame *frames;
    char *again = NULL;
    size_t size = 0;
    if (symbols_open(&symbols, &(struct symbol_options){.in_process = true})) return;
    names_read(symbols, 3, bytes, length);
    for (uint64_t address = 0; address < 64; address++)
        for (size_t i = symbols_resolve(symbols, 3, 0, address, false, &frames); i-- > 0;)
            if (frames[i].function && strlen(frames[i].function) > 1u << 20) abort();
    if (!names_write(symbols, &again, &size)) free(again);
    if (!names_write_jit(symbols, 3, &again, &size)) free(again);
    symbols_doubts(symbols);
    symbols_close(symbols);
}

static void read_member(const struct bundle *bundle, const struct bundle_member *member) {
    uint8_t block[5000], *content;
    if (strstr(member->name, "..") == member->name && (!member->name[2] || member->name[2] == '/')) abort();
    if (member->name[0] == '/') abort();
    if (member->kind == BUNDLE_TRACE)
        for (uint64_t at = 0; at + sizeof block <= member->size && at < 100000; at += 3000)
            bundle_bytes(bundle, member, at, block, sizeof block);
    bool compressed = member->kind == BUNDLE_NAMES || member->kind == BUNDLE_JIT;
    if (compressed && member->size < 1u << 24 && !bundle_content(bundle, member, &content)) free(content);
}

static void read_bundle(const uint8_t *bytes, size_t length) {
    uint8_t header[BUNDLE_HEADER];
    char path[40];
    struct bundle *bundle;
    size_t directory = length < 4 ? length : length / 2; /* the rest is content */
    struct wire_writer w = wire_writer(header, sizeof header);
    wire_put_bytes(&w, BUNDLE_MAGIC, 8);
    wire_put_u32(&w, BUNDLE_VERSION);
    wire_put_u32(&w, inflate_crc(bytes, directory));
    wire_put_u64(&w, directory);
    int fd = memfd_create("bundle", 0);
    if (write(fd, header, sizeof header) < 0 || write(fd, bytes, length) < 0) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!bundle_open(&bundle, path)) {
        for (size_t i = 0; i < bundle->count; i++) read_member(bundle, &bundle->members[i]);
        bundle_close(bundle);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (!length) return 0;
    if (bytes[0] & 1) read_names(bytes + 1, length - 1);
    else read_bundle(bytes + 1, length - 1);
    return 0;
}

/*
 * Reads bundles. See bundle.h; bundle_write.c is the twin.
 */
#include "bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../include/trace_wire.h"
#include "inflate.h"
#include "read_at.h"

/*
 * Names stay in memory, and a small file must not ask for all of it. They inflate to five to fifteen times their size.
 */
#define EXPANSION 32u
#define EXPANSION_FREE (1u << 20)

/* A relative path that stays where it is. */
static bool is_good_name(const char *name, size_t length) {
    if (!length || length > BUNDLE_NAME_MAX || memchr(name, 0, length) || name[0] == '/') return false;
    for (size_t from = 0, to; from <= length; from = to + 1) {
        const char *slash = memchr(name + from, '/', length - from);
        to = slash ? (size_t)(slash - name) : length;
        if (to == from || (to - from == 1 && name[from] == '.') || (to - from == 2 && !memcmp(name + from, "..", 2)))
            return false;
    }
    return true;
}

static bool read_extents(struct wire_reader *r, struct bundle_member *member, uint64_t *stored, uint64_t file_size) {
    uint64_t count = wire_get_varint(r), end = 0;
    if (r->failed || count > wire_left(r) / 2) return false; /* two varints each */
    member->extents = calloc(count + 1, sizeof *member->extents);
    for (; member->extents && member->extent_count < count; member->extent_count++) {
        uint64_t gap = wire_get_varint(r), length = wire_get_varint(r);
        if (r->failed || !length || length > file_size - *stored || gap > UINT64_MAX - end ||
            length > UINT64_MAX - end - gap)
            return false;
        member->extents[member->extent_count] = (struct bundle_extent){end + gap, length, *stored};
        end += gap + length;
        *stored += length;
        member->stored += length;
    }
    bool compressed = member->kind == BUNDLE_NAMES || member->kind == BUNDLE_JIT;
    return member->extents && (compressed || end <= member->size);
}

static bool is_credible(const struct bundle_member *member) {
    if (member->kind == BUNDLE_TRACE) return member->size <= INT64_MAX;
    if (member->kind != BUNDLE_NAMES && member->kind != BUNDLE_JIT) return true; /* of a later version */
    return member->extent_count == 1 && member->extents[0].at == 0 && member->size <= BUNDLE_NAMES_MAX &&
           member->size <= EXPANSION_FREE + member->stored * EXPANSION;
}

static bool read_member(struct wire_reader *r, struct bundle_member *member, uint64_t *stored, uint64_t file_size) {
    size_t length;
    member->kind = (enum bundle_kind)wire_get_varint(r);
    const char *name = wire_get_string(r, &length);
    if (r->failed || !is_good_name(name, length)) return false;
    member->name = strndup(name, length);
    member->size = wire_get_varint(r);
    member->crc = wire_get_u32(r);
    return member->name && read_extents(r, member, stored, file_size) && is_credible(member);
}

static int read_directory(struct bundle *bundle, const uint8_t *bytes, size_t length, uint64_t file_size) {
    struct wire_reader r = wire_reader(bytes, length);
    uint64_t count = wire_get_varint(&r), stored = BUNDLE_HEADER + length;
    if (r.failed || !count || count > wire_left(&r) / 7) return -EBADMSG; /* no member takes fewer bytes */
    bundle->members = calloc(count, sizeof *bundle->members);
    if (!bundle->members) return -ENOMEM;
    while (bundle->count < count)
        if (!read_member(&r, &bundle->members[bundle->count++], &stored, file_size)) return -EBADMSG;
    return wire_left(&r) ? -EBADMSG : 0;
}

static int read_header(struct bundle *bundle, uint64_t file_size) {
    uint8_t header[BUNDLE_HEADER], *directory;
    if (file_size < sizeof header || read_at(bundle->fd, 0, header, sizeof header)) return -ENOMSG;
    struct wire_reader r = wire_reader(header, sizeof header);
    if (memcmp(wire_get_bytes(&r, 8), BUNDLE_MAGIC, 8)) return -ENOMSG;
    if (wire_get_u32(&r) != BUNDLE_VERSION) return -EPROTONOSUPPORT;
    uint32_t crc = wire_get_u32(&r);
    uint64_t length = wire_get_u64(&r);
    if (length > BUNDLE_DIRECTORY_MAX || length > file_size - sizeof header) return -EBADMSG;
    directory = malloc(length + 1);
    int error = directory ? read_at(bundle->fd, sizeof header, directory, length) : -ENOMEM;
    if (!error && inflate_crc(directory, length) != crc) error = -EBADMSG;
    if (!error) error = read_directory(bundle, directory, length, file_size);
    free(directory);
    return error;
}

static int open_file(struct bundle *bundle, const char *path) {
    struct stat facts;
    bundle->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (bundle->fd < 0 || fstat(bundle->fd, &facts)) return -errno;
    return S_ISREG(facts.st_mode) ? read_header(bundle, (uint64_t)facts.st_size) : -ENOMSG;
}

int bundle_open(struct bundle **out, const char *path) {
    struct bundle *bundle = calloc(1, sizeof *bundle);
    if (!bundle) return -ENOMEM;
    int error = open_file(bundle, path);
    if (error) bundle_close(bundle);
    else *out = bundle;
    return error;
}

void bundle_close(struct bundle *bundle) {
    if (!bundle) return;
    if (bundle->fd >= 0) close(bundle->fd);
    for (size_t i = 0; i < bundle->count; i++) {
        free(bundle->members[i].name);
        free(bundle->members[i].extents);
    }
    free(bundle->members);
    free(bundle);
}

char *bundle_path_of(const char *path, const char **name) {
    struct stat facts;
    char *file = strdup(path);
    for (char *slash = file ? strchr(file + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (!stat(file, &facts) && S_ISREG(facts.st_mode)) {
            *name = path + (slash + 1 - file);
            return file;
        }
        *slash = '/';
    }
    free(file);
    return NULL;
}

const struct bundle_member *bundle_find(const struct bundle *bundle, enum bundle_kind kind, const char *name) {
    for (size_t i = 0; i < bundle->count; i++)
        if (bundle->members[i].kind == kind && (!name || !strcmp(bundle->members[i].name, name)))
            return &bundle->members[i];
    return NULL;
}

/* The first extent that ends behind `offset`. */
static size_t extent_at(const struct bundle_member *member, uint64_t offset) {
    size_t low = 0, high = member->extent_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct bundle_extent *extent = &member->extents[middle];
        if (extent->at + extent->length <= offset) low = middle + 1;
        else high = middle;
    }
    return low;
}

int bundle_bytes(const struct bundle *bundle, const struct bundle_member *member, uint64_t offset, void *bytes,
                 size_t length) {
    if (offset > member->size || length > member->size - offset) return -EIO;
    uint8_t *to = bytes;
    uint64_t end = offset + length;
    memset(bytes, 0, length);
    for (size_t i = extent_at(member, offset); i < member->extent_count && member->extents[i].at < end; i++) {
        const struct bundle_extent *extent = &member->extents[i];
        uint64_t from = extent->at > offset ? extent->at : offset;
        uint64_t until = extent->at + extent->length < end ? extent->at + extent->length : end;
        int error = read_at(bundle->fd, extent->stored + (from - extent->at), to + (from - offset), until - from);
        if (error) return error;
    }
    return 0;
}

uint64_t bundle_next_data(const struct bundle_member *member, uint64_t offset) {
    size_t at = extent_at(member, offset);
    if (at == member->extent_count) return member->size;
    return member->extents[at].at > offset ? member->extents[at].at : offset;
}

int bundle_content(const struct bundle *bundle, const struct bundle_member *member, uint8_t **bytes) {
    uint8_t *stored = malloc(member->stored + 1), *raw = malloc(member->size + 1);
    int error = stored && raw ? read_at(bundle->fd, member->extents[0].stored, stored, member->stored) : -ENOMEM;
    if (!error) error = inflate_bytes(stored, member->stored, raw, member->size);
    if (!error && inflate_crc(raw, member->size) != member->crc) error = -EBADMSG;
    free(stored);
    if (error) free(raw);
    else *bytes = raw;
    return error;
}

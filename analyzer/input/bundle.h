/*
 * A bundle: traces and the names of their code in one file (docs/bundle.md). Members are read in place, through pread;
 * nothing is unpacked, and a member's name is a label, never a path to write to.
 *
 * The file may come from anywhere: every length is checked before it is trusted. A path "FILE/NAME" means the member
 * NAME of the bundle FILE. After bundle_open() read-only and fit for several threads.
 */
#ifndef INPUT_BUNDLE_H
#define INPUT_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUNDLE_MAGIC "TMKBUNDL"
enum {
    BUNDLE_VERSION = 1,
    BUNDLE_HEADER = 24,
    BUNDLE_NAME_MAX = 4096,
};
#define BUNDLE_DIRECTORY_MAX (64u << 20)
#define BUNDLE_NAMES_MAX (1u << 28)

enum bundle_kind {
    BUNDLE_TRACE = 1, /* bytes of a trace file, holes left out */
    BUNDLE_NAMES = 2, /* names for the code in all traces, compressed (symbols/names.h) */
    BUNDLE_JIT = 3,   /* names for code outside all modules of the trace of the same name, compressed */
};

struct bundle_extent {
    uint64_t at, length; /* in the member; what lies between extents is zero */
    uint64_t stored;     /* offset in the bundle */
};

struct bundle_member {
    enum bundle_kind kind;
    char *name;
    uint64_t size; /* of the content */
    uint32_t crc;  /* of the content; traces have checks of their own */
    struct bundle_extent *extents;
    size_t extent_count;
    uint64_t stored; /* bytes in the bundle */
};

struct bundle {
    int fd;
    struct bundle_member *members;
    size_t count;
};

/*
 * 0, -ENOMSG where the file is no bundle, -EBADMSG where it is damaged, -EPROTONOSUPPORT for another version, -errno.
 */
int bundle_open(struct bundle **out, const char *path);
void bundle_close(struct bundle *bundle);

/* The path of the bundle in "FILE/NAME", where FILE is a file, and NAME in `*name`; malloc'd. NULL: no such path. */
char *bundle_path_of(const char *path, const char **name);
/* The first member of this kind; of any name where `name` is NULL. NULL: none. */
const struct bundle_member *bundle_find(const struct bundle *bundle, enum bundle_kind kind, const char *name);

/* Exactly `length` bytes of a trace from `offset`, or -EIO. */
int bundle_bytes(const struct bundle *bundle, const struct bundle_member *member, uint64_t offset, void *bytes,
                 size_t length);
/* The first offset of a trace from this one on that is in an extent; its size where there is none. */
uint64_t bundle_next_data(const struct bundle_member *member, uint64_t offset);
/* The whole content of compressed names, malloc'd. 0, -EBADMSG, -EIO, -ENOMEM. */
int bundle_content(const struct bundle *bundle, const struct bundle_member *member, uint8_t **bytes);

#endif

/*
 * One object file and its debug information: from an offset to functions and lines. The gate to elfutils.
 *
 * Files come from other machines and may be hostile: whoever must survive them calls this in a process of its own
 * (worker.h). One thread at a time.
 */
#ifndef SYMBOLS_IMAGE_H
#define SYMBOLS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUILD_ID_MAX 64

enum image_state {
    IMAGE_OPEN,     /* found, build-id as recorded (or none was) */
    IMAGE_MISSING,  /* no such file */
    IMAGE_MISMATCH, /* found, but another build */
    IMAGE_BAD,      /* not an object file, or reading it failed */
};

struct image_search {    /* where to look besides the recorded path */
    const char *sysroot; /* NULL: none */
    const char *const *debug_paths;
    size_t debug_path_count;
};

struct image_source {
    const char *path;
    const uint8_t *build_id;
    size_t build_id_length; /* 0: none recorded */
};

struct image_frame {
    const char *function; /* demangled; NULL: unknown */
    const char *file;     /* NULL: unknown */
    int64_t line;         /* 0: unknown */
    bool inlined;
};

typedef void image_emit(void *context, const struct image_frame *frame);

struct image;

/* Finds and opens the file. `out` is set for IMAGE_OPEN only. Out of memory is IMAGE_BAD. */
enum image_state image_open(struct image **out, const struct image_source *source, const struct image_search *places);
void image_close(struct image *image);

/* Of all that the answers come from: the same for the same files, read in the same way. Never 0. */
uint64_t image_fingerprint(struct image *image);

/*
 * Calls emit for each frame at the offset, innermost first; not at all where nothing is known. Strings are valid in the
 * call only.
 */
void image_lookup(struct image *image, uint64_t offset, image_emit *emit, void *context);

/*
 * Whether the function around `from` may make the call that returns to `to` after the one that returns to `from`; true
 * where that can't be told.
 */
bool image_may_flow(struct image *image, uint64_t from, uint64_t to);

#endif

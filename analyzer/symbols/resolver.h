/*
 * What the parts of the resolver share: symbols.c asks files, names.c writes and reads what is known. See symbols.h.
 */
#ifndef SYMBOLS_RESOLVER_H
#define SYMBOLS_RESOLVER_H

#include "cache.h"
#include "symbols.h"
#include "worker.h"

struct image_entry { /* one for each image of the worker, and in the same order */
    const char *path, *name;
    uint8_t build_id[BUILD_ID_MAX];
    size_t build_id_length;
    size_t index;
    uint32_t turn;         /* without build-id: the only one in which the path means this file; 0: any */
    bool cache_read;       /* what is kept of it is known */
    size_t fresh;          /* answers that are not kept yet */
    bool packed;           /* names were read for it: it was open when they were written */
    size_t asked, unnamed; /* addresses, in this turn */
};

struct answer {
    const struct image_entry *image; /* NULL: no module; then `space` counts */
    uint64_t space;                  /* resolver_space() */
    uint64_t offset;
    struct symbol_frame *frames;
    size_t count;
    bool packed;      /* read, and not asked for yet */
    bool foreign;     /* read from a bundle: good for its traces, not to be kept for others */
    uint32_t counted; /* the last turn in which it was asked for */
};

struct symbols {
    struct image_search places;
    struct worker *worker;
    struct cache *cache; /* NULL: none */
    uint32_t turn;       /* from 1: symbols_next() */
    size_t image_count;
    struct image_entry **images; /* by index */
    void *image_tree, *modules, *jits, *answers, *flows, *strings;
    char **doubts;
    size_t doubt_count;
};

/* A number that no space of another turn has. */
static inline uint64_t resolver_space(const struct symbols *symbols, uint32_t space) {
    return (uint64_t)symbols->turn << 32 | space;
}
/* One copy of each text; NULL stays NULL. NULL too where memory is short. */
const char *resolver_intern(struct symbols *symbols, const char *text);
/* NULL: out of memory. */
struct image_entry *resolver_image(struct symbols *symbols, const struct symbol_module *module);
/* The answer for this key, a new one without frames where there is none; NULL: out of memory. */
struct answer *resolver_answer(struct symbols *symbols, const struct answer *key);

#endif

/*
 * Who holds the resident pages. At each look of the recorder every resident page is put in one part: a page with live
 * blocks is theirs and is shared out to their stacks by the bytes that each has on it; the others are named after what
 * is mapped there. The parts add up to all pages, and the stacks' shares to their part, exactly.
 *
 * Work: a look is shared out when the events since the last one are as many as the blocks live then; the last one
 * always is. Memory: a dozen bytes for each page in which a live block begins or ends, during a look; a row for each
 * stack; 512 looks.
 */
#ifndef ANALYSIS_RESIDENCY_H
#define ANALYSIS_RESIDENCY_H

#include "ages.h"
#include "analysis.h"

#define RESIDENCY_LOOKS 512u
#define RESIDENCY_PINS 8u

enum residency_part {
    RESIDENCY_SITES, /* pages with live blocks */
    RESIDENCY_FREE,  /* of the allocator, without any */
    RESIDENCY_STACKS,
    RESIDENCY_CODE,
    RESIDENCY_FILES,
    RESIDENCY_RECORDER,
    RESIDENCY_OTHER, /* anonymous */
    RESIDENCY_PARTS
};

struct residency_look {
    uint64_t ns;
    bool edge;    /* at a mark or phase edge */
    uint64_t rss; /* as the kernel counts it; what it was nearest to the sum while the look took place */
    uint64_t parts[RESIDENCY_PARTS]; /* bytes */
    uint64_t slack;                  /* of the sites' pages, what no live block covers */
    uint64_t untouched;              /* of the live blocks, what is not resident */
    uint64_t trim;                   /* of the free pages, what glibc's malloc_trim(0) would give back */
};

struct residency_at { /* at the last look of a slice (ages.h) */
    uint32_t slice;
    uint64_t bytes;
};

/* Bytes of pages. alone: on which one block lies alone; wasted: of these, what it does not cover. */
struct residency_share {
    uint32_t stack;
    uint64_t last, peak; /* held at the last look and at the look with the highest RSS */
    uint64_t alone, wasted;
    struct residency_at *course; /* ascending; a slice without an entry is as the one before it */
    uint32_t course_count;
};

struct residency_file {
    char *name;
    uint64_t code, data;
};

/* A block under which free pages lie: as long as it lives, a heap that is cut at its top keeps them. */
struct residency_pin {
    uint64_t address, size, birth_ns;
    uint32_t stack;
    uint64_t free_below;   /* resident bytes between it and the next live block below */
    uint64_t blocks_above; /* in the same mapping */
};

struct residency {
    struct residency_look *looks;
    size_t look_count;
    size_t peak; /* the look with the highest RSS less the recorder's pages */
    struct residency_share *shares;
    size_t share_count;
    struct age_clock clock;       /* slices of the courses */
    struct residency_file *files; /* at the last look */
    size_t file_count;
    struct residency_pin pins[RESIDENCY_PINS]; /* at the look at which most lay free below them, most first */
    size_t pin_count;
    uint64_t pins_ns, pinned; /* when that was, and how many bytes below all of them */
    struct residency_work *work;
};

extern const struct analysis residency_analysis; /* begin() returns a struct residency */
void residency_release(struct residency *residency);

/*
 * Of the growth of RSS between the first look and the one with the highest RSS, what is known to be somebody's: all but
 * other anonymous memory; the recorder's pages are left out. NAN where it grew by less than a MiB.
 */
double residency_explained(const struct residency *residency);

uint64_t residency_sum(const struct residency_look *look);
/* NULL: this stack held nothing. */
const struct residency_share *residency_of(const struct residency *residency, uint32_t stack);

#endif

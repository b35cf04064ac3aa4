/*
 * An analysis answers one question about a replayed trace. It is fed by replay/, in stamp order, on one thread, and
 * leaves its answer in memory that its own header describes; it prints nothing, resolves no symbol and opens no file.
 *
 * The replay owns every struct passed in; pointers are valid during the call only. A callback that is NULL is not
 * called. Cost: callbacks run per event, so they are O(1) and allocate only when they meet a stack, phase or round for
 * the first time.
 */
#ifndef ANALYSIS_ANALYSIS_H
#define ANALYSIS_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/trace_format.h"

/*
 * When and where: stamp, ns since the start of the trace, thread serial, number of events replayed before this one; and
 * what is live after this event: heap blocks and mappings that are not the allocator's own, each byte once.
 */
struct moment {
    uint64_t stamp;
    uint64_t ns;
    uint64_t event;
    uint32_t thread;
    uint32_t edge; /* phase edges (begins and ends of any phase) so far */
    uint64_t live_bytes;
    uint64_t live_blocks;
    uint64_t pinned_bytes; /* pages that hold at least one live byte */
};

/*
 * A live block, or a live mapping (`mapped`). One that realloc or mremap moves stays the same struct block. A mapping
 * that is unmapped in part is resized; one in which blocks are born is resized to 0 and becomes `internal`.
 */
struct block {
    uint64_t address;
    uint64_t size; /* bytes asked for (mapping: length) */
    uint64_t birth_ns;
    uint64_t birth_event;
    uint32_t stack;  /* id of the stack that allocated it (last realloc's stack in resized(): see there) */
    uint32_t thread; /* serial */
    uint32_t birth_edge;
    bool mapped;
    bool internal;  /* mapping made by the allocator itself */
    void *attached; /* growth's alone; NULL at birth, its own to free in died() */
};

enum death_cause {
    DEATH_FREED,
    DEATH_UNMAPPED,
    DEATH_REPLACED /* an impossible event: the address was allocated again */
};

struct control {
    enum trace_event_kind kind; /* TRACE_EVENT_PHASE_BEGIN and later */
    uint8_t flags;              /* TRACE_EVENT_APPROXIMATE */
    uint32_t status;            /* OP_END, OP_FINISH: enum tidemark_status; EXIT: enum of FORMAT.md */
    const char *name;           /* resolved string, never NULL; OP_FINISH: of its OP_START, "" if unknown */
    uint64_t value;             /* ITEMS count, operation id, VALUE bits, EXIT status */
};

struct memory_sample {
    uint64_t vms, rss, shared, recorder_rss; /* bytes */
    uint64_t cpu_ns, pss, anonymous;         /* UINT64_MAX where this sample has none; cpu: of the process so far */
    uint32_t threads;                        /* 0 unknown */
    int32_t fds;                             /* -1 unknown */
    bool edge;
    uint64_t rss_before; /* of one that ends a look: when that began */
};

/* Resident pages, as addresses. */
struct resident_run {
    uint64_t start, end;
};

/* A mapping of the process at a look; the replay's, to be read only. */
struct look_map {
    uint64_t start, end;
    uint32_t flags;            /* TRACE_MAP_* */
    char *name;                /* as in /proc/PID/maps, "" for anonymous memory */
    struct resident_run *runs; /* ascending, disjoint */
    size_t run_count;
};

/* A live block's memory; of a mapping that was unmapped in part, one of its ranges. */
struct look_piece {
    uint64_t address, size;
    const struct block *block;
};

/* What the recorder found when it looked at the process's memory, and what is live at that moment. */
struct look {
    const struct look_map *maps; /* ascending, disjoint */
    size_t map_count;
    uint64_t pieces; /* at least so many next() are needed to see all */
    bool last;       /* no look follows */
    void *context;
    /* The pieces one after another, in no order; *cursor is 0 at first. False at the end. */
    bool (*next)(void *context, size_t *cursor, struct look_piece *piece);
    /* Whether the program's allocator asked for the memory at this address. */
    bool (*is_allocators)(void *context, uint64_t address);
};

/* Which blocks are to be shown; see selection.h. */
struct block_choice {
    uint64_t from_ns, to_ns; /* of the birth; to: UINT64_MAX for no end */
    uint64_t min_size, max_size;
    uint64_t min_life_ns, max_life_ns;
    const uint32_t *threads; /* serials, ascending; NULL: all */
    size_t thread_count;
};

/*
 * Functions to be watched: frames[function][stack] is the id of the frame, as a stack, in which the outermost call of
 * it runs; 0 where it is not on the stack. same_call: whether, in one thread and with nothing in between, an allocation
 * with stack `from` and one with stack `to`, both below the function, may have been made by one call of it.
 */
struct function_watch {
    uint32_t *const *frames;
    size_t count;
    uint32_t stack_count;
    bool (*same_call)(void *context, size_t function, uint32_t from, uint32_t to);
    void *context;
};

/* What happened to a block, for analyses that take many at once: what born(), resized() and died() are told. */
enum block_event_kind { BLOCK_BORN, BLOCK_RESIZED, BLOCK_DIED };
struct block_event {
    uint64_t ns;
    uint64_t size, old_size; /* old: of BLOCK_RESIZED */
    uint64_t birth_ns, birth_event;
    uint64_t live_bytes, live_blocks, pinned_bytes; /* of the process, after it */
    uint32_t stack, old_stack;                      /* old: of BLOCK_RESIZED */
    uint32_t thread;                                /* that did it */
    uint32_t birth_edge;
    uint8_t kind;
    bool mapped;
};

/* The extremes of what block events say of the process, each over all of them. */
struct block_levels {
    uint64_t bytes_max, bytes_max_ns; /* the first time */
    uint64_t bytes_min, blocks_max, pinned_max;
};

/* Known before the replay starts. */
struct replay_facts {
    uint64_t duration_ns;
    const struct block_choice *choice;  /* NULL: all blocks */
    const struct function_watch *watch; /* NULL: none */
    bool cut;                           /* the recording ends before the process did, or the end is unknown */
    /*
     * Address of the innermost frame of a stack, 0 if unknown; NULL where stacks are not known. Valid during the
     * replay.
     */
    uint64_t (*innermost)(const void *stacks, uint32_t stack);
    const void *stacks;
};

struct analysis {
    void *(*begin)(const struct replay_facts *facts); /* NULL: out of memory */
    /*
     * In place of born, resized, died and look: what happened to blocks, many events at a time (1 at least). All calls
     * of such an analysis between begin and end may come from another thread, later than the event, in the order of
     * events.
     */
    void (*blocks)(void *self, const struct block_event *events, size_t count, const struct block_levels *levels);
    void (*born)(void *self, struct block *block, const struct moment *now);
    /* size and stack hold the new values; old_stack is the stack that gave it its old size */
    void (*resized)(void *self, struct block *block, uint64_t old_size, uint32_t old_stack, const struct moment *now);
    void (*died)(void *self, struct block *block, enum death_cause cause, const struct moment *now);
    void (*failed)(void *self, uint64_t size, uint32_t stack, const struct moment *now);
    void (*control)(void *self, const struct control *control, const struct moment *now);
    void (*sample)(void *self, const struct memory_sample *sample, const struct moment *now);
    /* O(live blocks) is allowed here, as long as it stays below a constant for each event. */
    void (*look)(void *self, const struct look *look, const struct memory_sample *sample, const struct moment *now);
    /* The process is over; live blocks are those for which died() was not called. 0 or -errno. */
    int (*end)(void *self, const struct moment *now);
};

#endif

/*
 * Names for addresses: which function, source line and chain of inlined calls an instruction belongs to.
 *
 * One resolver serves all processes of a report; a "space" is the address space of one of them, numbered by the caller.
 * Files are found by path below the sysroot and accepted only if their build-id is the recorded one; what was not found
 * or does not match is said by symbols_doubts() and never guessed. Nothing is read from the target or its machine but
 * these files. Answers are cached per module and address. One thread at a time.
 */
#ifndef SYMBOLS_SYMBOLS_H
#define SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols;

struct symbol_options {
    const char *sysroot;            /* NULL: none */
    const char *const *debug_paths; /* searched before the usual places for separate debug files */
    size_t debug_path_count;
    const char *const *wrappers; /* globs on functions that are no call sites, beside those known (wrappers.h) */
    size_t wrapper_count;
    bool no_cache;   /* neither use nor keep names of earlier runs */
    bool in_process; /* read the files in this process, not in a child, and without a cache: for tests and fuzzers */
};

/* A MODULE record. Everything is copied. */
struct symbol_module {
    uint32_t id;
    const char *path;
    const void *build_id; /* raw bytes; length 0: the object has none */
    size_t build_id_length;
    uint64_t bias; /* load bias: address in memory less address in the file */
};

/* Strings live as long as the resolver. `module` is a file name without folders. */
struct symbol_frame {
    const char *function; /* demangled, without parameters; NULL: unknown */
    const char *file;     /* source file; NULL: unknown */
    int64_t line;         /* 0: unknown */
    const char *module;   /* NULL: no module (JIT code, unknown) */
    uint64_t offset;      /* address less load bias; without module the address */
    bool inlined;         /* the next frame is the function it was inlined into */
};

/* 0 or -ENOMEM. `options` may be NULL; it is not kept, but the strings in it are and must outlive the resolver. */
int symbols_open(struct symbols **out, const struct symbol_options *options);
void symbols_close(struct symbols *symbols);

/*
 * What follows is about other traces: spaces are numbered anew, and doubts count anew. What is known of files with a
 * build-id stays, so traces of one program are named at the price of one.
 */
void symbols_next(struct symbols *symbols);

/* 0 or -ENOMEM. An id that is given again replaces the module. */
int symbols_add_module(struct symbols *symbols, uint32_t space, const struct symbol_module *module);

/*
 * Names for code outside all modules of this space come from this perf map (/tmp/perf-PID.map), unless it was last
 * written before `since` (ns of CLOCK_REALTIME). 0, -ENOMEM, or -errno where the file cannot be read, which is usual.
 */
int symbols_add_perf_map(struct symbols *symbols, uint32_t space, const char *path, uint64_t since);

/*
 * The frames of one address, innermost first; at least one, whatever happens. `returning`: the address is a return
 * address, so the call before it is meant (not so for the innermost frame of a signal: TRACE_NODE_SIGNAL). The array
 * lives as long as the resolver. `module` 0: none.
 */
size_t symbols_resolve(struct symbols *symbols, uint32_t space, uint32_t module, uint64_t address, bool returning,
                       const struct symbol_frame **frames);

/*
 * Whether the function that contains `from` may make the call that returns to `to` after the one that returns to
 * `from`, without returning itself; both are return addresses in this module. True where that can't be told.
 */
bool symbols_may_flow(struct symbols *symbols, uint32_t space, uint32_t module, uint64_t from, uint64_t to);

/*
 * What could not be named and why: one sentence for each module that was asked for and has no names; NULL-terminated,
 * lives until the next call or close. NULL: out of memory.
 */
const char *const *symbols_doubts(struct symbols *symbols);

#endif

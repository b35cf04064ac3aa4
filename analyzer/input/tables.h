/*
 * What the journal says about a process, as tables: who it was, what was loaded, which threads ran, how it ended.
 *
 * Filled in one pass over the records. Memory samples are not kept (they are as many as the recording is long): only
 * their count and extremes. Ids come from the file, so tables never grow by more than what the file's size allows.
 */
#ifndef INPUT_TABLES_H
#define INPUT_TABLES_H

#include "ids.h"
#include "records.h"

struct process_record {
    bool present;
    uint64_t pid, parent, start_ns, exec_count, uid;
    uint8_t boot_id[16];
    uint64_t pid_namespace, cpus, ram_bytes, page_size, depth, interval_ns, flags, split_stamp;
    const char *exe, *cwd, *host, *kernel, *libc, *allocator, *parent_trace, *recorder;
    const char **args;
    size_t arg_count;
};

struct module_record {
    uint32_t id;
    uint64_t bias;
    const char *path;
    const uint8_t *build_id;
    size_t build_id_length;
};

struct thread_record {
    uint32_t serial, tid;
    const char *name; /* the last one */
};

struct clock_record {
    uint64_t stamp, monotonic, boottime, realtime;
};

struct loss_record {
    uint64_t first_stamp, last_stamp, thread, events, cause;
};

struct request_record { /* a mark, phase edge or stop from outside */
    uint64_t stamp;
    uint32_t command, flags;
    uint32_t thread; /* serial; 0: from outside */
    uint32_t depth;  /* orders edges with equal stamps: what begins later or ends earlier lies deeper */
    const char *name;
};

struct stopped_record {
    bool present;
    uint64_t cause;
};

struct end_record {
    bool present;
    uint64_t stamp, how, status, events, recorder_cpu_ns, recorder_rss, by_libunwind, partial, cut, checked, different;
};

struct exited_record {
    bool present;
    uint64_t kind, value, max_rss, user_ns, system_ns; /* kind: enum trace_exited */
};

struct memory_summary {
    uint64_t samples;
    uint64_t recorder_rss; /* last seen */
    uint64_t looks, last_look_stamp;
};

struct tables {
    struct process_record process;
    struct module_record *modules;
    size_t module_count;
    struct thread_record *threads;
    size_t thread_count;
    struct ids thread_places; /* by serial */
    const char **strings;     /* by id; NULL: not recorded */
    uint64_t strings_read;
    size_t string_count;
    struct clock_record *clocks; /* ascending stamps */
    size_t clock_count;
    struct loss_record *losses;
    size_t loss_count;
    struct request_record *requests; /* ascending stamps */
    size_t request_count;
    struct stopped_record stopped;
    struct end_record end;
    struct exited_record exited;
    struct memory_summary memory;
    uint64_t bad_records, bad_frames;
    struct text_block *texts; /* owns all strings above */
    uint64_t allowance;       /* bytes that may still be added */
};

/* One record after the other: false where it is invalid. */
void tables_begin(struct tables *tables, const struct trace_input *input, const struct recovery *recovery);
bool tables_add(struct tables *tables, struct record *record);

/* 0 or -ENOMEM. */
int tables_read(struct tables *tables, const struct trace_input *input, const struct recovery *recovery);
void tables_release(struct tables *tables);

/* Adds phase edges that somebody else knows of; the names stay theirs and outlive the tables. 0 or -ENOMEM. */
int tables_add_edges(struct tables *tables, const struct request_record *edges, size_t count);

/* The string with this id, "" where it was not recorded. */
const char *tables_string(const struct tables *tables, uint64_t id);

/* A MEMORY or ROLLUP record. False where the body is invalid. */
struct memory_record {
    uint64_t stamp, vms, rss, shared, recorder, cpu_ns, threads, fds /* + 1 */, flags;
    uint64_t rss_before; /* when the look began that it ends; else rss */
};
struct rollup_record {
    uint64_t stamp, rss, pss, anonymous, swap, private_dirty, cost_ns;
};
bool memory_parse(struct wire_reader body, struct memory_record *out);
bool rollup_parse(struct wire_reader body, struct rollup_record *out);

#endif

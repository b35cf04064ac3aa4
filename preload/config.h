/*
 * What the environment asks of the recorder: one table row per variable (config.c). Read once per process image, before
 * the first event; constant afterwards, so every context may read it. A bad value costs one line on stderr and leaves
 * that variable's default.
 */
#ifndef PRELOAD_CONFIG_H
#define PRELOAD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_PATH 4096
/* Of a file name template, behind a %: program, pid, host, time of the start, a percent sign. */
#define CONFIG_FIELDS "epht%"

enum config_writer { CONFIG_WRITER_THREAD, CONFIG_WRITER_INLINE, CONFIG_WRITER_PROCESS };

struct config_limits {   /* TIDEMARK_STOP_ABOVE; 0 = no limit */
    uint64_t rss;        /* bytes */
    uint64_t growth;     /* bytes a second */
    uint64_t time;       /* ns */
    uint64_t cpu;        /* percent of one processor */
    uint64_t concurrent; /* operations in flight */
};

struct config {
    char out[CONFIG_PATH];      /* template of this process's trace, absolute once config_export ran */
    char children[CONFIG_PATH]; /* template for other processes of the run */
    char only[256], skip[256];  /* globs on the executable's name */
    struct config_run {
        uint8_t id[16];
        uint64_t pid, execs; /* the process that becomes this one, 0 if none, and how many images it had before */
    } run;
    bool follow, start_on, verbose;
    unsigned depth, level, check_stacks;
    uint64_t interval_ns, max_size;
    enum config_writer writer;
    struct config_limits limits;
};

extern struct config config;

/* Whether TIDEMARK_STOP_ABOVE sets any. */
bool config_has_limits(void);

/* Fills `config` from the environment (read from /proc where libc has none yet). */
void config_read(void);

/* One line to stderr: "tidemark: " and the parts, ended by NULL. Raw write, no allocation. */
void config_say(const char *part, ...) __attribute__((sentinel));

/*
 * Rewrites the process's environment for its children: our preload entry and TIDEMARK_OUT become absolute; with follow
 * off our preload entry goes; and so do values that were not understood, which each child would tell again. The target
 * sees no other variable of ours but those that were set for it. Called once, from the constructor. Nothing is
 * allocated with malloc.
 */
void config_export(const char *own_path);

/* The variable that links a program to this run: one that this process starts, or becomes. Async-signal-safe. */
#define CONFIG_RUN_ENTRY 96
void config_run_entry(char entry[CONFIG_RUN_ENTRY], bool becomes);

/*
 * libc hands our environment to a program that it starts itself: between these two it names the run, in TIDEMARK_OUT.
 */
void config_show_run(void);
void config_hide_run(void);

/* In the child of a fork, before it is recorded. */
void config_forked(void);

#endif

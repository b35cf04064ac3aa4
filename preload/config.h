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

enum config_writer { CONFIG_WRITER_THREAD, CONFIG_WRITER_INLINE, CONFIG_WRITER_PROCESS };

struct config_limits {   /* TIDEMARK_STOP_ABOVE; 0 = no limit */
    uint64_t rss;        /* bytes */
    uint64_t growth;     /* bytes a second */
    uint64_t time;       /* ns */
    uint64_t cpu;        /* percent of one processor */
    uint64_t concurrent; /* operations in flight */
};

struct config {
    char out[CONFIG_PATH];      /* template of this process's trace, absolute once config_absolute ran */
    char children[CONFIG_PATH]; /* template for other processes of the run */
    char only[256], skip[256];  /* globs on the executable's name */
    uint8_t run_id[16];
    struct config_image {
        uint64_t pid, execs; /* the process that wrote this environment, and how many images it had before */
    } image;
    bool follow, start_on, verbose;
    unsigned depth, level, check_stacks;
    uint64_t interval_ns, max_size;
    enum config_writer writer;
    struct config_limits limits;
};

extern struct config config;

/* Fills `config` from the environment (read from /proc where libc has none yet). */
void config_read(void);

/* One line to stderr: "tidemark: " and the parts, ended by NULL. Raw write, no allocation. */
void config_say(const char *part, ...) __attribute__((sentinel));

/*
 * Rewrites the process's environment for its children: our preload entry and TIDEMARK_OUT become absolute, TIDEMARK_RUN
 * is set; with follow off our preload entry goes. Called once, from the constructor. Nothing is allocated with malloc.
 */
void config_export(const char *own_path);

#endif

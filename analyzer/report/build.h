/*
 * Builds a report from traces: one replay per process, one process at a time, so that a tree of hundreds needs no more
 * memory than its largest process. The verdict is decided by the caller afterwards (verdict/verdict.h).
 */
#ifndef REPORT_BUILD_H
#define REPORT_BUILD_H

#include "../symbols/symbols.h"
#include "../verdict/judge.h"
#include "by_function.h"
#include "report.h"
#include "tree.h"

struct build_options {
    struct symbol_options symbols;
    struct symbols *resolver; /* used instead and left open, for reports that follow each other; may be NULL */
    size_t top;               /* sites besides those that grow, at least */
    bool every_site;          /* all are named and kept, also those that are small in every way */
    size_t points;            /* of the curve that is judged, and shown */
    size_t shown_points;      /* of one that is shown instead (report_show_only), 0: none */
    struct growth_settings settings;
    phase_facts_of phase_facts; /* may be NULL */
    void *phase_context;
    bool (*names_process)(void *context, const char *exe); /* to be judged as CMD is; NULL: none */
    void *process_context;
    /* Sites that rules look at: kept, however small. NULL: none, so that not every site needs its names. */
    bool (*names_site)(void *context, const struct report_site *site);
    void *site_context;
    bool self;
    const struct block_choice *choice;       /* without threads; NULL: all blocks */
    const struct phase_intervals *phases;    /* of the first trace, beside those it has; NULL: none */
    const struct function_phases *functions; /* phases by the functions that run; NULL: none */
    const char *thread;                      /* name or tid; needs a choice; NULL: all */
    void (*progress)(void *context, const char *path, uint64_t events, uint64_t expected); /* may be NULL */
    void *progress_context;
};

/*
 * 0 and a report with an empty verdict, to be released with report_release(). -ENOENT: no trace could be read (the
 * reasons are in `refused`); -ENOMEM. `refused` lists the files left out in any case;
 * its strings live as long as `memory`, which the caller frees.
 */
int report_build(struct report **out, char *const *paths, size_t count, const struct build_options *options,
                 struct tree *refused, struct arena *memory);

#endif

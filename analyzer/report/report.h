/*
 * The resolved report: everything that a renderer shows and nothing that it would have to compute or look up.
 *
 * Built once by report/ from findings, verdict and symbols; then read-only and shared by all renderers. Field names and
 * meaning follow the JSON report; a renderer is a pure function of this struct. Strings are UTF-8 and owned by the
 * report; NULL means absent. Numbers that can be absent are REPORT_NONE (integers) or NAN (doubles).
 * Bytes and ns from the start of the trace, unless the name says otherwise.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define REPORT_NONE INT64_MIN

struct report_trace {
    const char *path;
    bool complete, recovered, cut;
    int64_t events, lost_events, impossible_events, truncated_stacks, size_bytes;
    const char *run_id;
};

struct report_system {
    int64_t cpus, ram_bytes;
    const char *kernel, *libc, *allocator, *host;
};

struct report_process {
    int64_t pid, parent;
    int64_t parent_index; /* in report.processes: the program that ran as the parent when this one began; or absent */
    const char *exe;
    const char **args;
    size_t arg_count;
    const char *started; /* ISO 8601, UTC */
    int64_t started_ns;  /* CLOCK_REALTIME */
    int64_t duration_ns;
    int64_t cpu_ns;        /* that it used, as far as samples saw it */
    const char *exit_kind; /* code, signal, exec, unknown, running */
    int64_t exit_code;
    int64_t recorder_rss_bytes, recorder_cpu_ns, fallback_stacks;
    const char *trace_path;
    int64_t allocations, peak_live_bytes, peak_rss_bytes, live_bytes_end; /* of this process */
    const char *result; /* its own verdict's result, NULL where it was not judged */
    bool only_starts;   /* a build or test runner: not judged, unless it is asked for */
};

struct report_totals {
    int64_t allocations, frees, failed_allocations, allocated_bytes, live_bytes_end, live_blocks_end;
    int64_t peak_live_bytes, peak_live_t, peak_rss_bytes, temporary_allocations;
    int64_t mappings, mapped_bytes_end; /* made by the program itself: in the live bytes, but no allocations */
    double explained_share;             /* of RSS growth, 0..1 */
};

struct report_point {
    int64_t t, live_bytes, live_blocks, pinned_bytes, rss_bytes, pss_bytes, vms_bytes;
    double cpu; /* processors in use, over the samples until this point */
    int64_t threads, fds;
};

struct report_spread { /* of times in ns */
    double mean, min, p50, p95, p99, max, stddev;
    double drift; /* how much longer the last third of them took than the first, by medians: 0.1 is 10 % */
};

/*
 * Whose the resident pages are at one moment (a look of the recorder): each page is in one part, and the parts add up
 * to resident_bytes. A page with live blocks on it is theirs alone.
 */
struct report_look {
    int64_t t;
    bool at_edge;           /* of a phase, or at a mark */
    int64_t rss_bytes;      /* as the kernel counts */
    int64_t resident_bytes; /* as found page by page */
    int64_t sites_bytes;    /* parts: pages with live blocks, */
    int64_t free_bytes;     /* pages of the allocator without any, */
    int64_t stack_bytes, code_bytes, file_bytes, recorder_bytes;
    int64_t other_bytes;     /* anonymous memory that no recorded call explains */
    int64_t slack_bytes;     /* of sites_bytes, what no live block covers */
    int64_t untouched_bytes; /* bytes of live blocks that are not resident, so in no part */
    int64_t trim_bytes;      /* of free_bytes, what malloc_trim(0) would give back */
};

struct report_resident_file { /* mapped into the process */
    const char *path;
    int64_t code_bytes, data_bytes; /* resident */
};

struct report_pin { /* a live block with free pages below it, which a heap that is cut at its top keeps for its sake */
    size_t site_index; /* in report.sites; SIZE_MAX: not shown there */
    const char *site;
    int64_t address, size, born; /* born: ns */
    int64_t free_below_bytes;    /* resident, down to the next live block */
    int64_t blocks_above;        /* live blocks higher in the same mapping */
};

struct report_residency {  /* of one process: the one whose own pages were most at a look */
    int64_t process;       /* pid */
    int64_t process_index; /* in report.processes */
    struct report_look *looks;
    size_t look_count;         /* 0: the recorder took none */
    size_t peak, end;          /* looks with the highest rss (less the recorder's own), and the last one */
    int64_t other_sites_bytes; /* of the last look's sites_bytes, those of sites that are not in report.sites */
    int64_t wasted_bytes;      /* of the last look's slack_bytes, on pages that one block keeps alone */
    struct report_resident_file *files; /* at the last look, largest first */
    size_t file_count;
    struct report_pin *pins; /* most free memory below first; few */
    size_t pin_count;
    int64_t pins_t; /* of the look at which most lay free below them */
    double
        explained_share; /* of the last look's resident bytes less the recorder's, all but other_bytes; NAN: no look */
};

struct report_op {
    const char *name;
    int64_t count, ok, failed, rejected, peak_in_flight;
    double per_s;
    struct report_spread ns;
};

struct report_unit { /* of items beside the first one */
    const char *name;
    int64_t items;
    double items_per_s;
};

struct report_value {
    const char *name;
    double last, min, max;
};

struct report_mark {
    int64_t process_index;
    const char *name;
    int64_t t;
};

struct report_round {
    int64_t round, begin, end; /* round from 1 */
    int64_t live_begin, live_end, rss_begin, rss_end, items, allocations;
};

struct report_rate { /* bytes a second over the phase's whole time, with its 95 % interval; NAN: unknown */
    double value, low, high;
};

struct report_phase {
    int64_t process_index;     /* in report.processes */
    const char *name, *parent; /* parent: NULL at the top */
    int64_t rounds;
    const char *rounds_kind; /* phases, operations, items, events */
    bool judged;             /* its rounds, or its children that ran once each, are enough */
    int64_t items;
    int64_t duration_ns;
    double items_per_s;
    int64_t begin, end;     /* of the first round, of the last */
    bool approximate;       /* edges are known to a line of output only */
    int64_t peak_in_flight; /* operations of all names together */
    int64_t rss_start, rss_end, rss_peak, live_start, live_end, live_peak, blocks_start, blocks_end, overhead_bytes;
    int64_t allocations, allocated_bytes, retained_bytes;
    double retained_per_round;
    struct report_spread round_ns;
    struct report_unit *units;
    size_t unit_count;
    struct report_op *ops;
    size_t op_count;
    struct report_value *values;
    size_t value_count;
    const char *diagnosis; /* steady, fragmentation, retention, unexplained, growing; NULL: not judged */
    struct report_rate rss_growth, live_growth;
    int64_t limit_bytes;            /* that RSS heads for: a budget's max-rss, else the machine's memory; REPORT_NONE */
    double limit_s;                 /* until it is reached at this rate; NAN: RSS does not rise */
    struct report_round *instances; /* at most a thousand, evenly chosen */
    size_t instance_count;
};

struct report_frame {
    const char *function; /* demangled; NULL: unknown */
    const char *file;     /* source file; NULL: unknown */
    int64_t line;         /* 0: unknown */
    const char *module;   /* file name of the object, without folders; NULL: no module (JIT, unknown) */
    uint64_t offset;      /* in the module (address less load bias) */
    bool inlined;
};

struct report_growth { /* what one site did in one phase */
    const char *phase;
    const char *class_slug;
    const char *held_until; /* never, teardown, exit; NULL: released or unknown */
    bool only_phase;
    const char *rounds_kind;
    int64_t rounds, n, k;
    double reach;
    int64_t first, last; /* rounds */
    int64_t *survivors;  /* blocks born in each round that live at the end of the phase */
    size_t survivor_count;
    int64_t *alive; /* for the end of cell e from e * (e + 1) / 2 on: blocks by cell of birth, 0 to e; NULL: not kept */
    size_t alive_count;
    int64_t alive_each;                                      /* rounds that a cell stands for */
    double bytes_per_round, ci_low, ci_high, bytes_per_item; /* NAN: absent */
    int64_t threads_affected;
    const char *sentence;     /* the evidence in words, one line */
    const char *would_change; /* what would change the verdict, one line */
};

struct report_site {
    const char *id;
    const char *function, *file, *module;
    int64_t line;
    struct report_frame *stack; /* from the call site outwards */
    size_t depth;
    bool guessed; /* a frame of it lies in code without unwind entries: what is outside of it may be wrong */
    int64_t allocations, allocated_bytes, live_bytes_end, live_blocks_end, peak_bytes, temporary;
    int64_t lifetime_p50, lifetime_p95, lifetime_max; /* ns */
    int64_t live_at_peak;                             /* of its live bytes, those at the process's peak */
    int64_t rss_bytes;      /* resident pages that its live blocks hold at the last look; REPORT_NONE: no look */
    int64_t rss_peak_bytes; /* the same at the look with the highest RSS */
    int64_t alone_bytes;    /* of rss_bytes, pages on which one block lies alone */
    int64_t wasted_bytes;   /* of alone_bytes, what those blocks do not cover */
    struct report_growth *growth;
    size_t growth_count;
    size_t former;         /* its place when it was judged, before filters; theirs alone */
    int64_t process;       /* pid */
    int64_t process_index; /* in report.processes: programs that followed each other by exec have one pid */
    int64_t *sizes;        /* allocations by size: of 0, of 1, of 2 and 3, of 4 to 7 bytes, and so on */
    size_t size_count;
    int64_t *lifetimes; /* freed blocks by lifetime in ns, in the same classes */
    size_t lifetime_count;
    size_t slice_count;     /* report.slice_count; 0: not known */
    int64_t *live, *blocks; /* bytes and blocks at the end of each slice */
    int64_t *resident; /* pages that its live blocks hold, in bytes, at the last look before the end of each slice */
    int64_t *born, *born_bytes, *born_temporary; /* allocations in each slice; the temporary ones by when they ended */
    int64_t *ages; /* for the end of slice s from s * (s + 1) / 2 on: bytes by slice of birth, 0 to s; NULL: not kept */
    size_t age_count;
};

#define REPORT_OCTAVES 65u

struct report_slice { /* blocks of all sites, in the classes of a site's sizes and lifetimes */
    int64_t sizes[REPORT_OCTAVES], lifetimes[REPORT_OCTAVES]; /* allocated in it; freed in it */
};

struct report_finding { /* a leak or a warning */
    const char *site;   /* id; NULL: of the process */
    size_t site_index;  /* in report.sites; SIZE_MAX: none */
    const char *phase, *class_slug, *reason;
    bool hidden; /* filters leave it out of what is shown to people; it counts all the same */
};

struct report_budget {
    const char *rule, *phase;
    const char *limit, *value; /* as shown, with unit */
    bool ok;
    const char *state; /* ok, exceeded, warn, not-judged */
    const char *unit;  /* of the numbers: bytes, bytes/s, ns, count, number, share; NULL: a rule without numbers */
    double measured, allowed;
};

struct report_verdict {
    const char *result; /* pass, warn, leak, budget, inconclusive, nothing-judged */
    int exit_code;
    int64_t judged_phases, judged_sites, not_judged;
    int64_t rounds_missing; /* with so many more, what is not judged could be; 0: unknown */
    struct report_finding *leaks;
    size_t leak_count;
    const char *leaks_below;      /* the function that called all of them, where that tells something; NULL: none */
    struct report_finding *known; /* leaks that the baseline excuses */
    size_t known_count;
    struct report_finding *warnings;
    size_t warning_count;
    struct report_budget *budgets;
    size_t budget_count;
    const char **reasons;
    size_t reason_count;
    const char **hints;
    size_t hint_count;
};

struct report {
    struct report_trace trace;
    struct report_system system;
    struct report_process *processes; /* CMD first */
    size_t process_count;
    struct report_totals totals;
    struct report_point *curve;
    size_t point_count;
    struct report_point *shown_curve; /* to be shown instead of it, once it was judged; NULL: none */
    size_t shown_point_count;
    struct report_residency residency;
    struct report_phase *phases;
    size_t phase_count;
    struct report_mark *marks; /* moments that the program or somebody outside named; process by process */
    size_t mark_count;
    struct report_site *sites; /* leaking first, then by live bytes at the end */
    size_t site_count;
    struct report_site *chosen; /* as sites, but counted over the blocks to be shown only; NULL: no such choice */
    int64_t sites_total;        /* before --top */
    int64_t duration_ns;        /* from the start of the first process to the end of the last */
    int64_t slice_ns;           /* that time in equal slices; the last ends with it */
    size_t slice_count;
    struct report_slice *slices;
    const char *root;     /* folder of the sources for CI servers, which want names relative to it; NULL: none */
    int64_t other_runs;   /* traces that were to be judged, too, but are of another run */
    int64_t unread_named; /* files that were to be judged and can't be read */
    const char *stopped;  /* "at a limit: …" or "on request", NULL: neither */
    struct report_verdict verdict;
    const char **doubts; /* losses, cut traces, modules without symbols: one sentence each */
    size_t doubt_count;
    struct arena
        *memory; /* owns all that is pointed to above but the verdict's; NULL in tests that build one by hand */
};

/* The last program that ran in the process of this one: they follow each other by exec. */
static inline const struct report_process *report_last_program(const struct report *report,
                                                               const struct report_process *process) {
    const struct report_process *last = process;
    for (size_t i = 0; i < report->process_count; i++) {
        const struct report_process *other = &report->processes[i];
        if (other->pid == process->pid && other->started_ns > last->started_ns) last = other;
    }
    return last;
}

/* Whether the phase of this name is the time between the rounds of another. */
static inline bool report_is_between(const char *phase) {
    return strncmp(phase, "between ", sizeof "between " - 1) == 0;
}

void report_release(struct report *report);

#endif

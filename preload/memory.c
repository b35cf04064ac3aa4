/* Samples (memory.h): small parsers over /proc, into journal records. */
#include "memory.h"

#include "edges.h"
#include "journal.h"
#include "lock.h"
#include "pagemap.h"
#include "residency.h"
#include "stackid.h"
#include "stamp.h"
#include "text.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
    SHARE = 100,               /* a sampler may cost one part in this of the time */
    OWN_SHARE = 1000,          /* and the look at our own pages */
    EDGE_ALLOWANCE = 50000000, /* ns, and these samples so much beyond */
    LOOK_ALLOWANCE = 2000000,  /* looks at edges */
    TICK_ALLOWANCE = 300000,   /* looks in between */
    LAST_ALLOWANCE = 50000000, /* and the last look */
    GROWN = 4,         /* a look is due where the resident pages have grown by one part in this since the last */
    SMALL = 1 << 20,   /* growth that is not worth a look when the process ends without any */
    YOUNG = 10000000,  /* ns: no time to count threads and descriptors in */
    SHORT = 250000000, /* ns: most processes live no longer, and a look takes 0.4 ms: the one at the end serves them, */
    LARGE = 64 << 20,  /* but where so much has come that the look is nothing to it */
};

static struct {
    uint64_t rollup_next_ns;
    _Atomic uint64_t own_next_ns, own_private; /* when to look at our own pages again; as last counted */
    _Atomic uint64_t edges_since_ns, edges_cost_ns;
    _Atomic uint64_t threads, fds_plus_one; /* as last counted */
    struct lock look_lock;                  /* taken by who looks; it is not waited for */
    uint64_t start_ns, looks_cost_ns, look_cost_ns;
    _Atomic uint64_t look_rss;
    _Atomic bool looked, shared;
} memory;

void memory_start(void) {
    memset(&memory, 0, sizeof memory);
    memory.start_ns = sys_monotonic();
    residency_start();
}

void memory_forked(void) { memory.shared = true; }

static void count_own(void) {
    uint64_t now = sys_monotonic();
    if (now < memory.own_next_ns) return;
    uint64_t begin = sys_thread_cpu(), counted = pagemap_own(memory.shared);
    if (counted) memory.own_private = counted;
    memory.own_next_ns = now + (sys_thread_cpu() - begin) * OWN_SHARE;
}

uint64_t memory_own_resident(void) {
    count_own();
    uint64_t rings = 0;
    for (struct thread *t = threads_first(); t; t = t->next) {
        uint64_t head = thread_head(t), words = head < THREAD_RING_WORDS ? head : THREAD_RING_WORDS;
        rings += TRACE_SLOT_CONTROL + words * 8;
    }
    return memory.own_private + rings + (uint64_t)stackid_count() * TRACE_NODE_SIZE + JOURNAL_BYTES_MAX +
           TRACE_HEADER_SIZE;
}

/* Of a look it must be clear which events came before it and which after. */
static uint64_t take_stamp(bool edge) {
    if (!edge) return stamp_now();
    edge_begin();
    uint64_t stamp = stamp_now();
    edge_end(stamp);
    return stamp;
}

/* rss_before: when the look began that this sample ends; with that flag only. */
static struct memory_figures put_sample(unsigned flags, uint64_t rss_before) {
    char text[256];
    uint8_t body[96];
    struct timespec cpu = {0, 0};
    uint64_t stamp = take_stamp(flags & TRACE_MEMORY_LOOK);
    if (!sys_read_text(SYS_PROC_SELF("statm"), text, sizeof text)) return (struct memory_figures){0, 0};
    const char *at = text;
    uint64_t vms = text_next_number(&at) * TRACE_PAGE, rss = text_next_number(&at) * TRACE_PAGE,
             shared = text_next_number(&at) * TRACE_PAGE;
    sys_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    struct memory_figures figures = {rss, (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec};
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, stamp);
    wire_put_varint(&w, vms);
    wire_put_varint(&w, rss);
    wire_put_varint(&w, shared);
    wire_put_varint(&w, memory_own_resident());
    wire_put_varint(&w, figures.cpu_ns);
    wire_put_varint(&w, memory.threads);
    wire_put_varint(&w, memory.fds_plus_one);
    wire_put_varint(&w, flags);
    if (flags & TRACE_MEMORY_LOOK) wire_put_varint(&w, rss_before);
    journal_put(TRACE_RECORD_MEMORY, body, (size_t)(w.at - body));
    return figures;
}

static uint64_t resident_now(void) {
    char text[128];
    const char *at = text;
    if (!sys_read_text(SYS_PROC_SELF("statm"), text, sizeof text)) return 0;
    text_next_number(&at);
    return text_next_number(&at) * TRACE_PAGE;
}

/* Under look_lock. Returns what the sample after it has to say of it. */
static unsigned look(uint64_t allowance, uint64_t *rss_before) {
    uint64_t ran = sys_monotonic() - memory.start_ns;
    if (memory.looks_cost_ns + memory.look_cost_ns > allowance + ran / SHARE) return TRACE_MEMORY_SKIPPED;
    uint64_t begin = sys_thread_cpu();
    memory.looked = true;
    *rss_before = resident_now();
    bool whole = residency_look(memory.shared);
    memory.look_cost_ns = sys_thread_cpu() - begin;
    memory.looks_cost_ns += memory.look_cost_ns;
    return whole ? TRACE_MEMORY_LOOK : 0;
}

/* The sample comes right after the look, and no other look in between. Returns the sample's cost. */
static uint64_t look_and_sample(unsigned flags, uint64_t allowance) {
    bool mine = lock_try(&memory.look_lock);
    uint64_t rss_before = 0;
    if (mine) flags |= look(allowance, &rss_before);
    uint64_t begin = sys_thread_cpu();
    memory.look_rss = put_sample(flags, rss_before).rss;
    uint64_t cost = sys_thread_cpu() - begin;
    if (mine) lock_give(&memory.look_lock);
    return cost;
}

/* By how much the resident pages have to grow for a look. */
static uint64_t growth_due(void) {
    uint64_t due = memory.look_rss / GROWN;
    return due < LARGE && sys_monotonic() < memory.start_ns + SHORT ? LARGE : due;
}

void memory_first(void) { memory.look_rss = put_sample(0, 0).rss; }

struct memory_figures memory_sample(void) {
    struct memory_figures figures = put_sample(0, 0);
    if (figures.rss > memory.look_rss + growth_due()) look_and_sample(0, TICK_ALLOWANCE);
    return figures;
}

void memory_look(void) { look_and_sample(0, TICK_ALLOWANCE); }

void memory_edge(void) {
    uint64_t now = sys_monotonic(), none = 0;
    atomic_compare_exchange_strong(&memory.edges_since_ns, &none, now);
    if (memory.edges_cost_ns > EDGE_ALLOWANCE + (now - memory.edges_since_ns) / SHARE) return;
    memory.edges_cost_ns += look_and_sample(TRACE_MEMORY_EDGE, LOOK_ALLOWANCE);
}

static uint64_t count_entries(const char *folder) {
    int fd = sys_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    uint64_t count = 0;
    char entries[2048];
    for (int got; (got = sys_getdents(fd, entries, sizeof entries)) > 0;)
        for (int at = 0; at < got; at += *(uint16_t *)(entries + at + 16)) count++;
    sys_close(fd);
    return count > 2 ? count - 2 : 0; /* . and .. */
}

uint64_t memory_threads(void) { return count_entries("/proc/self/task"); }

static void count_threads_and_descriptors(void) {
    memory.threads = memory_threads();
    uint64_t fds = count_entries("/proc/self/fd");
    if (fds || !sys_first_has_ended()) memory.fds_plus_one = fds ? fds : 1; /* our look at it is one of them */
}

void memory_last(void) {
    if (!memory.threads) count_threads_and_descriptors();
    memory.own_next_ns = 0;
    if (!memory.looked && put_sample(0, 0).rss <= memory.look_rss + SMALL) return;
    look_and_sample(0, LAST_ALLOWANCE);
}

static uint64_t field_kb(const char *text, const char *name) {
    const char *at = strstr(text, name);
    if (!at) return 0;
    at += strlen(name);
    return text_next_number(&at) << 10;
}

static void put_rollup(const char *text, uint64_t stamp, uint64_t cost) {
    uint8_t body[96];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, stamp);
    wire_put_varint(&w, field_kb(text, "\nRss:"));
    wire_put_varint(&w, field_kb(text, "\nPss:"));
    wire_put_varint(&w, field_kb(text, "\nAnonymous:"));
    wire_put_varint(&w, field_kb(text, "\nSwap:"));
    wire_put_varint(&w, field_kb(text, "\nPrivate_Dirty:"));
    wire_put_varint(&w, cost);
    journal_put(TRACE_RECORD_ROLLUP, body, (size_t)(w.at - body));
}

void memory_rollup(void) {
    uint64_t begin = sys_monotonic();
    if (begin < memory.rollup_next_ns || begin < memory.start_ns + YOUNG) return;
    char text[2048];
    uint64_t stamp = stamp_now();
    count_threads_and_descriptors();
    size_t length = sys_read_text(SYS_PROC_SELF("smaps_rollup"), text, sizeof text);
    uint64_t cost = sys_monotonic() - begin;
    if (length) put_rollup(text, stamp, cost);
    memory.rollup_next_ns = begin + (cost * SHARE > 1000000000u ? cost * SHARE : 1000000000u);
}

/*
 * Mappings and resident pages (residency.h). Two tables of ranges, the last look's and this one's, both ascending: the
 * kernel's mappings, cut where our own memory begins and ends, since the kernel merges that with the target's. Of
 * mappings far larger than memory only the parts that hold pages are read.
 */
#include "residency.h"

#include "journal.h"
#include "maps.h"
#include "pagemap.h"
#include "stacks.h"
#include "stamp.h"
#include "sys.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

enum {
    RANGES = 8192,
    OWN = 4200,          /* all of sys_mapped and libtrace.so itself */
    ENTRIES_ROOM = 6000, /* of mapping entries in a record; one more still fits behind it */
    RUN_ROOM = 40,
    PAGES = 2048,     /* read at once */
    PAGES_AHEAD = 64, /* at least: libraries lie side by side, in ranges of a few pages */
    GUARD_MOST = 1 << 20,
};

#define LARGE (1ull << 30) /* where the kernel is asked for the stretches that are there */
#define LARGE_OWN (1ull << 20)
#define UNREADABLE (1ull << 38) /* for kernels that can't tell where pages are: a second and more */

#define USER_END (1ull << 47)
#define HASH_START 0xcbf29ce484222325u

struct range {
    uint64_t start, end;
    uint64_t name;  /* hash */
    uint64_t pages; /* hash of the runs last written, 0: none */
    uint32_t flags;
};

struct table {
    struct range at[RANGES];
    size_t count;
};

struct look {
    struct table tables[2];
    struct table *last, *now;
    size_t compared; /* ranges of the last look that this one has dealt with */
    struct sys_range own[OWN];
    size_t own_count, own_at;
    uint64_t stamp;
    bool shared, failed;
    struct maps_reader maps;
    uint64_t pages_start, pages_end; /* addresses that `pages` tells of in this look */
    uint64_t pages[PAGES];
    uint8_t body[JOURNAL_MAX_BODY];
    struct wire_writer entries;
    uint64_t entry_count, entries_end;
    struct wire_writer runs;
    uint64_t hash, run;
    bool present, spilled;
};

static struct look *look;

/* Also in the child of a fork, which may have come while another thread exchanged the two. */
static void begin_tables(struct look *made) {
    made->last = &made->tables[0];
    made->now = &made->tables[1];
    made->last->count = made->now->count = 0;
}

void residency_start(void) {
    pagemap_start();
    if (look) begin_tables(look);
}

static uint64_t mix(uint64_t hash, uint64_t value) { return (hash ^ value) * 0x100000001b3u; }

static uint64_t hash_bytes(const char *bytes, size_t length) {
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < length; i++) hash = mix(hash, (uint8_t)bytes[i]);
    return hash;
}

static void put(enum trace_record_kind kind, const uint8_t *body, size_t length) {
    if (journal_put(kind, body, length)) look->failed = true;
}

/* ---- mapping records ---- */

enum { HEAD_ROOM = 24 }; /* stamp and count, written last, stand right before the entries */

static void begin_entries(void) {
    look->entries = wire_writer(look->body + HEAD_ROOM, sizeof look->body - HEAD_ROOM);
    look->entry_count = look->entries_end = 0;
}

static void flush_entries(void) {
    if (look->entry_count) {
        uint8_t head[HEAD_ROOM];
        struct wire_writer w = wire_writer(head, sizeof head);
        wire_put_varint(&w, look->stamp);
        wire_put_varint(&w, look->entry_count);
        size_t length = (size_t)(w.at - head);
        uint8_t *start = look->body + HEAD_ROOM - length;
        memcpy(start, head, length);
        put(TRACE_RECORD_MAPPING, start, (size_t)(look->entries.at - start));
    }
    begin_entries();
}

static void put_entry(uint64_t start, uint64_t end, uint32_t flags, const char *name, size_t length) {
    if (start < look->entries_end || look->entries.at - look->body > ENTRIES_ROOM) flush_entries();
    wire_put_varint(&look->entries, start - look->entries_end);
    wire_put_varint(&look->entries, end - start);
    wire_put_varint(&look->entries, flags);
    wire_put_string(&look->entries, name, length);
    look->entries_end = end;
    look->entry_count++;
}

static bool same(const struct range *a, const struct range *b) {
    return a->start == b->start && a->end == b->end && a->flags == b->flags && a->name == b->name;
}

/* Says what is gone below `end`, and finds the range if the last look knew it. */
static const struct range *compare(const struct range *range, uint64_t end) {
    const struct table *last = look->last;
    const struct range *found = NULL;
    for (; look->compared < last->count && last->at[look->compared].start < end; look->compared++) {
        const struct range *old = &last->at[look->compared];
        if (range && same(old, range)) found = old;
        else put_entry(old->start, old->end, TRACE_MAP_GONE, "", 0);
    }
    return found;
}

static void add_range(const struct maps_line *line, uint64_t start, uint64_t end, uint32_t flags) {
    struct range range = {start, end, hash_bytes(line->name, line->length), 0, flags};
    if (look->now->count == RANGES) {
        look->failed = true;
        return;
    }
    const struct range *old = compare(&range, end);
    if (old) range.pages = old->pages;
    else put_entry(start, end, flags, line->name, line->length);
    look->now->at[look->now->count++] = range;
}

/* The line's range, in pieces that are ours or not. */
static void add_line(const struct maps_line *line) {
    uint64_t at = line->start;
    while (at < line->end && line->end <= USER_END) {
        while (look->own_at < look->own_count && look->own[look->own_at].end <= at) look->own_at++;
        const struct sys_range *own = &look->own[look->own_at];
        bool any = look->own_at < look->own_count, ours = any && own->start <= at;
        uint64_t end = !any ? line->end : ours ? own->end : own->start;
        if (end > line->end) end = line->end;
        add_range(line, at, end, line->flags | (ours ? TRACE_MAP_OWN : 0));
        at = end;
    }
}

static void read_maps(int fd) {
    begin_entries();
    if (!maps_read(&look->maps, fd, add_line)) look->failed = true;
    compare(NULL, UINT64_MAX);
    flush_entries();
}

/* ---- our own memory ---- */

/* Insertion: nearly sorted already, downwards as the kernel places mappings or upwards. */
static void sort_own(void) {
    for (size_t i = 1; i < look->own_count; i++) {
        struct sys_range moved = look->own[i];
        size_t at = i;
        for (; at > 0 && look->own[at - 1].start > moved.start; at--) look->own[at] = look->own[at - 1];
        look->own[at] = moved;
    }
}

static void find_own(void) {
    look->own_count = sys_mapped(look->own, OWN - 1);
    look->own[look->own_count++] = sys_image();
    sort_own();
    look->own_at = 0;
}

/* ---- residency records ---- */

static void begin_runs(uint64_t first) {
    look->runs = wire_writer(look->body, sizeof look->body);
    wire_put_varint(&look->runs, look->stamp);
    wire_put_varint(&look->runs, first);
    wire_put_varint(&look->runs, TRACE_PAGE);
    look->present = false;
    look->run = 0;
}

static void flush_runs(void) {
    wire_put_varint(&look->runs, look->run);
    put(TRACE_RECORD_RESIDENCY, look->body, (size_t)(look->runs.at - look->body));
}

static void add_page(uint64_t address, bool present) {
    if (present == look->present) {
        look->run++;
        return;
    }
    look->hash = mix(look->hash, look->run);
    if (wire_room(&look->runs) < RUN_ROOM) {
        look->spilled = true;
        flush_runs();
        begin_runs(address);
        if (!present) {
            look->run = 1;
            return;
        }
    }
    wire_put_varint(&look->runs, look->run);
    look->present = present;
    look->run = 1;
}

/* What the kernel says of the pages at `at` and behind it, into look->pages; mostly the next ranges' too. */
static bool fetch_pages(int fd, uint64_t at, uint64_t end) {
    uint64_t count = (end - at) / TRACE_PAGE;
    count = count < PAGES_AHEAD ? PAGES_AHEAD : count > PAGES ? PAGES : count;
    uint64_t got = pagemap_read(fd, at, look->pages, count);
    if (got == 0) return false;
    look->pages_start = at;
    look->pages_end = at + got * TRACE_PAGE;
    return true;
}

static bool read_pages(int fd, uint64_t start, uint64_t end) {
    for (uint64_t at = start; at < end;) {
        if ((at < look->pages_start || at >= look->pages_end) && !fetch_pages(fd, at, end)) return false;
        for (; at < end && at < look->pages_end; at += TRACE_PAGE)
            add_page(at, pagemap_is_resident(look->pages[(at - look->pages_start) / TRACE_PAGE], look->shared));
    }
    return true;
}

static void add_hole(uint64_t start, uint64_t end) {
    if (start == end) return;
    add_page(start, false);
    look->run += (end - start) / TRACE_PAGE - 1;
}

static bool read_large(int fd, const struct range *range) {
    struct pagemap_stretch found[PAGEMAP_STRETCHES];
    for (uint64_t at = range->start, looked; at < range->end; at = looked) {
        long count = pagemap_stretches(fd, at, range->end, found, &looked);
        if (count < 0) return range->end - at < UNREADABLE && read_pages(fd, at, range->end);
        for (long i = 0; i < count; at = found[i++].end) {
            add_hole(at, found[i].start);
            if (!read_pages(fd, found[i].start, found[i].end)) return false;
        }
        add_hole(at, looked);
    }
    return true;
}

/* Our own memory is mostly room that was never used. */
static bool read_range(int fd, const struct range *range) {
    uint64_t large = range->flags & TRACE_MAP_OWN ? LARGE_OWN : LARGE;
    return range->end - range->start > large ? read_large(fd, range) : read_pages(fd, range->start, range->end);
}

static bool is_named(const struct range *range, const char *name) {
    return range->name == hash_bytes(name, strlen(name));
}

/* Mappings that the kernel does not count as resident, or in which nothing can be. */
static bool is_skipped(const struct range *range) {
    const uint32_t any = TRACE_MAP_READ | TRACE_MAP_WRITE | TRACE_MAP_EXECUTE;
    return (!(range->flags & any) && range->end - range->start > GUARD_MOST) || is_named(range, "[vvar]") ||
           is_named(range, "[vvar_vclock]") || is_named(range, "/anon_hugepage (deleted)");
}

static void look_at(int fd, struct range *range) {
    const uint64_t untouched = mix(HASH_START, (range->end - range->start) / TRACE_PAGE);
    look->hash = HASH_START;
    look->spilled = false;
    begin_runs(range->start);
    if (!read_range(fd, range)) {
        look->failed = true;
        return;
    }
    uint64_t hash = mix(look->hash, look->run);
    if (look->spilled || hash != (range->pages ? range->pages : untouched)) flush_runs();
    range->pages = hash;
}

static void read_pagemap(int fd) {
    for (size_t i = 0; i < look->now->count && !look->failed; i++)
        if (!is_skipped(&look->now->at[i])) look_at(fd, &look->now->at[i]);
}

/* ---- a look ---- */

/* The first entry of a trace, and what a failure left behind: nothing that was said holds. */
static void forget_all(void) {
    look->last->count = 0;
    begin_entries();
    put_entry(0, USER_END, TRACE_MAP_GONE, "", 0);
    flush_entries();
}

static void look_around(int maps, int pagemap) {
    look->stamp = stamp_now();
    look->failed = false;
    look->pages_end = 0;
    look->now->count = look->compared = 0;
    if (!look->last->count) forget_all();
    find_own();
    read_maps(maps);
    if (!look->failed) read_pagemap(pagemap);
    struct table *now = look->now;
    look->now = look->last;
    look->last = now;
    if (look->failed) now->count = 0;
}

static bool make_look(void) {
    if (look) return true;
    struct look *made = sys_memory(sizeof *made);
    if (!made) return false;
    begin_tables(made);
    atomic_signal_fence(memory_order_release); /* a fork copies memory as it is */
    look = made;
    return true;
}

static void look_on_stack(void *result) {
    int maps = sys_open(SYS_PROC_SELF("maps"), O_RDONLY | O_CLOEXEC, 0);
    struct pagemap pages = pagemap_take();
    if (maps >= 0 && pages.fd >= 0) {
        look_around(maps, pages.fd);
        *(bool *)result = !look->failed;
    }
    if (maps >= 0) sys_close(maps);
    pagemap_give(pages);
}

bool residency_look(bool shared) {
    bool whole = false;
    if (sys_is_quiet() || !make_look()) return false;
    look->shared = shared;
    stacks_call(look_on_stack, &whole);
    return whole;
}

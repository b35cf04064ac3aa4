/* The page map of our own process, and a descriptor for it. See pagemap.h. */
#include "pagemap.h"

#include "../include/trace_format.h"
#include "file.h"
#include "stacks.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

enum { OWN_AT_ONCE = 512 }; /* pages of our own */

static struct {
    int fd;
    struct stat is;
} kept = {.fd = -1};

/* ---- the descriptor ---- */

static int open_pagemap(void) { return sys_open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0); }

/* The target may have closed it, and use its number for something else. */
int pagemap_kept(void) {
    struct stat now;
    if (kept.fd < 0 || sys_fstat(kept.fd, &now) || now.st_dev != kept.is.st_dev || now.st_ino != kept.is.st_ino)
        return -1;
    return kept.fd;
}

int pagemap_before(void) { return kept.fd < 0 ? open_pagemap() : -1; }

void pagemap_after(int fd) {
    if (fd < 0) return;
    int again = open_pagemap();
    if (again >= 0 || sys_fstat(fd, &kept.is)) {
        sys_close(fd);
        if (again >= 0) sys_close(again);
        return;
    }
    kept.fd = file_move_high(fd);
}

void pagemap_start(void) {
    int parents = pagemap_kept();
    if (parents >= 0) sys_close(parents);
    kept.fd = -1;
}

struct pagemap pagemap_take(void) {
    int opened = open_pagemap();
    return (struct pagemap){opened >= 0 ? opened : pagemap_kept(), opened >= 0};
}

void pagemap_give(struct pagemap map) {
    if (map.opened) sys_close(map.fd);
}

/* ---- pages ---- */

uint64_t pagemap_read(int fd, uint64_t address, uint64_t *entries, uint64_t room) {
    long got = sys_pread(fd, entries, room * sizeof *entries, address / TRACE_PAGE * sizeof *entries);
    return got > 0 && got % (long)sizeof *entries == 0 ? (uint64_t)got / sizeof *entries : 0;
}

/* PAGEMAP_SCAN of Linux 6.7, <linux/fs.h>. */
struct scan {
    uint64_t size, flags, start, end, walk_end, stretches, stretch_count, most_pages;
    uint64_t inverted, all_of, any_of, wanted; /* of the kinds of pages */
};
#define SCAN_PRESENT (1u << 3)
#define SCAN _IOWR('f', 16, struct scan)

long pagemap_stretches(int fd, uint64_t start, uint64_t end, struct pagemap_stretch out[PAGEMAP_STRETCHES],
                       uint64_t *looked) {
    struct scan scan = {.size = sizeof scan,
                        .start = start,
                        .end = end,
                        .stretches = (uintptr_t)out,
                        .stretch_count = PAGEMAP_STRETCHES,
                        .all_of = SCAN_PRESENT,
                        .wanted = SCAN_PRESENT};
    long count = sys_ioctl(fd, SCAN, &scan);
    *looked = scan.walk_end;
    return count >= 0 && (scan.walk_end <= start || scan.walk_end > end) ? -EINVAL : count;
}

/* ---- how much of our own is there ---- */

struct own_count {
    int fd;
    bool shared;
    uint64_t pages;
};

/* Pages in the page cache count too; three times as slow as the page map where nothing is. */
static void count_in_core(struct own_count *count, struct sys_range range) {
    uint8_t in_core[OWN_AT_ONCE * sizeof(uint64_t)];
    for (uint64_t at = range.start, length; at < range.end; at += length) {
        length = range.end - at < sizeof in_core * TRACE_PAGE ? range.end - at : sizeof in_core * TRACE_PAGE;
        if (sys_mincore(at, length, in_core)) return; /* it has just been unmapped */
        for (uint64_t i = 0; i < length / TRACE_PAGE; i++) count->pages += in_core[i] & 1;
    }
}

static void count_range(void *argument, struct sys_range range) {
    struct own_count *count = argument;
    uint64_t entries[OWN_AT_ONCE];
    while (range.start < range.end && count->fd >= 0) {
        uint64_t left = (range.end - range.start) / TRACE_PAGE;
        uint64_t read = pagemap_read(count->fd, range.start, entries, left < OWN_AT_ONCE ? left : OWN_AT_ONCE);
        if (read == 0) break;
        for (uint64_t i = 0; i < read; i++) count->pages += pagemap_is_resident(entries[i], count->shared);
        range.start += read * TRACE_PAGE;
    }
    count_in_core(count, range);
}

static void count_on_stack(void *argument) {
    struct own_count *count = argument;
    struct pagemap map = pagemap_take();
    count->fd = map.fd;
    sys_each_memory(count_range, count);
    pagemap_give(map);
}

uint64_t pagemap_own(bool shared) {
    struct own_count count = {.shared = shared};
    stacks_call(count_on_stack, &count);
    return count.pages * TRACE_PAGE;
}

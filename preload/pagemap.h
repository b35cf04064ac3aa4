/*
 * What the kernel says of our process's pages (/proc/self/pagemap; kernel: Documentation/admin-guide/mm/pagemap.rst). A
 * page costs about 40 ns, one that is not there 4 ns.
 *
 * The file is opened for each use; before the target becomes another user, who may not open it, one is kept. Signals
 * blocked; the callers see to it that one thread at a time uses what is here.
 */
#ifndef PRELOAD_PAGEMAP_H
#define PRELOAD_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>

/* A fresh trace: what the parent of a fork kept shows the parent's pages. */
void pagemap_start(void);

/*
 * Around a call that may take the right to see our own pages away: the descriptor that pagemap_before opened (-1: none)
 * is kept by pagemap_after if that has become so, else closed.
 */
int pagemap_before(void);
void pagemap_after(int fd);
/* The one that is kept, -1: none. */
int pagemap_kept(void);

/* One to read from, to be given back. fd: below 0 where nobody can tell. */
struct pagemap {
    int fd;
    bool opened; /* else it is the one that is kept */
};
struct pagemap pagemap_take(void);
void pagemap_give(struct pagemap map);

/* The entries of the pages at an address, `room` at most. How many; 0: nobody can tell. */
uint64_t pagemap_read(int fd, uint64_t address, uint64_t *entries, uint64_t room);

/*
 * Resident, as the kernel counts it: a page of zeros that was only read is present too, but nobody's, and shows as
 * neither of a file nor mapped here alone. `shared`: other processes may share our anonymous pages (after a fork), so
 * that these can't be told from pages of zeros.
 */
static inline bool pagemap_is_resident(uint64_t entry, bool shared) {
    const uint64_t present = 1ull << 63, of_file = 1ull << 61, exclusive = 1ull << 56;
    return entry & present && (shared || entry & (of_file | exclusive));
}

/*
 * Stretches of pages that are there, from `start` on, and how far the kernel looked. -errno, of kernels before 6.7
 * -ENOTTY.
 */
enum { PAGEMAP_STRETCHES = 64 }; /* at once */
struct pagemap_stretch {
    uint64_t start, end, kinds;
};
long pagemap_stretches(int fd, uint64_t start, uint64_t end, struct pagemap_stretch out[PAGEMAP_STRETCHES],
                       uint64_t *looked);

/*
 * Bytes resident of the library and of its memory, but for files; 0 where nobody can tell. Some ns for each page of
 * room.
 */
uint64_t pagemap_own(bool shared);

#endif

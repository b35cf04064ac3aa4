/*
 * Which loaded object an address belongs to, and which one it belonged to before a dlclose.
 *
 * A module is one loading of one object: loaded again, even at the same address, it gets a new id. Found through
 * _dl_find_object (lock-free, async-signal-safe, glibc >= 2.35); the ELF headers are read from the mapping. New modules
 * are written to the journal, so a MODULE record precedes the first stack node that names it.
 */
#ifndef PRELOAD_MODULES_H
#define PRELOAD_MODULES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module {
    uint32_t id; /* from 1; 0 = none */
    bool gone;
    uintptr_t start, end;     /* mapped range, end exclusive */
    const void *eh_frame_hdr; /* PT_GNU_EH_FRAME, or NULL */
    size_t eh_frame_hdr_length;
    uintptr_t tables_start, tables_end; /* readable segment that holds eh_frame_hdr and, as linkers do it, .eh_frame */
};

/* Starts empty, for a fresh trace (process start, or child of fork: ids begin again). Returns 0 or -errno. */
int modules_start(void);

/* The live module that holds `ip`, or NULL. Hot callers cache the answer for modules_epoch(). Async-signal-safe. */
const struct module *modules_find(uintptr_t ip);
const struct module *modules_by_id(uint32_t id);

/* Grows by one whenever a known module has gone; anything cached under an older epoch must be looked up again. */
extern _Atomic uint32_t modules_epoch_now __attribute__((visibility("hidden")));
static inline uint32_t modules_epoch(void) { return atomic_load_explicit(&modules_epoch_now, memory_order_acquire); }

/* Looks again at every known module; writes MODULE_GONE for those that went. After dlclose, and at samples. */
void modules_sweep(void);

/*
 * Finds every module loaded now, so that the trace has them even where no stack touches them. Asks libc, which may take
 * the loader's locks: for the constructor only.
 */
void modules_scan(void);

/* The same in the child of a fork, where those locks may be held by nobody any more: what the parent knew. */
void modules_inherit(void);

/*
 * The name under which the loader knows the object that holds `address`, or NULL: what dladdr(3) finds without looking
 * through its symbols.
 */
const char *modules_name(uintptr_t address);

#endif

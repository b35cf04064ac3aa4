/*
 * The path of an event: guard, unwind, stamp, ring. The rules for everything that runs here are at the top of probe.c.
 */
#ifndef PRELOAD_PROBE_H
#define PRELOAD_PROBE_H

#include "../include/trace_format.h"
#include "lock.h"
#include "unwind.h"

#include <stdatomic.h>
#include <stdbool.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum probe_on { PROBE_EVENTS = 1, PROBE_BIRTHS = 2 }; /* births are off while paused */

/*
 * What every event asks, alone in a page that the kernel wipes in the child of any fork (MADV_WIPEONFORK): a child
 * finds `on` zero by the same load that tells whether to record, without asking for its pid.
 */
struct probe_page {
    _Atomic uint32_t on;
    _Atomic uint32_t alive;     /* this memory belongs to the process that is recorded, or shares it (vfork) */
    struct lock beginning;      /* of who starts the recording here */
    _Atomic bool many;          /* a second thread has events */
    _Atomic uint64_t next_tick; /* stamp at which a hook must call tick(); UINT64_MAX: somebody else ticks */
};
extern union probe_state {
    struct probe_page page;
    char bytes[4096];
} probe_state __attribute__((visibility("hidden")));

/* Before the program forbids to read the cycle counter: stamps are counted from now on. */
void probe_count_stamps(void);

/* The frame that called the hook in which this is used; hooks are compiled with frame pointers. */
#define PROBE_REGISTERS()                                                                                              \
    ((struct unwind_registers){(uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_frame_address(0) + 16,     \
                               *(uintptr_t *)__builtin_frame_address(0)})

/* An event without stack; word 2 only where the kind has it. Returns its stamp, 0 when it was not recorded. */
uint64_t probe_event(enum trace_event_kind kind, uint64_t operand, uint64_t value);

/* Memory events: `births` are not recorded while paused. */
void probe_birth(enum trace_event_kind kind, uint8_t flags, const void *address, uint64_t size,
                 const struct unwind_registers *registers);
/* What an allocator's function gave; NULL: it failed. */
void probe_block(const void *block, uint64_t size, const struct unwind_registers *registers);
void probe_death(enum trace_event_kind kind, const void *address);
/* An event with stack and size that is recorded even while paused: the other half of one that was. */
void probe_sized(enum trace_event_kind kind, uint8_t flags, const void *address, uint64_t size,
                 const struct unwind_registers *registers);

/*
 * For an event under the edges' lock: the calling thread is known, and its ring has room, so that the event waits for
 * nobody. False where it can't be.
 */
bool probe_prepare(void);

/* The calling thread's own allocations between these two are the recorder's and are not recorded. */
uintptr_t probe_ignore(void);
void probe_heed(uintptr_t before);

/* Is this thread inside a hook, i.e. are we in a signal handler that interrupted one? */
bool probe_interrupted(void);

/* Turns recording on (bits of enum probe_on) or off (0). */
void probe_switch(uint32_t on);

/* From now on blocks may change hands: who made them is kept, so that no thread takes another's block for its own. */
void probe_threads_began(void);
/*
 * Only the calling thread is left, and its ring is empty: what it frees in frames to come, it made or finds nowhere in
 * them.
 */
void probe_threads_ended(void);
bool probe_threads_many(void);

/* Prepares the page; false when forks could not be told apart (then children stay dormant). */
bool probe_start(void);

#endif

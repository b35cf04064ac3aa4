/*
 * Call stacks: from the registers at a hook to an id in the stack trie.
 *
 * The walk uses unwind rules read once per return address from .eh_frame and reuses the thread's previous stack where
 * it is provably unchanged; what it can't do it leaves to libunwind, and what that can't do becomes a partial stack
 * with its flag. All functions but unwind_start are async-signal-safe, allocate nothing, take no lock, keep errno, and
 * use under 256 bytes of the caller's stack outside the libunwind fallback, which runs on a stack of its own.
 */
#ifndef PRELOAD_UNWIND_H
#define PRELOAD_UNWIND_H

#include <stddef.h>
#include <stdint.h>

/*
 * Registers of the frame that called the hook: where it continues, its stack pointer then (the CFA of the hook), its
 * frame pointer.
 */
struct unwind_registers {
    uintptr_t ip, sp, bp;
};

/* What a thread keeps between stacks. unwind_thread_size() bytes of zeroed memory, owned by the thread. */
struct unwind_thread;

struct unwind_counters {
    uint64_t stacks;    /* captured */
    uint64_t fallbacks; /* left to libunwind */
    uint64_t partial;   /* outermost frames unknown */
    uint64_t cut;       /* left frames out, by the depth limit */
    uint64_t checked;   /* compared with libunwind */
    uint64_t different; /* compared and not equal */
};

/*
 * Opens libunwind (dlopen, RTLD_LOCAL); may allocate; called once from the constructor. Without it fallbacks become
 * partial.
 */
void unwind_open_reference(void);

/*
 * Per process image or fork child. depth: most frames kept. check: compare every check-th stack, 0 = never. 0 or
 * -errno.
 */
int unwind_start(unsigned depth, unsigned check);

size_t unwind_thread_size(void);

/*
 * A thread's state before its first stack; may be called again when the memory is reused for another thread. The
 * counters go on until unwind_start, so their sum over all memory ever used is that of the process.
 */
void unwind_thread_start(struct unwind_thread *thread);

/*
 * The stack above the hook as a trie id; 0 when nothing is known. No other capture with the same state may be under
 * way.
 */
uint32_t unwind_capture(struct unwind_thread *thread, const struct unwind_registers *registers);

/* A longjmp may have left a capture half done: the next one relies on nothing. */
void unwind_abandon(struct unwind_thread *thread);

void unwind_thread_counters(const struct unwind_thread *thread, struct unwind_counters *out);

#endif

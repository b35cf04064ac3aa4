/*
 * The recorder's constitution. Everything reachable from a hook obeys it:
 *
 *  1. No malloc, no stdio, no dlsym, no libc lock; only sys.h, and libc's pure string functions. errno stays untouched.
 *  2. The order is fixed: who am I (one TLS load) → guard → is recording on → stack → stamp → ring → guard off.
 *     Nothing is stamped before the guard is set; a death is stamped before the real call, a birth after it.
 *  3. A hook that finds the guard set runs in a signal handler that interrupted a hook: it uses the nested unwinder
 *     and the nested queue, takes no lock, drains nothing; with the queue full it is a hook of a thread of its own, on
 *     a spare ring. If its stack pointer is above the guard's the interrupted hook was left by longjmp and the guard
 *     is stale.
 *  4. Whoever takes a lock has all signals blocked. Locks are never held across a real function of the target.
 *  5. After fork nothing of the parent is used: the page below is wiped, and the first hook in the child starts anew.
 *  6. An event is committed by one release store of the ring's head, after its words.
 *  7. When anything fails recording stops for good, the loss is counted, the target goes on.
 */
#include "probe.h"

#include "edges.h"
#include "lifecycle.h"
#include "machine_x86_64.h"
#include "stamp.h"
#include "thread.h"
#include "tick.h"
#include "writer.h"

#include <sys/mman.h>

/* The kernel wipes anonymous pages only, so not one of libtrace.so's file (libtrace.ld). */
union probe_state probe_state __attribute__((aligned(4096), section(".bss.wiped")));

struct call {
    struct thread *thread; /* NULL: do not record */
    bool nested;
};

static const uint8_t event_words[256] = {
#define TRACE_EVENT(name, value, words, text) [value] = words,
#include "../include/trace_records.def"
};

bool probe_start(void) { return sys_madvise(&probe_state, sizeof probe_state, MADV_WIPEONFORK) == 0; }

void probe_switch(uint32_t on) { atomic_store_explicit(&probe_state.page.on, on, memory_order_release); }

/* ---- owners ---- */

/*
 * Who made the block at an address, or released it last, as far as a table can hold it. A thread that frees a block
 * finds its own entry only if it made the block last; one that gets a block finds its own release only if nobody had
 * the address since: everybody stores an entry before the block, or its memory, can change hands. A lost entry costs a
 * few bytes in the trace and a look at the clock, never a wrong pair.
 *
 * A MiB of addresses has a sixteenth of the table to itself, so that threads with heaps of their own seldom meet in a
 * cache line. Place and entry together say the whole address (as far as it says anything), and the thread by a number:
 * that of a thread which has ended may be given anew, since all that it did is older than what its successor does.
 */
enum { OWNERS_LOG = 20, OWNER_REGION_LOG = 20, OWNER_SETS = 16 };
static _Atomic uint32_t *owners;

struct owner {
    _Atomic uint32_t *slot;
    uint32_t entry; /* of one who released it; OWNER_MADE more for one who made it */
};
enum { OWNER_MADE = 1 << 7, OWNER_ODD = 1 << 8, OWNER_TAG_SHIFT = 9 };
_Static_assert(THREAD_NUMBERS == OWNER_MADE, "a number has the bits below");

static inline struct owner owner_of(const struct thread *thread, uint64_t address) {
    uint32_t region = (uint32_t)(address >> OWNER_REGION_LOG), tag = region / OWNER_SETS;
    uint32_t set = (region ^ (tag * 0x9e3779b1u) >> 28) % OWNER_SETS;
    uint32_t unit = (uint32_t)(address >> 4) % (1u << (OWNERS_LOG - 4));
    uint32_t odd = address & 8 ? OWNER_ODD : 0;
    return (struct owner){&owners[set << (OWNERS_LOG - 4) | unit], tag << OWNER_TAG_SHIFT | odd | thread->number};
}

/* No block of a usual allocator, and none that a place and an entry can say. */
static inline bool is_strange(uint64_t address) { return address & 7 || address >> 47; }

static inline bool is_many(void) { return atomic_load_explicit(&probe_state.page.many, memory_order_relaxed); }
bool probe_threads_many(void) { return atomic_load_explicit(&probe_state.page.many, memory_order_acquire); }

/*
 * Whether the entry was the thread's own, and as `before`; it becomes `after`. Relaxed: the program's own hand-over of
 * the block orders these accesses.
 */
static inline bool swap_owner(const struct thread *thread, uint64_t address, uint32_t before, uint32_t after) {
    if (unlikely(!owners || is_strange(address))) return false;
    struct owner owner = owner_of(thread, address);
    bool mine = atomic_load_explicit(owner.slot, memory_order_relaxed) == owner.entry + before && thread->number;
    atomic_store_explicit(owner.slot, owner.entry + after, memory_order_relaxed);
    return mine;
}

/* Whether no other thread had the address since the caller released it. */
static inline bool own(const struct thread *thread, uint64_t address) {
    return likely(!is_many()) || swap_owner(thread, address, 0, OWNER_MADE);
}

/*
 * Where threads take turns, each finds the cache full of what the others did: the head of the block, which the
 * allocator reads next, and the ring are fetched while the entry of the block's owner is.
 */
static inline void fetch_ahead(const struct thread *thread, uint64_t address) {
    const unsigned words_ahead = 64;
    __builtin_prefetch((const char *)address - 16, 1); // NOLINT(performance-no-int-to-ptr)
    __builtin_prefetch(&thread->ring[(thread->head + words_ahead) & (THREAD_RING_WORDS - 1)], 1);
}

/* Whether the caller made the block that it releases now. */
static inline bool disown(const struct thread *thread, uint64_t address) {
    if (likely(!is_many())) return true;
    fetch_ahead(thread, address);
    return swap_owner(thread, address, OWNER_MADE, 0);
}

/* A thread that was alone made no entries: what is there is of old. */
void probe_threads_began(void) {
    const size_t size = sizeof *owners << OWNERS_LOG;
    if (!owners) owners = sys_memory(size);
    else if (sys_madvise(owners, size, MADV_DONTNEED) != 0) owners = NULL;
    atomic_store_explicit(&probe_state.page.many, true, memory_order_release);
}

void probe_threads_ended(void) { atomic_store_explicit(&probe_state.page.many, false, memory_order_release); }

/* ---- stamps ---- */

/*
 * Reading the clock costs more than all else here, and the order of what one thread does is the order of its ring:
 * events on blocks that no other thread touched since the last reading count on from it, a cycle each, which is less
 * than they take; a few of them, in bursts, and none across an edge. (A thread that is alone learns of another before
 * it can get anything from it: the other sets `many` before its first event.)
 */
enum { STAMP_FOLLOWERS = 15, STAMP_BURST = 1 << 15 /* cycles between two readings: about 10 us */ };

/* The turn is read first: an edge made before it is older than the stamp. */
static __attribute__((noinline)) uint64_t read_stamp(struct thread *t) {
    uint32_t turn = atomic_load_explicit(t->turn, memory_order_acquire);
    uint64_t stamp = stamp_now();
    bool burst = stamp - t->stamp < STAMP_BURST && likely(!stamp_clock.counted);
    t->stamp_turn = turn;
    t->stamp_followers = burst ? STAMP_FOLLOWERS : 0;
    return t->stamp = stamp;
}

static inline uint64_t event_stamp(struct thread *t, bool private) {
    if (!private || !t->stamp_followers || atomic_load_explicit(t->turn, memory_order_relaxed) != t->stamp_turn)
        return read_stamp(t);
    t->stamp_followers--;
    return ++t->stamp;
}

/* ---- entering ---- */

/* Room also for handlers that interrupt this one before it has queued its event. */
static bool nested_has_room(const struct thread *t) {
    const uint64_t reserve = 16 * TRACE_EVENT_MAX_WORDS;
    return atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_NESTED), memory_order_relaxed) + reserve <=
           TRACE_NESTED_WORDS;
}

/* The hook that set the guard was left, and all that interrupted it: this one takes its place. */
static void abandon(struct thread *thread, uintptr_t sp) {
    thread_set_guard(thread, sp);
    for (unsigned i = 0; i < THREAD_UNWINDERS; i++) {
        unwind_abandon(thread->unwind[i]);
        atomic_store_explicit(&thread->unwinds[i], false, memory_order_relaxed);
    }
}

/* The guard is set. Another use of this thread's stack below it is a signal handler; above it, the guard is stale. */
static __attribute__((noinline)) struct call enter_guarded(struct thread *thread, uintptr_t sp) {
    if (thread_guard(thread) == THREAD_IGNORE) return (struct call){NULL, false};
    bool abandoned =
        sp >= thread_guard(thread) && sp - thread_guard(thread) < THREAD_STACK_SPAN && !sys_on_alternate_stack();
    if (abandoned) abandon(thread, sp);
    if (abandoned || nested_has_room(thread)) return (struct call){thread, !abandoned};
    struct thread *spare = thread_spare(thread);
    if (!spare) return (struct call){thread, true};
    if (thread_guard(spare)) return enter_guarded(spare, sp);
    thread_set_guard(spare, sp);
    atomic_signal_fence(memory_order_seq_cst);
    return (struct call){spare, false};
}

enum { ATTACH_TRIES = 16, ATTACH_AGAIN_NS = 10000000 };

/* Where there is no room for a ring, looking for it at each event would stop the target. */
static struct thread *try_attach(void) {
    static _Atomic uint64_t again_ns;
    struct thread *thread = NULL;
    if (sys_monotonic() < atomic_load_explicit(&again_ns, memory_order_relaxed)) return NULL;
    /* A target that closes descriptors it does not know takes ours between any two steps; it can't do so for long. */
    for (int tries = 0; !thread && tries < ATTACH_TRIES && !file_error(); tries++) thread = thread_attach();
    if (!thread) atomic_store_explicit(&again_ns, sys_monotonic() + ATTACH_AGAIN_NS, memory_order_relaxed);
    return thread;
}

static __attribute__((noinline)) struct thread *attach(void) {
    uint64_t signals = signals_block();
    struct thread *thread = try_attach();
    signals_restore(signals);
    if (!thread) writer_count_lost(1);
    return thread;
}

static inline bool is_on(uint32_t wanted) {
    return atomic_load_explicit(&probe_state.page.on, memory_order_relaxed) & wanted;
}

/*
 * What is wanted is asked behind the guard: a handler may have forked before it, and in the child this is the parent's
 * struct. With the guard set, the child is made fit for the rest of the hook (lifecycle_forked).
 */
static inline bool guard_while_on(struct thread *thread, uint32_t wanted, uintptr_t sp) {
    thread_set_guard(thread, sp);
    atomic_signal_fence(memory_order_seq_cst);
    if (likely(is_on(wanted))) return true;
    thread_set_guard(thread, 0);
    return false;
}

static inline struct call enter(uint32_t wanted, uintptr_t sp) {
    for (;;) {
        if (unlikely(!is_on(wanted)) && !lifecycle_wake(wanted)) return (struct call){NULL, false};
        struct thread *thread = thread_self;
        if (unlikely(!thread) && !(thread = attach())) return (struct call){NULL, false};
        if (unlikely(thread_guard(thread))) return enter_guarded(thread, sp);
        if (likely(guard_while_on(thread, wanted, sp))) return (struct call){thread, false};
    }
}

/* The same for nearly all events; false: not one of them. */
static inline bool enter_quickly(struct thread *thread, uint32_t wanted, uintptr_t sp) {
    return likely(thread && !thread_guard(thread)) && guard_while_on(thread, wanted, sp);
}

/* ---- ring ---- */

static inline void publish(struct thread *t, uint64_t head) {
    t->head = head;
    /* Release: pairs with the acquire of whoever drains or recovers the ring. */
    atomic_store_explicit(thread_field(t, TRACE_SLOT_AT_HEAD), head, memory_order_release);
}

static inline uint64_t *ring_word(const struct thread *t, uint64_t at) {
    return &t->ring[at & (THREAD_RING_WORDS - 1)];
}

static void put_words(struct thread *t, const uint64_t *words, unsigned count) {
    for (unsigned i = 0; i < count; i++) *ring_word(t, t->head + i) = words[i];
    publish(t, t->head + count);
}

/*
 * In the nested queue: no event, but so many words. Whoever walks it passes over them, also when the process dies now.
 */
static void put_gap(volatile uint64_t *queue, unsigned words) { queue[0] = (uint64_t)words << 16; }

static void remove_nested(volatile uint64_t *event, unsigned words) {
    put_gap(event, words);
    for (unsigned i = 1; i < words; i++) event[i] = 0;
}

/* Moves what signal handlers queued into the ring. The guard is set, so handlers that come now queue behind. */
static __attribute__((noinline)) void flush_nested(struct thread *t) {
    uint64_t *queue = (uint64_t *)(t->control + TRACE_SLOT_AT_NESTED_WORDS);
    uint64_t at = 0, seen;
    do {
        seen = atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_NESTED), memory_order_acquire);
        while (at < seen && at < TRACE_NESTED_WORDS) {
            unsigned count = event_words[queue[at] & 0xff] + (queue[at] >> 8 & TRACE_EVENT_WIDE);
            if (count < 2) { /* removed before, by a flush that a longjmp left, or never written */
                at += queue[at] >> 16 ? queue[at] >> 16 : 1;
                continue;
            }
            if (at + count > TRACE_NESTED_WORDS) break;
            put_words(t, queue + at, count);
            remove_nested(queue + at, count);
            at += count;
            t->stamp_followers = 0; /* what comes now is later */
        }
        /* The queue is emptied only if no handler added to it since. */
    } while (!atomic_compare_exchange_strong_explicit(thread_field(t, TRACE_SLOT_AT_NESTED), &seen, 0,
                                                      memory_order_acq_rel, memory_order_acquire));
}

static inline bool has_nested(struct thread *t) {
    return atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_NESTED), memory_order_relaxed) != 0;
}

static void put_nested(struct thread *t, uint64_t *words, unsigned count) {
    uint64_t at = atomic_fetch_add_explicit(thread_field(t, TRACE_SLOT_AT_NESTED), count, memory_order_acq_rel);
    if (at + count > TRACE_NESTED_WORDS) {
        atomic_fetch_sub_explicit(thread_field(t, TRACE_SLOT_AT_NESTED), count, memory_order_acq_rel);
        writer_count_lost(1);
        return;
    }
    uint64_t *queue = (uint64_t *)(t->control + TRACE_SLOT_AT_NESTED_WORDS) + at;
    words[1] = stamp_now();
    put_gap(queue, count);
    for (unsigned i = count; i-- > 0;)
        ((volatile uint64_t *)queue)[i] = words[i]; /* word 0 last: it makes the event valid */
}

/*
 * Full ring, or time for a sample: off the hot path, signals held back. An edge holds the lock that whoever drains
 * takes last: its ring waits for the next event.
 */
static __attribute__((noinline)) void slow(struct thread *t, uint64_t stamp) {
    uint64_t signals = signals_block();
    if (t->head > t->limit && !edge_is_mine()) {
        atomic_store_explicit(&t->away, true, memory_order_release);
        writer_ring_filled(t);
        atomic_store_explicit(&t->away, false, memory_order_release);
    }
    if (stamp >= atomic_load_explicit(&probe_state.page.next_tick, memory_order_relaxed)) tick();
    signals_restore(signals);
}

/* While the guard is set handlers queue their events; those that came before it was cleared are ours to move. */
static inline void leave(struct thread *t, uint64_t stamp) {
    if (unlikely(t->head > t->limit ||
                 stamp >= atomic_load_explicit(&probe_state.page.next_tick, memory_order_relaxed)))
        slow(t, stamp);
    for (;;) {
        atomic_signal_fence(memory_order_seq_cst);
        thread_set_guard(t, 0);
        atomic_signal_fence(memory_order_seq_cst);
        if (likely(!has_nested(t))) return;
        thread_set_guard(t, machine_stack_pointer());
        atomic_signal_fence(memory_order_seq_cst);
        flush_nested(t);
    }
}

/*
 * The stamp of an event that comes now, taken when no handler's event waits that is older. `private`: the event is on
 * memory that no other thread had since this one's last event.
 */
static inline uint64_t stamp_in_order(struct thread *t, bool private) {
    for (;;) {
        uint64_t stamp = event_stamp(t, private);
        atomic_signal_fence(memory_order_seq_cst);
        if (likely(!has_nested(t))) return stamp;
        flush_nested(t);
    }
}

/* Fills in words[1], and returns it. */
static __attribute__((noinline)) uint64_t commit(struct call call, uint64_t *words, unsigned count, bool private) {
    struct thread *t = call.thread;
    if (call.nested) {
        put_nested(t, words, count);
        return words[1];
    }
    words[1] = stamp_in_order(t, private);
    put_words(t, words, count);
    leave(t, words[1]);
    return words[1];
}

/* The two shapes that nearly all events have, without a detour through memory. */
static inline void commit_death(struct thread *t, uint64_t first, bool private) {
    uint64_t stamp = stamp_in_order(t, private), head = t->head;
    *ring_word(t, head) = first;
    *ring_word(t, head + 1) = stamp;
    publish(t, head + 2);
    leave(t, stamp);
}
static inline void commit_birth(struct thread *t, uint64_t first, uint64_t third, bool private) {
    uint64_t stamp = stamp_in_order(t, private), head = t->head;
    *ring_word(t, head) = first;
    *ring_word(t, head + 1) = stamp;
    *ring_word(t, head + 2) = third;
    publish(t, head + 3);
    leave(t, stamp);
}

static inline uint64_t first_word(enum trace_event_kind kind, uint8_t flags, uint64_t operand) {
    return (uint64_t)kind | (uint64_t)flags << 8 | operand << (64 - TRACE_EVENT_OPERAND_BITS);
}

static inline bool is_block(enum trace_event_kind kind) {
    return kind == TRACE_EVENT_ALLOC || kind == TRACE_EVENT_REALLOC_IN || kind == TRACE_EVENT_REALLOC_FAIL;
}

/* Large blocks, breaks and what signal handlers do; its words are kept off the stack of the others. */
static __attribute__((noinline)) void commit_rare(struct call call, uint64_t first, uint64_t size, uint32_t stack,
                                                  bool private) {
    bool wide = size > UINT32_MAX || (first & 0xff) == TRACE_EVENT_BREAK;
    if (wide) first |= (uint64_t)TRACE_EVENT_WIDE << 8;
    uint64_t words[TRACE_EVENT_MAX_WORDS] = {first, 0, (uint64_t)stack << 32 | (wide ? 0 : size), size};
    commit(call, words, 3 + wide, private);
}

/* For a handler that interrupted a hook; 0 in one that interrupted too many of them. */
static __attribute__((noinline)) uint32_t capture_nested(struct thread *t, const struct unwind_registers *registers) {
    for (unsigned i = 1; i < THREAD_UNWINDERS; i++) {
        if (atomic_exchange_explicit(&t->unwinds[i], true, memory_order_relaxed)) continue;
        atomic_signal_fence(memory_order_seq_cst);
        uint32_t stack = unwind_capture(t->unwind[i], registers);
        atomic_signal_fence(memory_order_seq_cst);
        atomic_store_explicit(&t->unwinds[i], false, memory_order_relaxed);
        return stack;
    }
    return 0;
}

/* One frame less on the target's stack (tests/programs/stack_use.c). */
static inline __attribute__((always_inline)) void commit_sized(struct call call, enum trace_event_kind kind,
                                                               uint8_t flags, const void *address, uint64_t size,
                                                               const struct unwind_registers *registers) {
    struct thread *t = call.thread;
    uint32_t stack = call.nested ? capture_nested(t, registers) : unwind_capture(t->unwind[0], registers);
    bool private = is_block(kind) && own(t, (uintptr_t)address);
    if (unlikely(!stack)) flags |= TRACE_EVENT_NO_STACK;
    uint64_t first = first_word(kind, flags, (uintptr_t)address);
    if (likely(size <= UINT32_MAX && kind != TRACE_EVENT_BREAK && !call.nested))
        commit_birth(t, first, (uint64_t)stack << 32 | size, private);
    else commit_rare(call, first, size, stack, private);
}

void probe_birth(enum trace_event_kind kind, uint8_t flags, const void *address, uint64_t size,
                 const struct unwind_registers *registers) {
    struct call call = enter(PROBE_BIRTHS, registers->sp);
    if (call.thread) commit_sized(call, kind, flags, address, size, registers);
}

/* Nearly all births, with what every other one needs left to it. */
void probe_block(const void *block, uint64_t size, const struct unwind_registers *registers) {
    struct thread *t = thread_self;
    if (unlikely(!block || size > UINT32_MAX || !enter_quickly(t, PROBE_BIRTHS, registers->sp))) {
        probe_birth(TRACE_EVENT_ALLOC, block ? 0 : TRACE_EVENT_FAILED, block, size, registers);
        return;
    }
    uint32_t stack = unwind_capture(t->unwind[0], registers);
    uint8_t flags = likely(stack) ? 0 : TRACE_EVENT_NO_STACK;
    bool private = own(t, (uintptr_t)block);
    commit_birth(t, first_word(TRACE_EVENT_ALLOC, flags, (uintptr_t)block), (uint64_t)stack << 32 | size, private);
}

void probe_sized(enum trace_event_kind kind, uint8_t flags, const void *address, uint64_t size,
                 const struct unwind_registers *registers) {
    struct call call = enter(PROBE_EVENTS, registers->sp);
    if (call.thread) commit_sized(call, kind, flags, address, size, registers);
}

static __attribute__((noinline)) void commit_odd_death(enum trace_event_kind kind, const void *address, uintptr_t sp) {
    struct call call = enter(PROBE_EVENTS, sp);
    if (!call.thread) return;
    bool own = disown(call.thread, (uintptr_t)address);
    uint64_t first = first_word(kind, own ? 0 : TRACE_EVENT_FOREIGN, (uintptr_t)address);
    commit(call, (uint64_t[2]){first, 0}, 2, own);
}

void probe_death(enum trace_event_kind kind, const void *address) {
    struct thread *t = thread_self;
    uintptr_t sp = machine_stack_pointer();
    if (unlikely(!enter_quickly(t, PROBE_EVENTS, sp))) {
        commit_odd_death(kind, address, sp);
        return;
    }
    bool own = disown(t, (uintptr_t)address);
    commit_death(t, first_word(kind, own ? 0 : TRACE_EVENT_FOREIGN, (uintptr_t)address), own);
}

uint64_t probe_event(enum trace_event_kind kind, uint64_t operand, uint64_t value) {
    struct call call = enter(PROBE_EVENTS, machine_stack_pointer());
    if (!call.thread) return 0;
    uint64_t words[TRACE_EVENT_MAX_WORDS] = {first_word(kind, 0, operand), 0, value, 0};
    return commit(call, words, event_words[kind], false);
}

void probe_count_stamps(void) {
    stamp_count();
    if (probe_state.page.next_tick != UINT64_MAX) atomic_store(&probe_state.page.next_tick, 0);
}

bool probe_prepare(void) {
    struct call call = enter(PROBE_EVENTS, machine_stack_pointer());
    if (call.thread && !call.nested) leave(call.thread, 0);
    return call.thread;
}

/* ---- the recorder's own allocations ---- */

uintptr_t probe_ignore(void) {
    if (!thread_self && !attach()) return 0;
    uintptr_t before = thread_guard(thread_self);
    thread_set_guard(thread_self, THREAD_IGNORE);
    return before;
}

void probe_heed(uintptr_t before) {
    if (thread_self) thread_set_guard(thread_self, before);
}

bool probe_interrupted(void) { return thread_self && thread_guard(thread_self) > THREAD_IGNORE; }

/*
 * Threads come and go (thread.h). A thread's end is seen by a pthread key, late: the destructor asks to be called again
 * in every round that POSIX grants, since other destructors still allocate. Even then the struct is reused only when
 * the kernel knows the thread no more.
 */
#include "thread.h"

#include "append.h"
#include "journal.h"
#include "machine_x86_64.h"
#include "probe.h"
#include "stamp.h"
#include "text.h"
#include "writer.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>

__thread struct thread *thread_self __attribute__((tls_model("initial-exec"), visibility("hidden")));

static struct {
    struct lock lock;
    struct thread *_Atomic first;
    uint32_t serials, structs;
    _Atomic unsigned ending;
} threads;

static pthread_key_t end_key;
static bool has_end_key;

struct thread *threads_first(void) {
    return atomic_load_explicit(&threads.first, memory_order_acquire);
}
bool threads_many(void) { return probe_threads_many(); }

bool thread_is_alive(const struct thread *thread) {
    return atomic_load_explicit(&thread->state, memory_order_acquire) != THREAD_FREE &&
           sys_tgkill(sys_getpid(), atomic_load_explicit(&thread->tid, memory_order_relaxed), 0) != -ESRCH;
}

/* Not a spare struct of another. */
static bool is_living_thread(const struct thread *thread) {
    return atomic_load_explicit(&thread->state, memory_order_acquire) != THREAD_SPARE && thread_is_alive(thread);
}

unsigned threads_alive(void) {
    unsigned count = 0;
    for (struct thread *t = threads_first(); t; t = t->next) count += is_living_thread(t);
    return count;
}

static void put_end(struct thread *thread) {
    uint8_t body[24];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, thread->serial);
    wire_put_varint(&w, stamp_now());
    journal_put(TRACE_RECORD_THREAD_END, body, (size_t)(w.at - body));
}

static void put_name(struct thread *thread) {
    uint8_t body[32];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, thread->serial);
    wire_put_string(&w, thread->name, strlen(thread->name));
    journal_put(TRACE_RECORD_THREAD_NAME, body, (size_t)(w.at - body));
}

static void note_name(struct thread *thread, const char *name) {
    if (strncmp(thread->name, name, sizeof thread->name) == 0) return;
    size_t length = strnlen(name, sizeof thread->name - 1);
    memcpy(thread->name, name, length);
    memset(thread->name + length, 0, sizeof thread->name - length);
    put_name(thread);
}

/* Runs in the ending thread, once per round of key destructors. */
static void on_end(void *pointer) {
    struct thread *thread = pointer;
    if (thread != thread_self) return;
    if (++thread->key_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(end_key, thread);
        return;
    }
    uint64_t signals = signals_block();
    char name[16] = "";
    lock_take(&threads.lock);
    if (sys_prctl(PR_GET_NAME, (unsigned long)name) == 0) note_name(thread, name);
    lock_give(&threads.lock);
    for (struct thread *t = thread, *spare; t; t = spare) {
        spare = t->spare; /* the struct is given away below */
        put_end(t);
        atomic_store_explicit(&t->state, THREAD_ENDING, memory_order_release);
        atomic_fetch_add_explicit(&threads.ending, 1, memory_order_relaxed);
    }
    signals_restore(signals);
}

void threads_start(void) {
    memset(&threads, 0, sizeof threads);
    /* A low key costs no allocation in pthread_setspecific; a high one would, so it is done without. */
    if (!has_end_key && pthread_key_create(&end_key, on_end) == 0) {
        has_end_key = end_key < 32;
        if (!has_end_key) pthread_key_delete(end_key);
    }
}

static void rename_thread(struct thread *t) {
    char path[64], name[17];
    if (!thread_is_alive(t)) return;
    struct text text = text_into(path, sizeof path);
    text_put(&text, "/proc/self/task/");
    text_put_number(&text, (uint64_t)t->tid);
    text_put(&text, "/comm");
    int fd = sys_open(path, 0, 0);
    long got = fd < 0 ? 0 : sys_read(fd, name, sizeof name - 1);
    if (fd >= 0) sys_close(fd);
    if (got <= 0) return;
    name[got - 1] = 0;
    note_name(t, name);
}

void threads_rename(void) {
    for (struct thread *t = threads_first(); t; t = t->next) {
        lock_take(&threads.lock);
        rename_thread(t);
        lock_give(&threads.lock);
    }
}

/* ---- attaching ---- */

/* An ending thread's struct whose thread the kernel no longer knows. Its own id can only be a dead thread's. */
static struct thread *find_ended(int tid) {
    if (!atomic_load_explicit(&threads.ending, memory_order_relaxed)) return NULL;
    for (struct thread *t = threads_first(); t; t = t->next) {
        if (atomic_load_explicit(&t->state, memory_order_acquire) != THREAD_ENDING) continue;
        if (t->tid == tid || !thread_is_alive(t)) return t;
    }
    return NULL;
}

static void reset_slot(struct thread *thread) {
    _Atomic uint32_t *owner = (_Atomic uint32_t *)thread->control;
    atomic_store_explicit(owner, 0, memory_order_release);
    atomic_store_explicit(thread_field(thread, TRACE_SLOT_AT_NESTED), 0, memory_order_relaxed);
    atomic_store_explicit(thread_field(thread, TRACE_SLOT_AT_HEAD), 0, memory_order_relaxed);
    atomic_store_explicit(thread_field(thread, TRACE_SLOT_AT_TAIL), 0, memory_order_relaxed);
    atomic_store_explicit(owner + TRACE_SLOT_AT_HURRY / sizeof *owner, 0, memory_order_relaxed);
    atomic_store_explicit(owner + TRACE_SLOT_AT_PLAIN / sizeof *owner, 0, memory_order_relaxed);
    atomic_store_explicit(owner + 1, (uint32_t)thread->tid, memory_order_relaxed);
    atomic_store_explicit(owner, thread->serial, memory_order_release);
}

static struct thread *make(void) {
    size_t unwind = (unwind_thread_size() + 63) & ~(size_t)63, head = (sizeof(struct thread) + 63) & ~(size_t)63;
    size_t all = (head + THREAD_UNWINDERS * unwind + TRACE_PAGE - 1) & ~(size_t)(TRACE_PAGE - 1);
    uint8_t *memory = sys_memory(all);
    if (!memory) return NULL;
    struct thread *thread = (struct thread *)memory;
    for (unsigned i = 0; i < THREAD_UNWINDERS; i++)
        thread->unwind[i] = (struct unwind_thread *)(memory + head + i * unwind);
    if (file_slot(TRACE_FRAME_SLOT_RING, 0, TRACE_SLOT_CONTROL + THREAD_RING_WORDS * 8, &thread->slot) != 0) {
        sys_munmap(memory, all);
        return NULL;
    }
    thread->control = thread->slot.memory;
    thread->ring = (uint64_t *)(thread->slot.memory + TRACE_SLOT_CONTROL);
    thread->number = ++threads.structs < THREAD_NUMBERS ? threads.structs : 0;
    thread->next = threads_first();
    atomic_store_explicit(&threads.first, thread, memory_order_release);
    return thread;
}

static void put_thread(struct thread *thread) {
    uint8_t body[64];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, thread->serial);
    wire_put_varint(&w, (uint64_t)thread->tid);
    wire_put_varint(&w, thread->first_stamp);
    wire_put_string(&w, thread->name, strlen(thread->name));
    journal_put(TRACE_RECORD_THREAD, body, (size_t)(w.at - body));
}

static bool begin(struct thread *thread, int tid) {
    thread->tid = tid;
    thread->serial = ++threads.serials;
    thread_set_guard(thread, 0);
    thread->head = 0;
    atomic_store_explicit(&thread->away, false, memory_order_relaxed);
    thread->limit = writer_limit(0);
    thread->stamp_followers = 0;
    thread->turn = header_half(file_header(), TRACE_AT_EDGES + TRACE_EDGES_AT_TURN);
    thread->key_rounds = 0;
    thread->spare = NULL;
    thread->first_stamp = stamp_now();
    memset(thread->name, 0, sizeof thread->name);
    sys_prctl(PR_GET_NAME, (unsigned long)thread->name);
    for (unsigned i = 0; i < THREAD_UNWINDERS; i++) {
        unwind_thread_start(thread->unwind[i]);
        atomic_store_explicit(&thread->unwinds[i], false, memory_order_relaxed);
    }
    if (!writer_ring_lock(thread)) return false;
    reset_slot(thread);
    writer_ring_unlock(thread);
    atomic_store_explicit(&thread->state, THREAD_ACTIVE, memory_order_release);
    put_thread(thread);
    return true;
}

static bool is_drained(const struct thread *thread) {
    return thread_head(thread) == atomic_load_explicit(thread_field(thread, TRACE_SLOT_AT_TAIL), memory_order_relaxed);
}

static bool is_alone(const struct thread *self) {
    for (struct thread *t = threads_first(); t; t = t->next)
        if (t != self && is_living_thread(t)) return false;
    return true;
}

static void note_many(bool many) {
    atomic_store_explicit(header_half(file_header(), TRACE_AT_MANY), many, memory_order_release);
    if (many) probe_threads_began();
    else probe_threads_ended();
}

/* Also what threads that are gone left in their rings: blocks of theirs went from hand to hand. */
static bool drain_all(void) {
    for (struct thread *t = threads_first(); t; t = t->next) {
        writer_drain_thread(t);
        if (!is_drained(t)) return false;
    }
    return true;
}

/*
 * What is drained from then on keeps no stamps to order it. The lock keeps new threads from their first event until it
 * is settled. A thread with a spare has two rings, so it is never alone.
 */
void threads_settle(struct thread *self) {
    if (!threads_many() || self->spare || !is_alone(self)) return;
    lock_take(&threads.lock);
    if (is_alone(self) && drain_all()) {
        self->stamp_followers = 0; /* older than what the others did */
        note_many(false);
    }
    lock_give(&threads.lock);
}

struct thread *thread_attach(void) {
    int tid = sys_gettid();
    lock_take(&threads.lock);
    struct thread *ended = find_ended(tid);
    if (ended) {
        writer_drain_thread(ended);
        /* What could not be drained would be lost with the reset: leave that ring as it is and take another. */
        if (!is_drained(ended)) ended = NULL;
    }
    struct thread *thread = ended ? ended : make();
    if (thread && !begin(thread, tid)) thread = NULL;
    if (thread && thread == ended) atomic_fetch_sub_explicit(&threads.ending, 1, memory_order_relaxed);
    if (thread && thread->serial > 1 && !threads_many()) {
        note_many(true);
        writer_threads_began();
    }
    lock_give(&threads.lock);
    if (!thread) return NULL;
    thread_self = thread;
    if (has_end_key) {
        thread_set_guard(thread, THREAD_IGNORE);
        pthread_setspecific(end_key, thread);
        thread_set_guard(thread, 0);
    }
    return thread;
}

static struct thread *make_spare(int tid) {
    struct thread *spare = make();
    if (!spare || !begin(spare, tid)) return NULL;
    atomic_store_explicit(&spare->state, THREAD_SPARE, memory_order_release);
    if (!threads_many()) note_many(true);
    return spare;
}

/* No lock is held by what was interrupted: who takes one has signals blocked. */
struct thread *thread_spare(struct thread *thread) {
    if (thread->spare) return thread->spare;
    uint64_t signals = signals_block();
    lock_take(&threads.lock);
    thread->spare = make_spare(thread->tid);
    lock_give(&threads.lock);
    signals_restore(signals);
    return thread->spare;
}

/*
 * Draining from outside (attended.h). Nothing is touched without its lock, and after a lock is taken the recorder is
 * asked again whether it still wants us. The target may die or stop while it holds a lock: then we wait a little and
 * leave.
 */
#include "attended.h"

#include "../../include/trace_wire.h"
#include "../append.h"
#include "../drain.h"
#include "../journal.h"
#include "../machine_x86_64.h"
#include "../shared_lock.h"
#include "sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_WAITS = 40, EDGE_TRIES = 1000, LOOK_EVERY_MS = 200 };

struct slot {
    uint8_t *memory;
    uint64_t length, first;
};
struct slots {
    struct slot *all;
    size_t count;
};

struct attended {
    int fd;
    uint8_t *header;
    uint64_t seen; /* frames below are known */
    struct slots rings, nodes, journals;
    struct drain *drain;
    struct drain_host host;
    struct sampler sampler;
    uint64_t filled; /* of all rings, at the last look */
    atomic_bool stop;
    int error;
};

static _Atomic uint32_t *half(const struct attended *t, enum trace_header_offset at) {
    return header_half(t->header, at);
}

static bool is_wanted(const struct attended *t) {
    return atomic_load_explicit(half(t, TRACE_AT_WRITER), memory_order_acquire) == TRACE_WRITER_ATTACHED &&
           !atomic_load_explicit(&t->stop, memory_order_relaxed);
}

/* ---- locks ---- */

static bool take(const struct attended *t, _Atomic uint32_t *word) {
    bool mine = shared_lock_try(word, TRACE_HOLDER_WRITER);
    for (unsigned waits = 0; !mine && waits < LOCK_WAITS && is_wanted(t); waits++)
        mine = shared_lock_wait(word, TRACE_HOLDER_WRITER);
    if (mine && !is_wanted(t)) {
        shared_lock_give(word);
        mine = false;
    }
    return mine;
}

/* ---- slots ---- */

static int add_slot(struct attended *t, struct slots *slots, const struct trace_frame *frame, uint64_t offset) {
    struct slot *grown = reallocarray(slots->all, slots->count + 1, sizeof *grown);
    if (!grown) return -ENOMEM;
    slots->all = grown;
    void *memory = mmap(NULL, frame->stored_length, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, (off_t)offset);
    if (memory == MAP_FAILED) return -errno;
    slots->all[slots->count++] = (struct slot){memory, frame->stored_length, frame->first};
    return 0;
}

static bool note_frame(void *self, const struct trace_frame *frame, uint64_t offset) {
    struct attended *t = self;
    struct slots *slots = frame->kind == TRACE_FRAME_SLOT_RING      ? &t->rings
                          : frame->kind == TRACE_FRAME_SLOT_NODES   ? &t->nodes
                          : frame->kind == TRACE_FRAME_SLOT_JOURNAL ? &t->journals
                                                                    : NULL;
    if (!slots) return true;
    t->error = add_slot(t, slots, frame, offset + TRACE_FRAME_SIZE);
    return !t->error;
}

static void look_for_slots(struct attended *t) {
    t->seen = append_walk(t->header, t->fd, t->seen, note_frame, t);
    if (t->journals.count) t->host.journal = t->journals.all[0].memory;
}

static void release_slots(struct slots *slots) {
    for (size_t i = 0; i < slots->count; i++) munmap(slots->all[i].memory, slots->all[i].length);
    free(slots->all);
}

/* ---- what a drain asks for ---- */

static int host_lock(void *self) {
    struct attended *t = self;
    return take(t, half(t, TRACE_AT_LOCK)) ? 0 : -EAGAIN;
}

static void host_unlock(void *self) { shared_lock_give(half(self, TRACE_AT_LOCK)); }

static int host_append(void *self, struct trace_frame *frame, const void *payload) {
    struct attended *t = self;
    int error = append_frame(t->header, t->fd, frame, payload);
    return error ? error : append_index(t->header, t->fd, true);
}

static const uint8_t *host_node(void *self, uint32_t id) {
    const struct attended *t = self;
    for (size_t i = 0; i < t->nodes.count; i++) {
        const struct slot *slot = &t->nodes.all[i];
        if (id >= slot->first && id - slot->first < slot->length / TRACE_NODE_SIZE)
            return slot->memory + (id - slot->first) * TRACE_NODE_SIZE;
    }
    return NULL;
}

static bool is_written(struct attended *t, uint32_t id) {
    const uint8_t *node = host_node(t, id);
    if (!node) look_for_slots(t);
    if (!node && !(node = host_node(t, id))) return false;
    return atomic_load_explicit((const _Atomic uint64_t *)(node + TRACE_NODE_AT_IP), memory_order_acquire);
}

/*
 * Ids are dense and given out by writing their nodes. All that an event of a ring refers to are written, also in a slot
 * that we don't know yet.
 */
static uint32_t host_nodes(void *self) {
    struct attended *t = self;
    uint32_t id = atomic_load_explicit(half(t, TRACE_AT_NODES_DRAINED), memory_order_relaxed);
    while (is_written(t, id)) id++;
    return id;
}

/* Stamps of edges in the header's page, by a turn that was even and the same before and after. */
static long copy_edges(const uint8_t *page, uint64_t first, uint64_t *out) {
    const volatile uint64_t *stamps = (const volatile uint64_t *)(page + TRACE_EDGES_AT_STAMPS);
    uint64_t count = *(const volatile uint64_t *)(page + TRACE_EDGES_AT_COUNT);
    uint64_t oldest = count > TRACE_EDGES ? count - TRACE_EDGES : 0, at = count;
    while (at > oldest && stamps[(at - 1) % TRACE_EDGES] >= first) at--;
    if (at == oldest && oldest) return -EOVERFLOW;
    long copied = 0;
    for (; at < count; at++) out[copied++] = stamps[at % TRACE_EDGES];
    return copied;
}

static long host_edges(void *self, uint64_t first, uint64_t *out) {
    const struct attended *t = self;
    uint8_t *page = t->header + TRACE_AT_EDGES;
    _Atomic uint32_t *turn = header_half(page, TRACE_EDGES_AT_TURN);
    for (unsigned tries = 0; tries < EDGE_TRIES; tries++) {
        uint32_t before = atomic_load_explicit(turn, memory_order_acquire);
        long count = before % 2 ? -EAGAIN : copy_edges(page, first, out);
        atomic_thread_fence(memory_order_acquire);
        if (before % 2 == 0 && atomic_load_explicit(turn, memory_order_relaxed) == before) return count;
        machine_pause();
    }
    return -EAGAIN;
}

/* ---- draining ---- */

static uint64_t tail_of(const struct slot *ring) {
    return atomic_load_explicit((const _Atomic uint64_t *)(ring->memory + TRACE_SLOT_AT_TAIL), memory_order_acquire);
}

static uint64_t waiting(const struct slot *ring) {
    const _Atomic uint64_t *head = (const _Atomic uint64_t *)(ring->memory + TRACE_SLOT_AT_HEAD);
    uint64_t emptied = tail_of(ring);
    uint64_t filled = atomic_load_explicit(head, memory_order_acquire);
    return filled > emptied ? filled - emptied : 0;
}

static uint64_t words_of(const struct slot *ring) { return (ring->length - TRACE_SLOT_CONTROL) / sizeof(uint64_t); }

/* What can't be done now is done next time. */
static void keep_error(struct attended *t, int error) {
    if (error && error != -EAGAIN) t->error = error;
}

static void drain_one(struct attended *t, const struct slot *ring) {
    _Atomic uint32_t *lock = (_Atomic uint32_t *)(ring->memory + TRACE_SLOT_AT_LOCK);
    if (!take(t, lock)) return;
    keep_error(t, drain_ring(t->drain, &t->host, ring->memory, words_of(ring)));
    shared_lock_give(lock);
}

/*
 * All, or those that are half full: a quarter, for a writer that is `busy` anyway (writer_drain_filled). Returns
 * whether room was made.
 */
static bool drain_rings(struct attended *t, bool all, bool busy) {
    bool drained = false;
    for (size_t i = 0; i < t->rings.count && !t->error && is_wanted(t); i++) {
        const struct slot ring = t->rings.all[i]; /* there may be more when it is drained */
        uint64_t least = all ? 1 : words_of(&ring) / (busy ? 4 : 2), before = tail_of(&ring);
        if (waiting(&ring) >= least) drain_one(t, &ring);
        drained |= tail_of(&ring) != before;
    }
    if (all && !t->error && is_wanted(t)) keep_error(t, drain_shared(t->drain, &t->host));
    return drained;
}

static bool drain_round(struct attended *t, bool busy) {
    struct timespec before, after;
    uint32_t asked = atomic_load_explicit(half(t, TRACE_AT_ASKED), memory_order_acquire);
    bool all = asked != atomic_load_explicit(half(t, TRACE_AT_ANSWERED), memory_order_relaxed);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    look_for_slots(t);
    bool drained = drain_rings(t, all, busy);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    int64_t spent = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
    atomic_fetch_add_explicit(header_word(t->header, TRACE_AT_CPU), (uint64_t)spent, memory_order_relaxed);
    if (all && !t->error && is_wanted(t))
        atomic_store_explicit(half(t, TRACE_AT_ANSWERED), asked, memory_order_release);
    return drained;
}

/* ---- sampling ---- */

static uint64_t filled_so_far(const struct attended *t) {
    uint64_t sum = 0;
    for (size_t i = 0; i < t->rings.count; i++)
        sum += atomic_load_explicit((const _Atomic uint64_t *)(t->rings.all[i].memory + TRACE_SLOT_AT_HEAD),
                                    memory_order_relaxed);
    return sum;
}

/* A clock record, as the target puts one each second while it makes calls. */
static size_t take_clock(uint64_t stamp, uint8_t body[SAMPLER_BODY_MAX]) {
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME};
    struct wire_writer w = wire_writer(body, SAMPLER_BODY_MAX);
    wire_put_varint(&w, stamp);
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct timespec now = {0, 0};
        clock_gettime(clocks[i], &now);
        wire_put_varint(&w, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    }
    return (size_t)(w.at - body);
}

/* Behind all that the target has put in its journal so far: records are read in the order of the file. */
static int put_sample(struct attended *t) {
    uint8_t body[SAMPLER_BODY_MAX], record[2 * (SAMPLER_BODY_MAX + 8)];
    int error = drain_shared(t->drain, &t->host);
    size_t length = error ? 0 : sampler_take(&t->sampler, t->host.stamp(), body);
    if (!length || (error = host_lock(t)) != 0) return error;
    struct wire_writer w = wire_writer(record, sizeof record);
    wire_put_varint(&w, TRACE_RECORD_MEMORY);
    wire_put_string(&w, (const char *)body, length);
    wire_put_varint(&w, TRACE_RECORD_CLOCK);
    wire_put_string(&w, (const char *)body, take_clock(t->host.stamp(), body));
    uint32_t stored = (uint32_t)(w.at - record);
    struct trace_frame frame = {
        .kind = TRACE_FRAME_RECORDS, .raw_length = stored, .stored_length = stored, .count = 1}; /* not the journal's */
    frame.first_stamp = frame.last_stamp = t->host.stamp();
    error = host_append(t, &frame, record);
    host_unlock(t);
    return error;
}

/* What adds events samples itself, in its hooks. */
static void sample(struct attended *t, unsigned passed_ms) {
    uint64_t filled = filled_so_far(t);
    bool active = filled != t->filled;
    t->filled = filled;
    if (active) sampler_wait(&t->sampler);
    else if (sampler_look(&t->sampler, passed_ms)) keep_error(t, put_sample(t));
}

/* In another PID namespace its number is not ours to know; then we leave too early, which does no harm. */
static bool has_gone(const struct attended *t) { return kill(t->sampler.pid, 0) != 0 && errno == ESRCH; }

/* A target that makes no system call any more (lifecycle_shut_in) only counts its bell, which wakes nobody. */
static bool rang_unheard(const struct attended *t, uint32_t heard) {
    return atomic_load_explicit(half(t, TRACE_AT_BELL), memory_order_acquire) != heard;
}

/* Whoever rings unheard is looked for soon again, and less often the longer it is still. */
void attended_serve(struct attended *t) {
    unsigned patience_ms = LOOK_EVERY_MS;
    for (bool busy = false; is_wanted(t) && !t->error;) {
        uint32_t bell = atomic_load_explicit(half(t, TRACE_AT_BELL), memory_order_acquire);
        busy = drain_round(t, busy);
        if (!is_wanted(t) || t->error) break;
        unsigned wait_ms = patience_ms < t->sampler.wait_ms ? patience_ms : t->sampler.wait_ms;
        const struct timespec wait = {0, (long)wait_ms * 1000000};
        if (busy || sys_futex_wait_shared(half(t, TRACE_AT_BELL), bell, &wait) != -ETIMEDOUT) continue;
        if (has_gone(t)) break;
        if (rang_unheard(t, bell)) patience_ms = 1;
        else if (patience_ms < LOOK_EVERY_MS) patience_ms *= 2;
        sample(t, wait_ms);
    }
}

void attended_stop(struct attended *t) {
    atomic_store_explicit(&t->stop, true, memory_order_relaxed);
    atomic_fetch_add_explicit(half(t, TRACE_AT_BELL), 1, memory_order_release);
    sys_futex_wake_shared(half(t, TRACE_AT_BELL), INT32_MAX);
}

/* ---- coming and going ---- */

static bool is_ours(const uint8_t *header, const uint8_t run_id[16]) {
    struct wire_reader major = wire_reader(header + TRACE_AT_MAJOR, 2);
    return memcmp(header, TRACE_MAGIC, sizeof TRACE_MAGIC - 1) == 0 && wire_get_u16(&major) == TRACE_VERSION_MAJOR &&
           memcmp(header + TRACE_AT_RUN_ID, run_id, 16) == 0;
}

static int map_header(int fd, uint8_t **out) {
    struct stat status;
    if (fstat(fd, &status) != 0) return -errno;
    if (!S_ISREG(status.st_mode)) return -EPROTO;
    if (status.st_size < (off_t)TRACE_HEADER_SIZE) return -EAGAIN;
    void *memory = mmap(NULL, TRACE_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return -errno;
    *out = memory;
    return 0;
}

static int make_drain(struct attended *t) {
    t->drain = sys_memory(drain_size());
    return t->drain ? drain_init(t->drain, t->header[TRACE_AT_LEVEL]) : -ENOMEM;
}

/* The lock on the file tells the recorder that we live; it comes first. */
static int attach(struct attended *t, const uint8_t run_id[16]) {
    int error = map_header(t->fd, &t->header);
    if (error || !t->header) return error;
    uint32_t state = atomic_load_explicit(half(t, TRACE_AT_STATE), memory_order_acquire);
    if (!state) return -EAGAIN;
    if (state != TRACE_STATE_OPEN || !is_ours(t->header, run_id)) return -EPROTO;
    if (flock(t->fd, LOCK_EX | LOCK_NB) != 0) return -errno;
    error = make_drain(t);
    if (error) return error;
    uint32_t wanted = TRACE_WRITER_WANTED;
    return atomic_compare_exchange_strong_explicit(half(t, TRACE_AT_WRITER), &wanted, TRACE_WRITER_ATTACHED,
                                                   memory_order_acq_rel, memory_order_relaxed)
               ? 0
               : -EPERM;
}

int attended_open(const char *path, const uint8_t run_id[16], unsigned sample_ms, struct attended **out) {
    struct attended *t = calloc(1, sizeof *t);
    if (!t) return -ENOMEM;
    t->seen = TRACE_HEADER_SIZE;
    sampler_begin(&t->sampler, path, sample_ms);
    t->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int error = t->fd < 0 ? -errno : attach(t, run_id);
    if (error) {
        attended_close(t);
        return error;
    }
    t->host = (struct drain_host){.header = t->header,
                                  .lock = host_lock,
                                  .unlock = host_unlock,
                                  .append = host_append,
                                  .edges = host_edges,
                                  .node = host_node,
                                  .nodes = host_nodes,
                                  .stamp = machine_stamp,
                                  .self = t};
    t->sampler.pid = (int)atomic_load_explicit(half(t, TRACE_AT_PID), memory_order_relaxed);
    *out = t;
    return 0;
}

void attended_close(struct attended *t) {
    uint32_t attached = TRACE_WRITER_ATTACHED;
    if (t->host.self)
        atomic_compare_exchange_strong_explicit(half(t, TRACE_AT_WRITER), &attached, TRACE_WRITER_NONE,
                                                memory_order_acq_rel, memory_order_relaxed);
    sampler_end(&t->sampler);
    release_slots(&t->rings);
    release_slots(&t->nodes);
    release_slots(&t->journals);
    if (t->header) munmap(t->header, TRACE_HEADER_SIZE);
    if (t->fd >= 0) close(t->fd);
    if (t->drain) sys_munmap(t->drain, drain_size());
    free(t);
}

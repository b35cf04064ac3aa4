/*
 * The trace file (file.h). Our descriptor sits at a high number in the target's table, and since the target may close
 * or reuse any number, it is checked by device and inode before each use and the file is reopened by path if needed.
 */
#include "file.h"

#include "../include/trace_wire.h"
#include "append.h"
#include "beside.h"
#include "config.h"
#include "deflate.h"
#include "helper.h"
#include "journal.h"
#include "lock.h"
#include "text.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2
#endif
enum { DESCRIPTOR_WANTED = 1000, FEW_DESCRIPTORS = 64, MOST_DESCRIPTORS = 1 << 16 };

/* The target may close our descriptor between the look at it and its use. */
enum { CLOSED_TRIES = 4 };

/*
 * What every trace begins with: the journal, the first stack nodes, the first thread's ring, each on a page of its own
 * after the page that ends with its frame's header.
 */
#define SLOT(length) (TRACE_PAGE + (length))
#define FIRST_SLOTS                                                                                                    \
    (SLOT(TRACE_SLOT_CONTROL + JOURNAL_BYTES_MAX) + SLOT(TRACE_NODES_PER_SLOT * TRACE_NODE_SIZE) +                     \
     SLOT(TRACE_SLOT_CONTROL + THREAD_RING_WORDS * 8))

_Static_assert(TRACE_HEADER_SIZE + FIRST_SLOTS <= TRACE_HEADER_MOST, "they may become header");

static struct {
    struct lock lock;
    uint8_t *header;
    uint64_t ahead; /* mapped behind the header and reserved, for the first slots */
    uint64_t slots; /* all below is header and first slots */
    bool absorbed;  /* and has become header */
    int fds[2];     /* in the target's descriptor table, in the helper thread's own */
    bool frugal;    /* the target has few descriptors to spend: none is kept, each use opens the file */
    dev_t device;
    ino_t inode;
    int error;
    char path[CONFIG_PATH];
} file = {.fds = {-1, -1}};

uint8_t *file_header(void) { return file.header; }
const char *file_path(void) { return file.path; }
int file_error(void) { return file.error; }

static void header_put(enum trace_header_offset at, uint64_t value, unsigned width) {
    struct wire_writer w = wire_writer(file.header + at, width);
    wire_put_fixed(&w, value, width);
}

int file_lock(void) {
    lock_take(&file.lock);
    if (!file.header || beside_take(header_half(file.header, TRACE_AT_LOCK))) return 0;
    lock_give(&file.lock);
    return -ETIMEDOUT;
}

void file_unlock(void) {
    if (file.header) beside_give(header_half(file.header, TRACE_AT_LOCK));
    lock_give(&file.lock);
}

/* ---- descriptor ---- */

static bool is_ours(int fd) {
    struct stat status;
    return sys_fstat(fd, &status) == 0 && status.st_dev == file.device && status.st_ino == file.inode;
}

int file_move_high(int fd) {
    uint64_t soft = DESCRIPTOR_WANTED + 1, hard;
    sys_prlimit(RLIMIT_NOFILE, &soft, &hard);
    uint64_t wanted = soft > DESCRIPTOR_WANTED ? DESCRIPTOR_WANTED : soft - (soft > 1);
    for (; wanted > 8; wanted /= 2) {
        int high = sys_fcntl(fd, F_DUPFD_CLOEXEC, (long)wanted);
        if (high < 0) continue;
        sys_close(fd);
        return high;
    }
    return fd;
}

/* A descriptor that is surely the trace, or -EBADF. */
static int descriptor(bool may_open) {
    int *known = &file.fds[helper_is_me()];
    if (*known >= 0 && is_ours(*known)) return *known;
    if (!may_open) return -EMFILE;
    int fd = sys_open(file.path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) return fd == -EMFILE || fd == -ENFILE ? fd : -EBADF;
    if (!is_ours(fd)) {
        sys_close(fd);
        return -EBADF;
    }
    if (!file.frugal || helper_is_me()) *known = fd = file_move_high(fd);
    return fd;
}

/* After a use of descriptor(). */
static void release(int fd) {
    if (fd >= 0 && fd != file.fds[0] && fd != file.fds[1]) sys_close(fd);
}

static bool has_few_descriptors(void) {
    uint64_t soft = FEW_DESCRIPTORS, hard;
    sys_prlimit(RLIMIT_NOFILE, &soft, &hard);
    return soft < FEW_DESCRIPTORS;
}

/* The numbers between the two. Older kernels, and some sandboxes, have no close_range(2). */
static void close_between(int after, int before) {
    if (after + 1 >= before || sys_close_range((unsigned)after + 1, (unsigned)before - 1, 0) == 0) return;
    uint64_t soft = MOST_DESCRIPTORS, hard;
    sys_prlimit(RLIMIT_NOFILE, &soft, &hard);
    for (int fd = after + 1; fd < before && (uint64_t)fd < soft && fd < MOST_DESCRIPTORS; fd++) sys_close(fd);
}

void file_own_descriptors(int also) {
    file.fds[1] = file.fds[0];
    int fd = descriptor(true);
    if (fd < 0) return;
    int low = also >= 0 && also < fd ? also : fd, high = also > fd ? also : fd;
    close_between(-1, low);
    close_between(low, high);
    close_between(high, INT_MAX);
}

/* ---- creation ---- */

/*
 * The name the program was started by: the kernel's, which knows links and scripts but keeps 15 bytes, or the
 * executable's where that is the same name in full.
 */
static void put_executable(struct text *text) {
    char path[CONFIG_PATH], name[16] = "";
    long length = sys_readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    const char *base = text_base(path);
    sys_prctl(PR_GET_NAME, (unsigned long)name);
    bool same = strncmp(base, name, strlen(name)) == 0;
    text_put(text, name[0] && !same && !strchr(name, '/') ? name : base[0] ? base : "unknown");
}

static void put_field(struct text *text, char field) {
    struct utsname names = {0};
    struct timespec now = {0, 0};
    switch (field) {
    case 'p': text_put_number(text, (uint64_t)sys_getpid()); break;
    case 'e': put_executable(text); break;
    case 't':
        sys_clock_gettime(CLOCK_REALTIME, &now);
        text_put_number(text, (uint64_t)now.tv_sec);
        break;
    case 'h':
        sys_uname(&names);
        text_put(text, names.nodename);
        break;
    default: text_put_bytes(text, &field, 1);
    }
}

/* The template's fields filled in; `copy` > 1 stands before a final ".tmk", else at the end. */
static int build_path(const char *template, unsigned copy) {
    struct text text = text_into(file.path, sizeof file.path);
    for (const char *at = template; *at; at++) {
        if (*at == '%' && at[1]) put_field(&text, *++at);
        else text_put_bytes(&text, at, 1);
    }
    if (copy > 1) {
        size_t length = text_length(&text);
        bool suffix = length > 4 && text_equal(text.at - 4, ".tmk");
        if (suffix) text.at -= 4;
        text_put(&text, ".");
        text_put_number(&text, copy);
        if (suffix) text_put(&text, ".tmk");
    }
    return text.full ? -ENAMETOOLONG : 0;
}

static void make_folder(void) {
    char folder[CONFIG_PATH];
    struct text text = text_into(folder, sizeof folder);
    text_put_bytes(&text, file.path, (size_t)(text_base(file.path) - file.path));
    if (folder[0]) sys_mkdir(folder, 0777);
}

static int open_new(const char *template) {
    int fd = -EEXIST;
    for (unsigned copy = 1; fd == -EEXIST && copy < 10000; copy++) {
        int error = build_path(template, copy);
        if (error) return error;
        fd = sys_open(file.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd == -ENOENT) {
            make_folder();
            fd = sys_open(file.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        }
    }
    return fd;
}

/* By the file system, or by a filter on system calls. */
static bool is_unsupported(int error) { return error == -EOPNOTSUPP || error == -ENOSYS || error == -EPERM; }

/* Real blocks for [offset, offset + length): fallocate, else zeros written. */
static int reserve(int fd, uint64_t offset, uint64_t length) {
    uint64_t soft = ~0ull, hard;
    sys_prlimit(RLIMIT_FSIZE, &soft, &hard);
    if (offset + length > soft) return -EFBIG;
    int error = sys_fallocate(fd, 0, offset, length);
    if (!is_unsupported(error)) return error;
    static const uint8_t zeros[TRACE_PAGE];
    for (uint64_t at = 0; at < length; at += sizeof zeros) {
        uint64_t part = length - at < sizeof zeros ? length - at : sizeof zeros;
        long wrote = sys_pwrite(fd, zeros, part, offset + at);
        if (wrote != (long)part) return wrote < 0 ? (int)wrote : -ENOSPC;
    }
    return 0;
}

/* Maps the file with room for the first slots where that can be had, else for the header alone. */
static int map_beginning(int fd) {
    uint64_t length = TRACE_HEADER_SIZE + FIRST_SLOTS;
    if (reserve(fd, 0, length) == 0) file.header = sys_mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    file.ahead = length;
    if (file.header) return 0;
    file.ahead = length = TRACE_HEADER_SIZE;
    int error = sys_ftruncate(fd, 0);
    if (!error) error = reserve(fd, 0, length);
    if (error) return error;
    file.header = sys_mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return file.header ? 0 : -ENOMEM;
}

/* Read ahead, pages that hold nothing yet would only fill memory, a third of a millisecond of a short process. */
static void advise(void *memory, uint64_t length) {
    sys_madvise(memory, length, MADV_DONTFORK);
    sys_madvise(memory, length, MADV_RANDOM);
}

/* 0: none. With less than the first slots and some frames nothing at all would be recorded. */
static uint64_t size_limit(void) {
    const uint64_t least = 2u << 20;
    _Static_assert(TRACE_HEADER_SIZE + FIRST_SLOTS + (256 << 10) <= (2u << 20), "that is no less");
    return config.max_size && config.max_size < least ? least : config.max_size;
}

static void fill_header(bool cycle_stamps) {
    memcpy(file.header, TRACE_MAGIC, 8);
    header_put(TRACE_AT_MAJOR, TRACE_VERSION_MAJOR, 2);
    header_put(TRACE_AT_MINOR, TRACE_VERSION_MINOR, 2);
    header_put(TRACE_AT_HEADER_SIZE, TRACE_HEADER_SIZE, 4);
    memcpy(file.header + TRACE_AT_RUN_ID, config.run.id, sizeof config.run.id);
    header_put(TRACE_AT_PID, (uint32_t)sys_getpid(), 4);
    header_put(TRACE_AT_STAMP_SOURCE, cycle_stamps ? TRACE_STAMP_TSC : TRACE_STAMP_COUNTER, 1);
    header_put(TRACE_AT_POINTER_SIZE, sizeof(void *), 1);
    header_put(TRACE_AT_MAX_SIZE, size_limit(), 8);
    header_put(TRACE_AT_LEVEL, config.level, 1);
    header_put(TRACE_AT_INDEXED, TRACE_HEADER_SIZE, 8);
    header_put(TRACE_AT_NODES_DRAINED, 1, 4);
    append_move_tail(file.header, TRACE_HEADER_SIZE);
    if (cycle_stamps) beside_invite(file.header);
    header_put(TRACE_AT_STATE, TRACE_STATE_OPEN, 4);
}

int file_create(const char *template, bool cycle_stamps) {
    int fd = open_new(template);
    if (fd < 0) return fd;
    sys_fchmod(fd, 0600); /* whatever the umask took away */
    struct stat status;
    int error = sys_fstat(fd, &status);
    if (!error) error = map_beginning(fd);
    if (error) {
        sys_close(fd);
        sys_unlink(file.path);
        return error;
    }
    advise(file.header, file.ahead);
    file.slots = TRACE_HEADER_SIZE;
    file.device = status.st_dev;
    file.inode = status.st_ino;
    file.fds[0] = file.fds[1] = -1;
    file.frugal = has_few_descriptors();
    if (file.frugal) sys_close(fd);
    else file.fds[0] = file_move_high(fd);
    fill_header(cycle_stamps);
    return 0;
}

void file_forget(void) {
    sys_forget_files();
    if (file.fds[0] >= 0 && is_ours(file.fds[0])) sys_close(file.fds[0]);
    memset(&file, 0, sizeof file);
    file.fds[0] = file.fds[1] = -1;
}

/* ---- frames ---- */

static int fail(int error) {
    if (!file.error) file.error = error;
    return error;
}

static int check_limits(uint64_t end) {
    if (file.error) return file.error;
    return file.header ? append_allows(file.header, end) : -EBADF;
}

/* `use` with a descriptor that is surely the trace; the target may close it between the look at it and its use. */
typedef int (*file_use)(void *argument, int fd);
static int with_descriptor(bool may_open, file_use use, void *argument) {
    int error = -EBADF;
    for (int tries = 0; error == -EBADF && tries < CLOSED_TRIES; tries++) {
        int fd = descriptor(may_open);
        if (fd == -EMFILE || fd == -ENFILE) return fd;
        error = fd < 0 ? fd : use(argument, fd);
        release(fd);
    }
    return error ? fail(error) : 0;
}

struct append_job {
    struct trace_frame *frame;
    const void *payload;
};
static int append_at(void *argument, int fd) {
    struct append_job *job = argument;
    return append_frame(file.header, fd, job->frame, job->payload);
}

static int append(struct trace_frame *frame, const void *payload, bool may_open) {
    struct append_job job = {frame, payload};
    int error = check_limits(append_next(file.header ? append_tail(file.header) : 0, frame->stored_length));
    return error ? fail(error) : with_descriptor(may_open, append_at, &job);
}

/*
 * Opening the file takes the lowest descriptor for a moment, which another thread of the target may count on. The
 * helper has a table of its own, so while it runs it is left to reopen a trace that the target has closed.
 */
int file_append_locked(struct trace_frame *frame, const void *payload) {
    return append(frame, payload, helper_is_me() || !helper_runs());
}

static int index_at(void *due, int fd) { return append_index(file.header, fd, due != NULL); }

int file_index(bool due) {
    if (!file.header || file.error) return file.error;
    int error = file_lock();
    if (error) return error;
    error = with_descriptor(helper_is_me() || !helper_runs(), index_at, due ? &file : NULL);
    file_unlock();
    return error;
}

int file_with_descriptor(int (*use)(void *argument, int fd), void *argument) {
    int fd = descriptor(true), result = fd < 0 ? fd : use(argument, fd);
    release(fd);
    return result;
}

/* ---- slots ---- */

/* A frame whose payload is there already, as far as it matters. */
static void put_ahead(const struct trace_frame *frame, uint64_t at) { append_encode(frame, file.header + at); }

/* A pad frame so that the payload of the frame after it begins a page. */
static int pad_to_page(void) {
    uint64_t tail = append_tail(file.header), payload = tail + TRACE_FRAME_SIZE;
    if (payload % TRACE_PAGE == 0) return 0;
    uint64_t start = (payload + TRACE_FRAME_SIZE + TRACE_PAGE - 1) & ~(uint64_t)(TRACE_PAGE - 1);
    static const uint8_t zeros[TRACE_PAGE];
    struct trace_frame pad = {.kind = TRACE_FRAME_PAD};
    pad.raw_length = pad.stored_length = (uint32_t)(start - TRACE_FRAME_SIZE - payload);
    if (start <= file.ahead) {
        pad.crc = deflate_crc(zeros, pad.stored_length);
        put_ahead(&pad, tail);
        append_move_tail(file.header, start - TRACE_FRAME_SIZE);
        return 0;
    }
    return append(&pad, zeros, true); /* a thread without a ring can't wait for the helper */
}

/* Reserves, maps and announces a slot whose payload begins at `payload`. */
static int place_slot(int fd, const struct trace_frame *frame, uint64_t payload, struct file_slot *slot) {
    uint8_t header[TRACE_FRAME_SIZE];
    int error = reserve(fd, payload, frame->stored_length);
    if (error) return error;
    slot->memory = sys_mmap(NULL, frame->stored_length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, payload);
    if (!slot->memory) return -ENOMEM;
    advise(slot->memory, frame->stored_length);
    append_encode(frame, header);
    error = append_bytes(fd, header, sizeof header, payload - TRACE_FRAME_SIZE);
    if (error) {
        sys_munmap(slot->memory, frame->stored_length);
        slot->memory = NULL; /* owners ask it whether they have a slot */
        return error;
    }
    return 0;
}

static int open_and_place(const struct trace_frame *frame, uint64_t payload, struct file_slot *slot) {
    int fd = descriptor(true);
    if (fd < 0) return fd;
    int error = place_slot(fd, frame, payload, slot);
    release(fd);
    return error;
}

static int slot_locked(struct trace_frame *frame, struct file_slot *slot) {
    uint64_t before = file.header ? append_tail(file.header) : 0;
    int error = file.header ? pad_to_page() : -EBADF;
    if (error) return error;
    uint64_t payload = append_tail(file.header) + TRACE_FRAME_SIZE, end = payload + frame->stored_length;
    error = check_limits(end);
    if (error) return error;
    if (end <= file.ahead) {
        slot->memory = file.header + payload;
        put_ahead(frame, payload - TRACE_FRAME_SIZE);
        if (file.slots == before) file.slots = end;
    } else {
        error = open_and_place(frame, payload, slot);
        if (error) return error;
    }
    slot->offset = payload;
    slot->length = frame->stored_length;
    append_move_tail(file.header, end);
    return 0;
}

int file_slot(enum trace_frame_kind kind, uint64_t first, size_t length, struct file_slot *slot) {
    struct trace_frame frame = {
        .kind = (uint16_t)kind, .raw_length = (uint32_t)length, .stored_length = (uint32_t)length, .first = first};
    int error = file_lock();
    if (error) return error;
    error = -EBADF;
    for (int tries = 0; error == -EBADF && tries < CLOSED_TRIES && !file.error; tries++)
        error = slot_locked(&frame, slot);
    file_unlock();
    return error;
}

void file_punch(const struct file_slot *slot) {
    if (file.absorbed && slot->offset < file.slots) return;
    int fd = descriptor(true);
    if (fd >= 0) sys_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, slot->offset, slot->length);
    release(fd);
}

void file_punch_data(const struct file_slot *slot) {
    const struct file_slot data = {NULL, slot->offset + TRACE_SLOT_CONTROL, slot->length - TRACE_SLOT_CONTROL};
    file_punch(&data);
}

int file_reserve(const struct file_slot *slot) {
    int fd = descriptor(true);
    int error = fd < 0 ? fd : sys_fallocate(fd, 0, slot->offset, slot->length);
    /* Where that does not work, punching did not either: the blocks are there still, and in use. */
    if (is_unsupported(error)) error = 0;
    release(fd);
    return error;
}

static void set_state(enum trace_state state) {
    if (file.header)
        atomic_store_explicit((_Atomic uint32_t *)(file.header + TRACE_AT_STATE), state, memory_order_release);
}
/* A closed trace needs no mailbox: its pages go back. */
void file_close(void) {
    const struct file_slot mailbox = {NULL, TRACE_AT_MAILBOX, TRACE_HEADER_SIZE - TRACE_AT_MAILBOX};
    set_state(TRACE_STATE_CLOSED);
    file_punch(&mailbox);
}

/*
 * The slots at its begin become a part of the header, so that all goes back at once: each call costs milliseconds where
 * the file system waits for its log.
 */
void file_close_for_good(void) {
    const struct file_slot slots = {NULL, TRACE_AT_MAILBOX, file.slots - TRACE_AT_MAILBOX};
    atomic_store_explicit(header_half(file.header, TRACE_AT_HEADER_SIZE), (uint32_t)file.slots, memory_order_release);
    set_state(TRACE_STATE_CLOSED);
    file_punch(&slots);
    file.absorbed = true;
}

void file_reopen(void) { set_state(TRACE_STATE_OPEN); }

/*
 * The sender's side of the mailbox (mailbox.h). A number is claimed by compare-and-swap, its slot filled, and `ready`
 * stored with release; it pairs with the recorder's acquire load of `ready`. The recorder's release store of `done`
 * pairs with our acquire loads.
 */
#include "mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../include/trace_wire.h"

#define POLL_NS 1000000

static uint32_t *word_at(const struct mailbox *mailbox, size_t offset) {
    return (uint32_t *)(void *)(mailbox->header + offset);
}

static uint64_t header_field(const struct mailbox *mailbox, size_t offset, unsigned width) {
    struct wire_reader r = wire_reader(mailbox->header + offset, width);
    return wire_get_fixed(&r, width);
}

static bool is_known(const struct mailbox *mailbox) {
    return memcmp(mailbox->header, TRACE_MAGIC, sizeof TRACE_MAGIC - 1) == 0 &&
           header_field(mailbox, TRACE_AT_MAJOR, 2) == TRACE_VERSION_MAJOR &&
           !(header_field(mailbox, TRACE_AT_INCOMPATIBLE, 4) & ~(uint64_t)TRACE_FEATURES_KNOWN);
}

static int open_at(struct mailbox *mailbox, int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) return -errno;
    if (status.st_size < (off_t)TRACE_HEADER_SIZE) return -EPROTO;
    void *memory = mmap(NULL, TRACE_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return -errno;
    mailbox->header = memory;
    int error = !is_known(mailbox) ? -EPROTO : !mailbox_is_live(mailbox) ? -ESHUTDOWN : 0;
    if (error) mailbox_close(mailbox);
    return error;
}

/* Looks before it opens: to open a device can have effects. */
int mailbox_open(struct mailbox *mailbox, const char *path) {
    struct stat status;
    mailbox->header = NULL;
    if (stat(path, &status) != 0) return -errno;
    if (!S_ISREG(status.st_mode)) return -EPROTO;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return -errno;
    int error = open_at(mailbox, fd);
    close(fd);
    return error;
}

void mailbox_close(struct mailbox *mailbox) {
    if (mailbox->header) munmap(mailbox->header, TRACE_HEADER_SIZE);
    mailbox->header = NULL;
}

uint32_t mailbox_pid(const struct mailbox *mailbox) { return (uint32_t)header_field(mailbox, TRACE_AT_PID, 4); }

bool mailbox_is_live(const struct mailbox *mailbox) {
    return __atomic_load_n(word_at(mailbox, TRACE_AT_STATE), __ATOMIC_ACQUIRE) == TRACE_STATE_OPEN;
}

bool mailbox_shares_clock(const struct mailbox *mailbox) {
    return mailbox_now() && header_field(mailbox, TRACE_AT_STAMP_SOURCE, 1) == TRACE_STAMP_TSC;
}

uint64_t mailbox_now(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}

void mailbox_announce(struct mailbox *mailbox) {
    if (mailbox->header)
        __atomic_fetch_add(word_at(mailbox, TRACE_AT_EDGES + TRACE_EDGES_AT_TURN), 2, __ATOMIC_SEQ_CST);
}

static int claim(struct mailbox *mailbox, uint32_t *number) {
    uint32_t *posted = word_at(mailbox, TRACE_AT_MAILBOX_HEAD), *done = word_at(mailbox, TRACE_AT_MAILBOX_TAIL);
    *number = __atomic_load_n(posted, __ATOMIC_RELAXED);
    do {
        if (*number - __atomic_load_n(done, __ATOMIC_ACQUIRE) >= TRACE_MAILBOX_SLOTS) return -EAGAIN;
    } while (!__atomic_compare_exchange_n(posted, number, *number + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return 0;
}

int mailbox_post(struct mailbox *mailbox, enum trace_command command, const char *name, uint32_t flags, uint64_t stamp,
                 uint32_t *number) {
    size_t length = strlen(name);
    uint32_t mine;
    if (!mailbox_shares_clock(mailbox)) stamp = 0;
    if (length > MAILBOX_NAME_MAX) return -EINVAL;
    int error = claim(mailbox, &mine);
    if (error) return error;
    size_t slot = TRACE_AT_MAILBOX + (size_t)(mine % TRACE_MAILBOX_SLOTS) * TRACE_MAILBOX_SLOT_SIZE;
    struct wire_writer w =
        wire_writer(mailbox->header + slot + TRACE_MAIL_AT_COMMAND, TRACE_MAILBOX_SLOT_SIZE - TRACE_MAIL_AT_COMMAND);
    wire_put_u32(&w, command);
    wire_put_u64(&w, stamp);
    wire_put_u32(&w, flags);
    wire_put_u32(&w, (uint32_t)length);
    wire_put_bytes(&w, name, length);
    __atomic_store_n(word_at(mailbox, slot + TRACE_MAIL_AT_READY), mine + 1, __ATOMIC_RELEASE);
    if (number) *number = mine;
    return 0;
}

static bool is_done(const struct mailbox *mailbox, uint32_t number) {
    uint32_t done = __atomic_load_n(word_at(mailbox, TRACE_AT_MAILBOX_TAIL), __ATOMIC_ACQUIRE);
    return (int32_t)(done - number) > 0;
}

int mailbox_wait(const struct mailbox *mailbox, uint32_t number, int64_t timeout_ns) {
    for (int64_t waited = 0; !is_done(mailbox, number); waited += POLL_NS) {
        if (waited >= timeout_ns) return -ETIMEDOUT;
        nanosleep(&(struct timespec){0, POLL_NS}, NULL);
    }
    return 0;
}

/*
 * Tells the traces of a process how it ended (exited.h).
 */
#include "exited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../../include/trace_format.h"
#include "../../include/trace_wire.h"
#include "append.h"
#include "traces.h"
#include "trim.h"

#define RECORD_MAX 128

static uint64_t microseconds(const struct timeval *time) {
    return ((uint64_t)time->tv_sec * 1000000u + (uint64_t)time->tv_usec) * 1000u;
}

static size_t encode_record(const struct ending *ending, uint8_t *out, size_t capacity) {
    uint8_t body[RECORD_MAX];
    struct wire_writer b = wire_writer(body, sizeof body), w = wire_writer(out, capacity);
    wire_put_varint(&b, ending->signaled ? TRACE_EXITED_SIGNAL : TRACE_EXITED_CODE);
    wire_put_varint(&b, (uint64_t)ending->value);
    wire_put_varint(&b, (uint64_t)ending->usage.ru_maxrss * 1024u);
    wire_put_varint(&b, microseconds(&ending->usage.ru_utime));
    wire_put_varint(&b, microseconds(&ending->usage.ru_stime));
    wire_put_varint(&w, TRACE_RECORD_EXITED);
    wire_put_string(&w, (const char *)body, (size_t)(b.at - body));
    return (size_t)(w.at - out);
}

struct append {
    const struct place *place;
    const struct started *started;
    const struct ending *ending;
    int error;
    int count;
};

static int append_to(int fd, const struct ending *ending) {
    uint8_t record[RECORD_MAX];
    return append_records(fd, record, encode_record(ending, record, sizeof record), 1);
}

static void append_if_same_process(void *self, const char *path) {
    struct append *append = self;
    struct trace_identity identity = {0};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int error = fd < 0 ? -errno : trace_identify(fd, &identity);
    bool same =
        !error && identity.pid == (uint32_t)append->started->pid && strcmp(identity.run_id, append->place->run_id) == 0;
    if (same) trim_slots(fd); /* where that fails, the file is larger */
    if (same) error = append_to(fd, append->ending);
    if (same) append->count++;
    if (error) append->error = error;
    if (fd >= 0) close(fd);
}

int exited_append(const struct place *place, const struct started *started, const struct ending *ending) {
    struct append append = {place, started, ending, -ENOENT, 0};
    traces_of_run(place, append_if_same_process, &append);
    return append.count ? 0 : append.error;
}

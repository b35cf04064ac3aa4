/* Samples (memory.h): small parsers over /proc, into journal records. */
#include "memory.h"

#include "journal.h"
#include "probe.h"
#include "stackid.h"
#include "text.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { ROLLUP_SHARE = 100 /* a rollup may cost one part in this of the time */, EDGE_ALLOWANCE = 50000000 /* ns */ };

static struct {
    uint64_t rollup_next_ns;
    uint64_t edges_since_ns, edges_cost_ns;
    uint64_t threads, fds_plus_one; /* as last counted */
} memory;

void memory_start(void) { memset(&memory, 0, sizeof memory); }

/* Reads a small /proc file whole, terminated; 0 when it can't. */
static size_t read_file(const char *path, char *out, size_t capacity) {
    int fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    size_t length = 0;
    while (length < capacity - 1) {
        long got = sys_read(fd, out + length, capacity - 1 - length);
        if (got <= 0) break;
        length += (size_t)got;
    }
    sys_close(fd);
    out[length] = 0;
    return length;
}

static uint64_t next_number(const char **at) {
    uint64_t number = 0;
    while (**at && (**at < '0' || **at > '9')) (*at)++;
    text_number(at, &number);
    return number;
}

uint64_t memory_own_resident(void) {
    uint64_t rings = 0;
    for (struct thread *t = threads_first(); t; t = t->next) {
        uint64_t words = t->head < THREAD_RING_WORDS ? t->head : THREAD_RING_WORDS;
        rings += TRACE_SLOT_CONTROL + words * 8;
    }
    return rings + stackid_memory() + JOURNAL_BYTES_MAX + TRACE_HEADER_SIZE;
}

struct memory_figures memory_sample(bool edge) {
    char text[256];
    uint8_t body[96];
    struct timespec cpu = {0, 0};
    uint64_t stamp = probe_stamp();
    if (!read_file("/proc/self/statm", text, sizeof text)) return (struct memory_figures){0, 0};
    const char *at = text;
    uint64_t vms = next_number(&at) * TRACE_PAGE, rss = next_number(&at) * TRACE_PAGE,
             shared = next_number(&at) * TRACE_PAGE;
    sys_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    struct memory_figures figures = {rss, (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec};
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, stamp);
    wire_put_varint(&w, vms);
    wire_put_varint(&w, rss);
    wire_put_varint(&w, shared);
    wire_put_varint(&w, memory_own_resident());
    wire_put_varint(&w, figures.cpu_ns);
    wire_put_varint(&w, memory.threads);
    wire_put_varint(&w, memory.fds_plus_one);
    wire_put_varint(&w, edge);
    journal_put(TRACE_RECORD_MEMORY, body, (size_t)(w.at - body));
    return figures;
}

void memory_edge(void) {
    uint64_t begin = sys_monotonic();
    if (!memory.edges_since_ns) memory.edges_since_ns = begin;
    if (memory.edges_cost_ns > EDGE_ALLOWANCE + (begin - memory.edges_since_ns) / 100) return;
    memory_sample(true);
    memory.edges_cost_ns += sys_monotonic() - begin;
}

static uint64_t count_entries(const char *folder) {
    int fd = sys_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    uint64_t count = 0;
    char entries[2048];
    for (int got; (got = sys_getdents(fd, entries, sizeof entries)) > 0;)
        for (int at = 0; at < got; at += *(uint16_t *)(entries + at + 16)) count++;
    sys_close(fd);
    return count > 2 ? count - 2 : 0; /* . and .. */
}

static uint64_t field_kb(const char *text, const char *name) {
    const char *at = strstr(text, name);
    if (!at) return 0;
    at += strlen(name);
    return next_number(&at) << 10;
}

static void put_rollup(const char *text, uint64_t stamp, uint64_t cost) {
    uint8_t body[96];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, stamp);
    wire_put_varint(&w, field_kb(text, "\nRss:"));
    wire_put_varint(&w, field_kb(text, "\nPss:"));
    wire_put_varint(&w, field_kb(text, "\nAnonymous:"));
    wire_put_varint(&w, field_kb(text, "\nSwap:"));
    wire_put_varint(&w, field_kb(text, "\nPrivate_Dirty:"));
    wire_put_varint(&w, cost);
    journal_put(TRACE_RECORD_ROLLUP, body, (size_t)(w.at - body));
}

void memory_rollup(void) {
    uint64_t begin = sys_monotonic();
    if (begin < memory.rollup_next_ns) return;
    char text[2048];
    uint64_t stamp = probe_stamp();
    memory.threads = count_entries("/proc/self/task");
    uint64_t fds = count_entries("/proc/self/fd");
    memory.fds_plus_one = fds ? fds : 1; /* our look at it is one of them */
    size_t length = read_file("/proc/self/smaps_rollup", text, sizeof text);
    uint64_t cost = sys_monotonic() - begin;
    if (length) put_rollup(text, stamp, cost);
    memory.rollup_next_ns = begin + (cost * ROLLUP_SHARE > 1000000000u ? cost * ROLLUP_SHARE : 1000000000u);
}

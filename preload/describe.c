/* The PROCESS record (process.h), from /proc and the configuration. Runs once per image, on any stack of 16 KB. */
#include "config.h"
#include "glibc.h"
#include "journal.h"
#include "process.h"
#include "real.h"
#include "sys.h"
#include "text.h"

#include <string.h>
#include <unistd.h>

enum { ARGUMENTS_BYTES = 4096, BODY_BYTES = 8192 };

/*
 * Field 22 of stat, in ticks of 10 ms since boot; the name in field 2 may hold anything, so fields count from its end.
 */
static uint64_t start_time(void) {
    char text[512];
    sys_read_text("/proc/self/stat", text, sizeof text);
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at + 1, ' ');
        if (!at) return 0;
    }
    return at ? text_next_number(&at) * 10000000u : 0;
}

static void put_boot_id(struct wire_writer *w) {
    char text[64];
    uint8_t id[16] = {0};
    sys_read_text("/proc/sys/kernel/random/boot_id", text, sizeof text);
    size_t nibble = 0;
    for (const char *at = text; *at && nibble < 32; at++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, *at);
        if (!digit) continue;
        id[nibble / 2] = (uint8_t)(id[nibble / 2] << 4 | (digit - digits));
        nibble++;
    }
    wire_put_bytes(w, id, sizeof id);
}

static uint64_t ram_bytes(void) {
    struct sysinfo info = {0};
    return sys_sysinfo(&info) ? 0 : (uint64_t)info.totalram * info.mem_unit;
}

static uint64_t cpus(void) {
    char text[256];
    uint64_t count = 0, first, last;
    sys_read_text("/sys/devices/system/cpu/online", text, sizeof text);
    for (const char *at = text; text_number(&at, &first);) {
        last = first;
        if (*at == '-' && (at++, !text_number(&at, &last))) break;
        count += last - first + 1;
        if (*at == ',') at++;
    }
    return count;
}

static void put_link(struct wire_writer *w, const char *link) {
    char path[CONFIG_PATH];
    long length = sys_readlink(link, path, sizeof path);
    wire_put_string(w, path, length > 0 ? (size_t)length : 0);
}

static void put_text(struct wire_writer *w, const char *text) { wire_put_string(w, text, strlen(text)); }

static void put_system(struct wire_writer *w) {
    struct utsname names = {0};
    sys_uname(&names);
    put_text(w, names.nodename);
    put_text(w, names.release);
}

/* As many as fit: a long command line is cut at a whole argument. */
static void put_arguments(struct wire_writer *w) {
    char text[ARGUMENTS_BYTES];
    size_t length = sys_read_text("/proc/self/cmdline", text, sizeof text), count = 0;
    if (wire_room(w) < length + 512) length = 0;
    for (size_t i = 0; i < length; i++) count += !text[i];
    wire_put_varint(w, count);
    for (const char *at = text; count--; at += strlen(at) + 1) put_text(w, at);
}

void process_describe(bool forked, uint64_t split, const char *parent_trace) {
    uint8_t body[BODY_BYTES];
    char link[64];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, (uint64_t)sys_getpid());
    wire_put_varint(&w, (uint64_t)sys_getppid());
    wire_put_varint(&w, start_time());
    wire_put_varint(&w, config.run.execs);
    wire_put_varint(&w, (uint64_t)sys_getuid());
    put_boot_id(&w);
    long length = sys_readlink("/proc/self/ns/pid", link, sizeof link - 1);
    link[length > 0 ? length : 0] = 0;
    wire_put_varint(&w, text_next_number(&(const char *){link}));
    wire_put_varint(&w, cpus());
    wire_put_varint(&w, ram_bytes());
    wire_put_varint(&w, TRACE_PAGE);
    wire_put_varint(&w, config.depth);
    wire_put_varint(&w, config.interval_ns);
    wire_put_varint(&w, (config.start_on ? 0u : 1u) | (forked ? 2u : 0u));
    wire_put_varint(&w, split);
    put_link(&w, "/proc/self/exe");
    put_link(&w, "/proc/self/cwd");
    put_system(&w);
    put_text(&w, gnu_get_libc_version());
    put_text(&w, real_allocator_path());
    put_text(&w, parent_trace);
    put_text(&w, TIDEMARK_VERSION);
    put_arguments(&w);
    if (!w.failed) journal_put(TRACE_RECORD_PROCESS, body, (size_t)(w.at - body));
}

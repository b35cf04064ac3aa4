/*
 * Samples from /proc/PID/statm (sampler.h). The file stays open, and is bound to its process: a number used anew is not
 * taken for it.
 */
#include "sampler.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../include/trace_format.h"
#include "../../include/trace_wire.h"

enum { UNKNOWN = -1, NEVER = -2 };
enum { ACTIVE_MS = 20, LONGEST_MS = 200 };
enum { PAGES = 16, PART = 128 }; /* so many more or fewer, and such a part, are worth a sample */

void sampler_begin(struct sampler *sampler, const char *trace, unsigned least_ms) {
    const char *slash = strrchr(trace, '/');
    *sampler = (struct sampler){
        .trace = slash ? slash + 1 : trace, .statm = UNKNOWN, .wait_ms = ACTIVE_MS, .least_ms = least_ms};
}

void sampler_end(struct sampler *sampler) {
    if (sampler->statm >= 0) close(sampler->statm);
    sampler->statm = NEVER;
}

void sampler_wait(struct sampler *sampler) { sampler->wait_ms = ACTIVE_MS; }

/* In another PID namespace the number is another process's: the target has its trace mapped. */
static bool maps_trace(const struct sampler *sampler) {
    char path[64], line[4096 + 128];
    snprintf(path, sizeof path, "/proc/%d/maps", sampler->pid);
    FILE *maps = fopen(path, "re");
    bool found = false;
    while (maps && !found && fgets(line, sizeof line, maps)) {
        const char *slash = strrchr(line, '/');
        size_t length = strlen(sampler->trace);
        found = slash && strncmp(slash + 1, sampler->trace, length) == 0 && slash[1 + length] == '\n';
    }
    if (maps) fclose(maps);
    return found;
}

static void find_target(struct sampler *sampler) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/statm", sampler->pid);
    int fd = maps_trace(sampler) && clock_getcpuclockid(sampler->pid, &sampler->clock) == 0
                 ? open(path, O_RDONLY | O_CLOEXEC)
                 : -1;
    sampler->statm = fd >= 0 ? fd : NEVER;
}

struct pages {
    unsigned long long all, resident, shared;
};

/* False where the target has gone, or its first thread has. */
static bool read_pages(const struct sampler *sampler, struct pages *out) {
    char text[128];
    ssize_t length = pread(sampler->statm, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = 0;
    return sscanf(text, "%llu %llu %llu", &out->all, &out->resident, &out->shared) == 3 && out->resident;
}

static bool is_worth_a_sample(const struct sampler *sampler, uint64_t resident) {
    uint64_t change = resident > sampler->told ? resident - sampler->told : sampler->told - resident;
    bool settled = resident == sampler->seen;
    return change && (settled || (change >= PAGES && change >= sampler->told / PART));
}

bool sampler_look(struct sampler *sampler, unsigned passed_ms) {
    struct pages pages;
    sampler->passed_ms += passed_ms;
    if (sampler->passed_ms < sampler->least_ms) return false;
    sampler->passed_ms = 0;
    if (sampler->statm == UNKNOWN) find_target(sampler);
    bool known = sampler->statm >= 0 && read_pages(sampler, &pages);
    bool changed = known && pages.resident != sampler->seen,
         worth = known && is_worth_a_sample(sampler, pages.resident);
    sampler->wait_ms = changed ? sampler->least_ms : 2 * sampler->wait_ms;
    if (sampler->wait_ms > LONGEST_MS) sampler->wait_ms = LONGEST_MS;
    if (known) sampler->seen = pages.resident;
    return worth;
}

size_t sampler_take(struct sampler *sampler, uint64_t stamp, uint8_t body[SAMPLER_BODY_MAX]) {
    struct pages pages;
    struct timespec cpu = {0, 0};
    if (!read_pages(sampler, &pages) || clock_gettime(sampler->clock, &cpu) != 0) return 0;
    sampler->told = pages.resident;
    const uint64_t fields[] = {stamp,
                               pages.all * TRACE_PAGE,
                               pages.resident * TRACE_PAGE,
                               pages.shared * TRACE_PAGE,
                               0, /* recorder, threads, descriptors: as before */
                               (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec,
                               0,
                               0,
                               TRACE_MEMORY_OUTSIDE};
    struct wire_writer w = wire_writer(body, SAMPLER_BODY_MAX);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) wire_put_varint(&w, fields[i]);
    return w.failed ? 0 : (size_t)(w.at - body);
}

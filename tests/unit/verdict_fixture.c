/* See verdict_fixture.h. */
#include "verdict_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct report_frame frames[] = {{.function = "keep_row", .file = "src/rows.c", .line = 12, .module = "app"},
                                       {.function = "main", .file = "src/main.c", .line = 40, .module = "app"}};
struct report_growth growths[2] = {
    {.phase = "load",
     .class_slug = "leak",
     .ci_low = 90,
     .ci_high = 110,
     .bytes_per_round = 100,
     .sentence = "evidence"},
    {.phase = "idle", .class_slug = "step", .bytes_per_round = NAN, .ci_low = NAN, .ci_high = NAN, .sentence = "once"}};
struct report_site site = {.id = "s1",
                           .function = "keep_row",
                           .stack = frames,
                           .depth = 2,
                           .live_bytes_end = 5 * MIB,
                           .growth = growths,
                           .growth_count = 1,
                           .process = 1};
static struct report_op operation = {.name = "get",
                                     .count = 1000,
                                     .ok = 980,
                                     .failed = 10,
                                     .rejected = 10,
                                     .peak_in_flight = 7,
                                     .ns = {.mean = 2e6, .p50 = 1e6, .p95 = 5e6, .p99 = 9e6, .max = 2e7, .drift = 0.1}};
static struct report_value value = {"hits", 93, 10, 93};
static struct report_round rounds[6];
struct report_phase phases[6];
struct report_point curve[60];
struct report_process process = {.pid = 1,
                                 .exe = "/bin/app",
                                 .started = "2026-03-01T12:00:00Z",
                                 .duration_ns = 60000000000,
                                 .cpu_ns = 90000000000,
                                 .exit_kind = "signal",
                                 .exit_code = 9};
struct report report;

/* RSS 100 MiB, up to 200 in the phase `load` (10 to 20 s), back to 105 at 30 s, rising to 130 at the end. */
static int64_t rss_at(int second) {
    if (second < 10) return 100 * MIB;
    if (second <= 20) return 200 * MIB;
    if (second < 30) return 150 * MIB;
    return (105 + (second - 30) * 25 / 29) * (int64_t)MIB;
}

static void set_up_phases(void) {
    phases[0] = (struct report_phase){.name = "load",
                                      .rounds = 6,
                                      .rounds_kind = "phases",
                                      .items = 600,
                                      .duration_ns = 10000000000,
                                      .begin = 10000000000,
                                      .end = 20000000000,
                                      .items_per_s = 60,
                                      .rss_start = 100 * MIB,
                                      .rss_peak = 200 * MIB,
                                      .rss_end = 110 * MIB,
                                      .live_start = 10 * MIB,
                                      .live_peak = 40 * MIB,
                                      .live_end = 16 * MIB,
                                      .allocations = 6000,
                                      .retained_bytes = 6000,
                                      .round_ns = {.mean = 1.5e9},
                                      .ops = &operation,
                                      .op_count = 1,
                                      .values = &value,
                                      .value_count = 1,
                                      .instances = rounds,
                                      .instance_count = 6};
    phases[1] = (struct report_phase){.name = "import@10",
                                      .rounds = 1,
                                      .items = 10,
                                      .items_per_s = 100,
                                      .rss_start = 0,
                                      .rss_peak = 10 * MIB,
                                      .round_ns = {.mean = 1e9}};
    phases[2] = (struct report_phase){.name = "import@100",
                                      .rounds = 1,
                                      .items = 100,
                                      .items_per_s = 90,
                                      .rss_start = 0,
                                      .rss_peak = 12 * MIB,
                                      .round_ns = {.mean = 10e9}};
    phases[3] = (struct report_phase){.name = "import@1000",
                                      .rounds = 1,
                                      .items = 1000,
                                      .items_per_s = 50,
                                      .rss_start = 0,
                                      .rss_peak = 30 * MIB,
                                      .round_ns = {.mean = 200e9}};
    phases[4] =
        (struct report_phase){.name = "run", .ops = &operation, .op_count = 1, .peak_in_flight = 9, .end = 59000000000};
    phases[5] = (struct report_phase){.name = "climb", /* to the end of the run, where memory rises */
                                      .rounds = 1,
                                      .begin = 30000000000,
                                      .end = 59000000000,
                                      .live_start = MIB,
                                      .live_end = 2 * MIB};
}

int set_up(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++)
        rounds[i] = (struct report_round){.round = i + 1,
                                          .begin = 10000000000 + i * 1700000000ll,
                                          .end = 11500000000 + i * 1700000000ll,
                                          .live_end = (10 + i) * MIB,
                                          .rss_end = (100 + 2 * i) * (int64_t)MIB};
    set_up_phases();
    for (int i = 0; i < 60; i++)
        curve[i] = (struct report_point){.t = i * 1000000000ll,
                                         .rss_bytes = rss_at(i),
                                         .live_bytes = 10 * MIB,
                                         .pinned_bytes = 12 * MIB,
                                         .pss_bytes = REPORT_NONE,
                                         .vms_bytes = 300 * MIB,
                                         .cpu = 1.5,
                                         .threads = 4,
                                         .fds = 9};
    if (report.memory) arena_free(report.memory);
    report = (struct report){
        .memory = arena_new(),
        .trace = {.events = 1000000},
        .system = {.cpus = 2},
        .processes = &process,
        .process_count = 1,
        .totals = {.peak_rss_bytes = 200 * MIB, .peak_live_bytes = 40 * MIB, .live_bytes_end = 16 * MIB},
        .curve = curve,
        .point_count = 60,
        .phases = phases,
        .phase_count = 6,
        .sites = &site,
        .site_count = 1,
        .verdict = {.judged_phases = 1, .judged_sites = 3}};
    growths[0].class_slug = "leak";
    growths[0].ci_low = 90;
    return 0;
}

const char *file_of(const char *text) {
    static char name[64];
    snprintf(name, sizeof name, "/tmp/tidemark-verdict-XXXXXX");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return name;
}

struct budget *budget_of(const char *text) {
    struct budget *budget;
    struct rule_error error;
    const char *name = file_of(text);
    int result = budget_read(name, &budget, &error);
    unlink(name);
    if (result) fail_msg("line %d: %s", error.line, error.text);
    return budget;
}

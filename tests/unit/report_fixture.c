/*
 * Numbers are chosen by hand to be told apart: no two fields that a renderer could mix up are equal.
 */
#include "report_fixture.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { POINTS = 240, ROUNDS = 24 };
#define MS 1000000
#define KIB 1024
#define MIB (1024 * 1024)

static const char *arguments[] = {"./server", "--port", "80\033[31m"};
static struct report_process processes[] = {
    {.pid = 4711,
     .parent = 4000,
     .parent_index = REPORT_NONE,
     .exe = "/srv/bin/server",
     .args = arguments,
     .arg_count = COUNT(arguments),
     .started = "2026-03-01T12:00:00Z",
     .started_ns = 1772366400000000000,
     .duration_ns = 12500 * (int64_t)MS,
     .exit_kind = "code",
     .exit_code = 0,
     .recorder_rss_bytes = 9 * MIB,
     .recorder_cpu_ns = 31 * MS,
     .fallback_stacks = 17,
     .trace_path = "tidemark.server.4711.tmk",
     .allocations = 1200345,
     .peak_live_bytes = 61 * MIB,
     .peak_rss_bytes = 93 * MIB,
     .live_bytes_end = 48 * MIB,
     .result = "leak"},
    {.pid = 4712,
     .parent = 4711,
     .exe = "/srv/bin/worker",
     .started = "2026-03-01T12:00:01Z",
     .duration_ns = 9100 * (int64_t)MS,
     .exit_kind = "signal",
     .exit_code = 9,
     .recorder_rss_bytes = 2 * MIB,
     .recorder_cpu_ns = 3 * MS,
     .trace_path = "tidemark.server.4711.tmk.d/worker.4712.tmk",
     .allocations = 345,
     .peak_live_bytes = 3 * MIB,
     .peak_rss_bytes = 7 * MIB,
     .live_bytes_end = 64 * KIB,
     .result = "pass"},
    {.pid = 4713,
     .parent = 4712,
     .parent_index = 1,
     .exe = "/bin/\xffsh",
     .exit_kind = "unknown",
     .exit_code = REPORT_NONE,
     .duration_ns = REPORT_NONE,
     .recorder_rss_bytes = REPORT_NONE,
     .recorder_cpu_ns = REPORT_NONE,
     .fallback_stacks = REPORT_NONE,
     .allocations = REPORT_NONE,
     .peak_live_bytes = REPORT_NONE,
     .peak_rss_bytes = REPORT_NONE,
     .live_bytes_end = REPORT_NONE},
};

static struct report_point points[POINTS];
static struct report_round serve_rounds[ROUNDS];
static struct report_round load_round = {1,    300 * MS, 2100 * (int64_t)MS, 1 * MIB, 22 * MIB, 4 * MIB, 40 * MIB,
                                         1000, 90000};
static int64_t leak_survivors[ROUNDS], cache_survivors[ROUNDS];

static struct report_op operations[] = {
    {.name = "GET /item",
     .count = 24000,
     .ok = 23990,
     .failed = 7,
     .rejected = 3,
     .peak_in_flight = 16,
     .per_s = 2400.5,
     .ns = {410e3, 90e3, 380e3, 900e3, 1800e3, 9400e3, 210e3}},
};
static struct report_value values[] = {{"cache hits", 0.93, 0.1, 0.97}};

static struct report_phase phases[] = {
    {.name = "load",
     .rounds = 1,
     .rounds_kind = "phases",
     .items = 1000,
     .duration_ns = 1800 * (int64_t)MS,
     .items_per_s = 555.5,
     .rss_start = 4 * MIB,
     .rss_end = 40 * MIB,
     .rss_peak = 44 * MIB,
     .live_start = 1 * MIB,
     .live_end = 22 * MIB,
     .live_peak = 25 * MIB,
     .blocks_start = 120,
     .blocks_end = 41000,
     .overhead_bytes = 40 * MIB,
     .allocations = 90000,
     .allocated_bytes = 130 * (int64_t)MIB,
     .retained_bytes = 21 * MIB,
     .retained_per_round = NAN,
     .round_ns = {1800e6, 1800e6, 1800e6, 1800e6, 1800e6, 1800e6, 0, NAN},
     .instances = &load_round,
     .instance_count = 1},
    {.name = "serve",
     .rounds = ROUNDS,
     .rounds_kind = "phases",
     .items = 24000,
     .duration_ns = 10000 * (int64_t)MS,
     .items_per_s = 2400,
     .end = 10000 * (int64_t)MS,
     .rss_start = 40 * MIB,
     .rss_end = 88 * MIB,
     .rss_peak = 93 * MIB,
     .live_start = 22 * MIB,
     .live_end = 48 * MIB,
     .live_peak = 61 * MIB,
     .blocks_start = 41000,
     .blocks_end = 65100,
     .overhead_bytes = 53 * MIB,
     .allocations = 1100000,
     .allocated_bytes = 900 * (int64_t)MIB,
     .retained_bytes = 26 * MIB,
     .retained_per_round = 1.083 * MIB,
     .round_ns = {416e6, 401e6, 414e6, 440e6, 459e6, 460e6, 11e6, 0.02},
     .ops = operations,
     .op_count = COUNT(operations),
     .values = values,
     .value_count = COUNT(values),
     .diagnosis = "growing",
     .instances = serve_rounds,
     .instance_count = ROUNDS},
    {.name = "parse <b>&\033[2J",
     .parent = "serve",
     .rounds = 0,
     .items = REPORT_NONE,
     .duration_ns = 0,
     .items_per_s = NAN,
     .rss_start = REPORT_NONE,
     .rss_end = REPORT_NONE,
     .rss_peak = REPORT_NONE,
     .overhead_bytes = REPORT_NONE,
     .retained_per_round = NAN,
     .round_ns = {NAN, NAN, NAN, NAN, NAN, NAN, NAN}},
};

static struct report_frame leak_stack[] = {
    {"session::remember", "/srv/src/session.cpp", 142, "server", 0x1a2b3, true},
    {"session::open", "/srv/src/session.cpp", 97, "server", 0x1a2b3, false},
    {"handle<http::Request>", "/srv/src/handler.cpp", 310, "server", 0x1c001, false},
    {NULL, NULL, 0, "libplugin.so", 0x4242, false},
    {"main", "/srv/src/main.cpp", 31, "server", 0x9010, false},
};
static struct report_frame cache_stack[] = {
    {"Cache::insert", "/srv/src/cache.cpp", 55, "server", 0x2a000, false},
    {"main", "/srv/src/main.cpp", 44, "server", 0x9100, false},
};
static struct report_frame jit_stack[] = {{"js:render</script>\xc3\x28\x07", NULL, 0, NULL, 0x7f0000001000, false}};

static struct report_growth leak_growth[] = {
    {.phase = "serve",
     .class_slug = "leak",
     .held_until = "never",
     .only_phase = true,
     .rounds_kind = "phases",
     .rounds = ROUNDS,
     .n = 21,
     .k = 21,
     .reach = 0,
     .first = 3,
     .last = 24,
     .survivors = leak_survivors,
     .survivor_count = ROUNDS,
     .bytes_per_round = 1.04 * MIB,
     .ci_low = 1.03 * MIB,
     .ci_high = 1.05 * MIB,
     .bytes_per_item = 1090.5,
     .threads_affected = 4,
     .sentence = "In each of 21 evidence rounds 1000 blocks were born that are never freed.",
     .would_change = "A round that keeps nothing would make it leak-intermittent."},
};
static struct report_growth cache_growth[] = {
    {.phase = "serve",
     .class_slug = "bounded",
     .rounds_kind = "phases",
     .rounds = ROUNDS,
     .n = 20,
     .k = 4,
     .reach = 3,
     .first = 1,
     .last = 9,
     .survivors = cache_survivors,
     .survivor_count = ROUNDS,
     .bytes_per_round = NAN,
     .ci_low = NAN,
     .ci_high = NAN,
     .bytes_per_item = NAN,
     .threads_affected = 1,
     .sentence = "Nothing was added after round 9."},
};

static struct report_site sites[] = {
    {.id = "abcdefghijk23",
     .function = "session::remember",
     .file = "/srv/src/session.cpp",
     .module = "server",
     .line = 142,
     .stack = leak_stack,
     .depth = COUNT(leak_stack),
     .allocations = 24000,
     .allocated_bytes = 26 * MIB,
     .live_bytes_end = 25 * MIB,
     .live_blocks_end = 24000,
     .peak_bytes = 25 * MIB + 1,
     .temporary = 0,
     .lifetime_p50 = 5 * MS,
     .lifetime_p95 = 8 * MS,
     .lifetime_max = 10000 * (int64_t)MS,
     .live_at_peak = 24 * MIB,
     .rss_bytes = 27 * MIB,
     .rss_peak_bytes = 28 * MIB,
     .alone_bytes = 3 * MIB,
     .wasted_bytes = 2 * MIB,
     .growth = leak_growth,
     .growth_count = COUNT(leak_growth),
     .process = 4711},
    {.id = "bbcdefghijk24",
     .function = "Cache::insert",
     .file = "/srv/src/cache.cpp",
     .module = "server",
     .line = 55,
     .stack = cache_stack,
     .depth = COUNT(cache_stack),
     .allocations = 41000,
     .allocated_bytes = 22 * MIB,
     .live_bytes_end = 21 * MIB,
     .live_blocks_end = 40000,
     .peak_bytes = 22 * MIB,
     .temporary = 12,
     .lifetime_p50 = 50 * MS,
     .lifetime_p95 = 80 * MS,
     .lifetime_max = 90 * MS,
     .live_at_peak = 20 * MIB,
     .rss_bytes = 23 * MIB,
     .rss_peak_bytes = 30 * MIB,
     .growth = cache_growth,
     .growth_count = COUNT(cache_growth),
     .process = 4711},
    {.id = "cbcdefghijk25",
     .function = "js:render</script>\xc3\x28\x07",
     .stack = jit_stack,
     .depth = COUNT(jit_stack),
     .allocations = 3,
     .allocated_bytes = 300,
     .live_bytes_end = 100,
     .live_blocks_end = 1,
     .peak_bytes = 200,
     .temporary = 2,
     .lifetime_p50 = REPORT_NONE,
     .lifetime_p95 = REPORT_NONE,
     .lifetime_max = REPORT_NONE,
     .live_at_peak = REPORT_NONE,
     .rss_bytes = REPORT_NONE,
     .rss_peak_bytes = REPORT_NONE,
     .alone_bytes = REPORT_NONE,
     .wasted_bytes = REPORT_NONE,
     .process = 4712},
};

static struct report_finding leaks[] = {
    {"abcdefghijk23", 0, "serve", "leak", "21 of 21 evidence rounds added blocks that are never freed", false}};
static struct report_finding warnings[] = {
    {NULL, SIZE_MAX, "serve", "fragmentation", "RSS rose by 48.0 MiB, live bytes by 26.0", false}};
static struct report_budget budgets[] = {
    {"max-rss", "serve", "80.0 MiB", "93.0 MiB", false, "exceeded", "bytes", 97517568, 83886080},
    {"max-mean", "load", "2 s", "1.8 s", true, "ok", "ns", 1.8e9, 2e9},
};
static const char *reasons[] = {"leak: session::remember grows by 1.04 MiB per round of serve"};
static const char *hints[] = {"run it longer to see whether the cache stays bounded"};
static const char *doubts[] = {
    "libplugin.so has no symbols for 1 of 1 addresses (stripped? install its debug symbols)"};

static struct report_look looks[] = {
    {.t = 11800 * (int64_t)MS,
     .rss_bytes = 93 * MIB,
     .resident_bytes = 93 * MIB,
     .sites_bytes = 60 * MIB,
     .free_bytes = 9 * MIB,
     .stack_bytes = 1 * MIB,
     .code_bytes = 6 * MIB,
     .file_bytes = 5 * MIB,
     .recorder_bytes = 9 * MIB,
     .other_bytes = 3 * MIB,
     .slack_bytes = 4 * MIB,
     .untouched_bytes = 0,
     .trim_bytes = 7 * MIB},
    {.t = 12500 * (int64_t)MS,
     .rss_bytes = 88 * MIB,
     .resident_bytes = 87 * MIB,
     .sites_bytes = 52 * MIB,
     .free_bytes = 15 * MIB,
     .stack_bytes = 1 * MIB,
     .code_bytes = 6 * MIB,
     .file_bytes = 5 * MIB,
     .recorder_bytes = 6 * MIB,
     .other_bytes = 2 * MIB,
     .slack_bytes = 3 * MIB,
     .untouched_bytes = 5 * MIB,
     .trim_bytes = 13 * MIB},
};

static struct report_resident_file resident_files[] = {
    {"/usr/lib/libssl.so.3", 5 * MIB, 2 * MIB},
    {"/opt/\x1b[31mred", 1 * MIB, 3 * MIB},
};

static struct report_pin pins[] = {
    {.site_index = 1,
     .site = "abcdefghijk24",
     .address = 0x55550000,
     .size = 96,
     .born = 5100 * (int64_t)MS,
     .free_below_bytes = 11 * MIB,
     .blocks_above = 4},
};

static struct report fixture = {
    .trace = {"tidemark.server.4711.tmk", true, false, false, 2400680, 0, 0, 3, 2200123,
              "00112233445566778899aabbccddeeff"},
    .system = {8, 16 * (int64_t)1024 * MIB, "6.1.0", "glibc 2.36", "libc.so.6", "build7"},
    .processes = processes,
    .process_count = COUNT(processes),
    .totals = {.allocations = 1200345,
               .frees = 1135245,
               .failed_allocations = 2,
               .allocated_bytes = 1030 * (int64_t)MIB,
               .live_bytes_end = 48 * MIB,
               .live_blocks_end = 65100,
               .mappings = 6,
               .mapped_bytes_end = 7 * MIB,
               .peak_live_bytes = 61 * MIB,
               .peak_live_t = 11800 * (int64_t)MS,
               .peak_rss_bytes = 93 * MIB,
               .temporary_allocations = 800000,
               .explained_share = 0.97},
    .curve = points,
    .point_count = POINTS,
    .residency = {.process = 4711,
                  .looks = looks,
                  .look_count = COUNT(looks),
                  .peak = 0,
                  .end = 1,
                  .other_sites_bytes = 2 * MIB,
                  .files = resident_files,
                  .file_count = COUNT(resident_files),
                  .pins = pins,
                  .pin_count = COUNT(pins),
                  .pins_t = 12400 * (int64_t)MS,
                  .explained_share = 0.975},
    .duration_ns = 12500 * (int64_t)MS,
    .phases = phases,
    .phase_count = COUNT(phases),
    .sites = sites,
    .site_count = COUNT(sites),
    .sites_total = 512,
    .verdict = {.result = "leak",
                .exit_code = 10,
                .judged_phases = 1,
                .judged_sites = 340,
                .not_judged = 2,
                .rounds_missing = 3,
                .leaks = leaks,
                .leak_count = COUNT(leaks),
                .warnings = warnings,
                .warning_count = COUNT(warnings),
                .budgets = budgets,
                .budget_count = COUNT(budgets),
                .reasons = reasons,
                .reason_count = COUNT(reasons),
                .hints = hints,
                .hint_count = COUNT(hints)},
    .doubts = doubts,
    .doubt_count = COUNT(doubts),
};

/* A ramp while loading, then a slow climb with a sawtooth on it. */
static void fill_curve(void) {
    for (int i = 0; i < POINTS; i++) {
        double x = (double)i / (POINTS - 1);
        double live = x < 0.17 ? x / 0.17 * 22 : 22 + (x - 0.17) / 0.83 * 26 + (i % 8) * 0.7;
        points[i] = (struct report_point){.t = (int64_t)(x * 12500 * MS),
                                          .live_bytes = (int64_t)(live * MIB),
                                          .live_blocks = (int64_t)(live * 1000),
                                          .pinned_bytes = (int64_t)((live + 4) * MIB),
                                          .rss_bytes = (int64_t)((live * 1.6 + 6) * MIB),
                                          .pss_bytes = REPORT_NONE,
                                          .vms_bytes = 400 * (int64_t)MIB,
                                          .cpu = i ? 0.5 + x : NAN,
                                          .threads = 5,
                                          .fds = 12};
    }
}

static void fill_rounds(void) {
    for (int i = 0; i < ROUNDS; i++) {
        int64_t begin = 2200 * (int64_t)MS + i * (int64_t)420 * MS;
        serve_rounds[i] = (struct report_round){i + 1,
                                                begin,
                                                begin + 416 * MS,
                                                (22 + i) * (int64_t)MIB,
                                                (23 + i) * (int64_t)MIB,
                                                (40 + 2 * i) * (int64_t)MIB,
                                                (42 + 2 * i) * (int64_t)MIB,
                                                1000,
                                                45833};
        leak_survivors[i] = 1000;
        cache_survivors[i] = i < 9 ? 900 - 100 * i : 0;
    }
}

const struct report *report_fixture(void) {
    fill_curve();
    fill_rounds();
    return &fixture;
}

const struct report *report_fixture_empty(void) {
    static const struct report empty = {.verdict = {.result = "nothing-judged"},
                                        .totals = {.peak_live_t = REPORT_NONE, .explained_share = NAN},
                                        .system = {.cpus = REPORT_NONE, .ram_bytes = REPORT_NONE}};
    return &empty;
}

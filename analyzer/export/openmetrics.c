/*
 * OpenMetrics text: totals, a few numbers for each phase, the verdict and the live bytes of the sites, for a dashboard
 * that follows a program from run to run. Gauges only: they read the same in the older text format of Prometheus.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../text/utf8.h"
#include "export.h"

/* Labels: backslash, quote and line end are escaped, invalid bytes replaced. */
static void put_label(FILE *out, const char *text) {
    char *clean = utf8_clean(text ? text : "");
    for (const char *c = clean; c && *c; c++) {
        if (*c == '\\' || *c == '"') fprintf(out, "\\%c", *c);
        else if (*c == '\n') fputs("\\n", out);
        else fputc(*c, out);
    }
    free(clean);
}

static void put_family(FILE *out, const char *name, const char *unit, const char *help) {
    fprintf(out, "# TYPE tidemark_%s gauge\n", name);
    if (unit) fprintf(out, "# UNIT tidemark_%s %s\n", name, unit);
    fprintf(out, "# HELP tidemark_%s %s\n", name, help);
}

struct family {
    const char *name, *unit, *help;
    size_t offset; /* of an int64_t */
};

static int64_t value_at(const void *object, size_t offset) { return *(const int64_t *)((const char *)object + offset); }

static void put_totals(FILE *out, const struct report_totals *totals) {
    static const struct family families[] = {
        {"live_bytes", "bytes", "Requested bytes live at the end", offsetof(struct report_totals, live_bytes_end)},
        {"live_blocks", NULL, "Blocks live at the end", offsetof(struct report_totals, live_blocks_end)},
        {"peak_live_bytes", "bytes", "Most requested bytes live at once",
         offsetof(struct report_totals, peak_live_bytes)},
        {"peak_rss_bytes", "bytes", "Largest resident set", offsetof(struct report_totals, peak_rss_bytes)},
        {"allocations", NULL, "Allocations", offsetof(struct report_totals, allocations)},
        {"allocated_bytes", "bytes", "Bytes of all allocations", offsetof(struct report_totals, allocated_bytes)},
        {"failed_allocations", NULL, "Allocations that failed", offsetof(struct report_totals, failed_allocations)},
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        int64_t value = value_at(totals, families[i].offset);
        if (value == REPORT_NONE) continue;
        put_family(out, families[i].name, families[i].unit, families[i].help);
        fprintf(out, "tidemark_%s %" PRId64 "\n", families[i].name, value);
    }
}

static void put_phases(FILE *out, const struct report *report) {
    static const struct family families[] = {
        {"phase_rounds", NULL, "Rounds of a phase", offsetof(struct report_phase, rounds)},
        {"phase_rss_peak_bytes", "bytes", "Largest resident set in a phase", offsetof(struct report_phase, rss_peak)},
        {"phase_live_end_bytes", "bytes", "Bytes live at the end of a phase", offsetof(struct report_phase, live_end)},
        {"phase_retained_bytes", "bytes", "Bytes that a phase left behind",
         offsetof(struct report_phase, retained_bytes)},
    };
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        put_family(out, families[f].name, families[f].unit, families[f].help);
        for (size_t i = 0; i < report->phase_count; i++) {
            int64_t value = value_at(&report->phases[i], families[f].offset);
            if (value == REPORT_NONE) continue;
            fprintf(out, "tidemark_%s{phase=\"", families[f].name);
            put_label(out, report->phases[i].name);
            fprintf(out, "\"} %" PRId64 "\n", value);
        }
    }
}

static void put_sites(FILE *out, const struct report *report) {
    enum { SITES_MAX = 20 }; /* a label for every site would swamp the store */
    put_family(out, "site_live_bytes", "bytes", "Bytes live at the end, by call site");
    for (size_t i = 0; i < report->site_count && i < SITES_MAX; i++) {
        const struct report_site *site = &report->sites[i];
        if (site->live_bytes_end == REPORT_NONE) continue;
        fprintf(out, "tidemark_site_live_bytes{site=\"%s\",function=\"", site->id ? site->id : "");
        put_label(out, site->function);
        fprintf(out, "\"} %" PRId64 "\n", site->live_bytes_end);
    }
}

static void put_verdict(FILE *out, const struct report_verdict *verdict) {
    static const char *const results[] = {"pass", "warn", "leak", "budget", "inconclusive", "nothing-judged"};
    put_family(out, "leaks", NULL, "Call sites that leak");
    fprintf(out, "tidemark_leaks %zu\n", verdict->leak_count);
    put_family(out, "verdict", NULL, "1 for the result of the run");
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        bool is = verdict->result && strcmp(results[i], verdict->result) == 0;
        fprintf(out, "tidemark_verdict{result=\"%s\"} %d\n", results[i], is);
    }
}

int export_openmetrics(FILE *out, const struct report *report, const struct export_options *options) {
    (void)options;
    put_totals(out, &report->totals);
    put_phases(out, report);
    put_sites(out, report);
    put_verdict(out, &report->verdict);
    fputs("# EOF\n", out);
    return export_flush(out);
}

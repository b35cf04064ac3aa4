/* Workflow commands: `::error file=F,line=N,title=T::MESSAGE`, with what would end a field escaped. */
#include "github.h"

#include <inttypes.h>
#include <string.h>

#include "../report/finding.h"
#include "../stream.h"
#include "../text/utf8.h"
#include "naming.h"

static void write_escaped(FILE *out, const char *text, bool property) {
    size_t length;
    for (uint32_t character; (character = utf8_next(text, &length)) != 0; text += length) {
        bool special = character < 0x20 || character == '%' || (property && (character == ':' || character == ','));
        if (character == 0xfffd) fputs("\xef\xbf\xbd", out);
        else if (special) fprintf(out, "%%%02X", (unsigned)character);
        else fwrite(text, 1, length, out);
    }
}

static void write_property(FILE *out, char *separator, const char *name, const char *value) {
    if (!value) return;
    fprintf(out, "%c%s=", *separator, name);
    write_escaped(out, value, true);
    *separator = ',';
}

static void write_finding(FILE *out, const struct report *report, const struct report_finding *finding,
                          const char *level) {
    const struct report_site *site = site_of_finding(report, finding);
    const struct report_frame *place = frame_to_change(report, site);
    const char *function = site && site->function ? site->function : "an unknown function";
    char separator = ' ', line[32];
    fprintf(out, "::%s", level);
    if (place) {
        write_property(out, &separator, "file", name_of_source(report, place->file));
        snprintf(line, sizeof line, "%" PRId64, place->line);
        if (place->line > 0) write_property(out, &separator, "line", line);
    }
    write_property(out, &separator, "title", finding->class_slug);
    fputs("::", out);
    write_escaped(out, function, false);
    fputs(" grows in ", out);
    write_escaped(out, finding->phase ? finding->phase : "the run", false);
    fputs(": ", out);
    write_escaped(out, finding->reason ? finding->reason : "", false);
    fputc('\n', out);
}

static void write_rule(FILE *out, const struct report_budget *row) {
    if (row->ok) return;
    bool failed = row->state && strcmp(row->state, "exceeded") == 0;
    fprintf(out, "::%s title=budget::", failed ? "error" : "warning");
    write_escaped(out, row->rule, false);
    if (row->phase) {
        fputs(" for ", out);
        write_escaped(out, row->phase, false);
    }
    fputs(": limit ", out);
    write_escaped(out, row->limit, false);
    fputs(", measured ", out);
    write_escaped(out, row->value, false);
    fputc('\n', out);
}

static void write_run(FILE *out, const struct report *report) {
    const struct report_verdict *verdict = &report->verdict;
    if (report->stopped) {
        fputs("::error title=stopped::stopped ", out);
        write_escaped(out, report->stopped, false);
        fputc('\n', out);
    } else if (verdict->result && strcmp(verdict->result, "inconclusive") == 0) {
        fputs("::warning title=inconclusive::", out);
        write_escaped(out, verdict->reason_count ? verdict->reasons[0] : "a rule or phase could not be judged", false);
        fputc('\n', out);
    }
}

int render_github(FILE *out, const struct report *report) {
    const struct report_verdict *verdict = &report->verdict;
    for (size_t i = 0; i < verdict->leak_count; i++) write_finding(out, report, &verdict->leaks[i], "error");
    for (size_t i = 0; i < verdict->warning_count; i++) write_finding(out, report, &verdict->warnings[i], "warning");
    for (size_t i = 0; i < verdict->budget_count; i++) write_rule(out, &verdict->budgets[i]);
    write_run(out, report);
    return stream_end(out);
}

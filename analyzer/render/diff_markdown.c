/*
 * The comparison as a summary for the page of a CI job.
 */
#include <inttypes.h>

#include "../stream.h"

#include "../text/file_name.h"
#include "diff_words.h"
#include "markdown_text.h"
#include "naming.h"

enum { SITES_MAX = 20, FINDINGS_MAX = 20 };

static void put_words(FILE *out, void (*compose)(FILE *, const void *), const struct comparison *c) {
    compose(out, c);
    fputs("\n\n", out);
}

static void put_side(FILE *out, const char *which, const struct report *report) {
    fprintf(out, "| %s | ", which);
    markdown_put(out, report->trace.path ? file_name(report->trace.path) : NULL);
    fputs(" | ", out);
    markdown_put(out, report->process_count ? report->processes[0].exe : NULL);
    fprintf(out, " | %s | %d |\n", report->verdict.result, report->verdict.exit_code);
}

static void put_totals(FILE *out, const struct comparison *c) {
    fputs("\n| | old | new | change | |\n| --- | ---: | ---: | ---: | --- |\n", out);
    for (size_t i = 0; i < c->total_count; i++) {
        const struct compared_total *total = &c->totals[i];
        fprintf(out, "| %s | %s | %s | %s | %s |\n", diff_total_title(total->name),
                diff_total_amount(total, total->before).text, diff_total_amount(total, total->after).text,
                diff_total_by(total).text, total->judged && total->change ? change_name(total->change) : "");
    }
}

static void put_phase(FILE *out, const struct compared_phase *phase) {
    const struct report_phase none = {.rss_peak = REPORT_NONE, .live_peak = REPORT_NONE};
    const struct report_phase *before = phase->before ? phase->before : &none;
    const struct report_phase *after = phase->after ? phase->after : &none;
    fputs("| ", out);
    markdown_put(out, phase->name);
    fprintf(out, " | %s → %s | %s → %s | %s → %s | %s | %s | %s |\n", amount_count(before->rounds).text,
            amount_count(after->rounds).text, amount_bytes(before->rss_peak).text, amount_bytes(after->rss_peak).text,
            amount_bytes_real(phase->kept_before).text, amount_bytes_real(phase->kept_after).text,
            phase->work.kind ? phase->work.kind : "", diff_factor(phase->time_before, phase->time_after).text,
            phase->change ? change_name(phase->change) : "");
}

static void put_phases(FILE *out, const struct comparison *c) {
    if (!c->phase_count) return;
    fputs("\n### Phases\n\n| phase | rounds | RSS peak | kept per unit | unit | time per unit | |\n"
          "| --- | ---: | ---: | ---: | --- | ---: | --- |\n",
          out);
    for (size_t i = 0; i < c->phase_count; i++) put_phase(out, &c->phases[i]);
}

static void put_findings(FILE *out, const struct comparison *c) {
    if (!c->finding_count) return;
    fputs("\n### Verdicts\n\n| | | function | phase | old | new |\n| --- | --- | --- | --- | --- | --- |\n", out);
    for (size_t i = 0; i < c->finding_count && i < FINDINGS_MAX; i++) {
        const struct compared_finding *finding = &c->findings[i];
        const char *const cells[] = {finding->leak ? "leak" : "warning",
                                     change_name(finding->change),
                                     finding->function,
                                     finding->phase,
                                     finding->class_before,
                                     finding->class_after};
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
            fputs("| ", out);
            markdown_put(out, cells[k]);
            fputc(' ', out);
        }
        fputs("|\n", out);
    }
    if (c->finding_count > FINDINGS_MAX) fprintf(out, "\n… and %zu more\n", c->finding_count - FINDINGS_MAX);
}

static void put_site(FILE *out, const struct compared_site *site) {
    fprintf(out, "| %s | ", change_name(site->change));
    markdown_put(out, name_of_site(site->shown).text);
    fputs(" | ", out);
    if (site->shown->file) {
        markdown_put(out, file_name(site->shown->file));
        fprintf(out, "&#58;%" PRId64, site->shown->line);
    }
    fprintf(out, " | %s | %s | %s | %s |\n", amount_bytes(site->before.live_bytes_end).text,
            amount_bytes(site->after.live_bytes_end).text, diff_bytes(site->by.live_bytes_end).text,
            diff_bytes(site->by.peak_bytes).text);
}

static void put_sites(FILE *out, const struct comparison *c) {
    fputs("\n### Call sites\n\n", out);
    put_words(out, diff_sites, c);
    if (!c->site_count || !c->sites[0].change) return;
    fputs("| | function | place | live old | live new | by | peak by |\n"
          "| --- | --- | --- | ---: | ---: | ---: | ---: |\n",
          out);
    for (size_t i = 0; i < c->site_count && i < SITES_MAX && c->sites[i].change; i++) put_site(out, &c->sites[i]);
}

int render_diff_markdown(FILE *out, const struct comparison *c) {
    fprintf(out, "## Tidemark: %s\n\n", c->grew ? "grew" : "did not grow");
    put_words(out, diff_headline, c);
    fputs("| | trace | program | verdict | exit status |\n| --- | --- | --- | --- | ---: |\n", out);
    put_side(out, "old", c->before);
    put_side(out, "new", c->after);
    fputc('\n', out);
    put_words(out, diff_work, c);
    if (diff_has_unlike(c)) put_words(out, diff_unlike, c);
    diff_tolerance(out, c);
    fputc('\n', out);
    put_totals(out, c);
    put_phases(out, c);
    put_findings(out, c);
    put_sites(out, c);
    return stream_end(out);
}

/*
 * A summary for the page of a CI job: verdict, leaks with their stacks, budgets, phases. Names come from the trace, so
 * every character that Markdown or HTML would take for markup is escaped.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../report/finding.h"
#include "../report/together.h"
#include "../stream.h"
#include "../text/file_name.h"
#include "../text/plural.h"
#include "amount.h"
#include "markdown_text.h"
#include "naming.h"
#include "render.h"
#include "residency.h"

enum { LEAKS_MAX = 10, WARNINGS_MAX = 10, FRAMES_MAX = 12, PHASES_MAX = 100, DOUBTS_MAX = 8 };

static void put_frame(FILE *out, const struct report_frame *frame) {
    fputs("  - ", out);
    markdown_put(out, name_of_frame(frame).text);
    fputs(" — ", out);
    if (frame->file) {
        markdown_put(out, file_name(frame->file));
        if (frame->line > 0) fprintf(out, "&#58;%" PRId64, frame->line);
    } else {
        markdown_put(out, frame->module ? frame->module : "no module");
    }
    fputc('\n', out);
}

static void put_finding(FILE *out, const struct report *report, const struct report_finding *finding) {
    const struct report_site *site = site_of_finding(report, finding);
    fputs("- **", out);
    markdown_put(out, finding->class_slug);
    fputs("** ", out);
    if (site) markdown_put(out, name_of_site(site).text);
    if (finding->phase) {
        fputs(" in ", out);
        markdown_put(out, finding->phase);
    }
    fputs(": ", out);
    markdown_put(out, finding->reason);
    fputc('\n', out);
    for (size_t i = 0; site && i < site->depth && i < FRAMES_MAX; i++) put_frame(out, &site->stack[i]);
}

static void put_together(FILE *out, const struct together *together, const char *phase) {
    fputs("- together: ", out);
    if (together->one_function) {
        markdown_put(out, name_of_site(together->site).text);
        fputs(", ", out);
    }
    markdown_put(out, file_name(together->site->file));
    fprintf(out, "&#58;%" PRId64 ", in ", together->site->line);
    markdown_put(out, phase ? phase : "the run");
    fprintf(out, ": %zu stacks", together->stacks);
    if (together->bytes_per_round != 0)
        fprintf(out, ", %s per round", amount_bytes_real(together->bytes_per_round).text);
    fputc('\n', out);
}

static void put_findings(FILE *out, const struct report *report, const char *title,
                         const struct report_finding *findings, size_t count, size_t most) {
    if (count == 0) return;
    size_t hidden = 0, shown = 0;
    for (size_t i = 0; i < count; i++) hidden += findings[i].hidden;
    fprintf(out, "\n### %s\n\n", title);
    for (size_t i = 0; i < count && shown < most; i++) {
        if (findings[i].hidden) continue;
        put_finding(out, report, &findings[i]);
        shown++;
    }
    if (count > shown + hidden) fprintf(out, "- … and %zu more\n", count - shown - hidden);
    if (hidden) fprintf(out, "- %zu left out by the filters\n", hidden);
    struct together together;
    for (size_t i = 0, sums = 0; i < count && sums < most; i++) {
        if (!together_from(report, findings, count, i, &together)) continue;
        put_together(out, &together, findings[i].phase);
        sums++;
    }
}

static void put_budgets(FILE *out, const struct report_verdict *verdict) {
    if (verdict->budget_count == 0) return;
    fputs("\n### Budget\n\n| rule | phase | value | limit | |\n| --- | --- | ---: | ---: | --- |\n", out);
    for (size_t i = 0; i < verdict->budget_count; i++) {
        const struct report_budget *budget = &verdict->budgets[i];
        const char *const cells[] = {budget->rule, budget->phase, budget->value, budget->limit,
                                     budget->state ? budget->state
                                     : budget->ok  ? "ok"
                                                   : "exceeded"};
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
            fputs("| ", out);
            markdown_put(out, cells[k]);
            fputc(' ', out);
        }
        fputs("|\n", out);
    }
}

static void put_phase(FILE *out, const struct report_phase *phase) {
    fputs("| ", out);
    markdown_put(out, phase->name);
    fprintf(out, " | %s | %s | %s | %s | %s | %s | ", amount_count(phase->rounds).text,
            amount_time_whole(phase->duration_ns).text, amount_bytes(phase->rss_peak).text,
            amount_bytes(phase->live_start).text, amount_bytes(phase->live_end).text,
            amount_bytes_real(phase->retained_per_round).text);
    markdown_put(out, phase->diagnosis);
    fputs(" |\n", out);
}

static void put_phases(FILE *out, const struct report *report) {
    if (report->phase_count == 0) return;
    fputs("\n### Phases\n\n| phase | rounds | time | RSS peak | live at start | live at end | kept per round | |\n"
          "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n",
          out);
    for (size_t i = 0; i < report->phase_count && i < PHASES_MAX; i++) put_phase(out, &report->phases[i]);
    if (report->phase_count > PHASES_MAX)
        fprintf(out, "\n%zu more phase%s\n", report->phase_count - PHASES_MAX,
                plural(report->phase_count - PHASES_MAX));
}

static void put_look_row(FILE *out, const char *name, int64_t peak, int64_t end) {
    fprintf(out, "| %s | %s | %s |\n", name, amount_bytes(peak).text, amount_bytes(end).text);
}

static void put_whose(FILE *out, const struct report *report) {
    const struct report_process *process = residency_process(report);
    if (!process) return;
    fputs("Of ", out);
    markdown_put(out, process->exe ? file_name(process->exe) : "a program");
    fprintf(out, ", which had most resident of the %zu processes. ", report->process_count);
}

static void put_residency(FILE *out, const struct report *report) {
    const struct report_residency *residency = &report->residency;
    if (residency->look_count == 0) return;
    const struct report_look *peak = &residency->looks[residency->peak], *end = &residency->looks[residency->end];
    fputs("\n### Resident pages\n\n| held by | at the highest RSS | in the end |\n| --- | ---: | ---: |\n", out);
    for (size_t i = 0; i < residency_parts(); i++)
        if (residency_part(peak, i) || residency_part(end, i))
            put_look_row(out, residency_part_name(i), residency_part(peak, i), residency_part(end, i));
    put_look_row(out, "together", peak->resident_bytes, end->resident_bytes);
    fputc('\n', out);
    put_whose(out, report);
    residency_compose_facts(out, residency);
    fputc('\n', out);
}

static void put_holders(FILE *out, const struct report *report) {
    enum { SHOWN = 5 };
    size_t count;
    const struct report_site **sites = residency_sites(report, &count);
    if (sites && count)
        fputs("\n| call site | resident, highest | in the end | live in the end |\n| --- | ---: | ---: | ---: |\n",
              out);
    for (size_t i = 0; sites && i < count && i < SHOWN; i++) {
        fputs("| ", out);
        markdown_put(out, name_of_site(sites[i]).text);
        fprintf(out, " | %s | %s | %s |\n", amount_bytes(sites[i]->rss_peak_bytes).text,
                amount_bytes(sites[i]->rss_bytes).text, amount_bytes(sites[i]->live_bytes_end).text);
    }
    free(sites);
}

static void put_texts(FILE *out, const char *title, const char *const *texts, size_t count, size_t most) {
    if (count && *title) fprintf(out, "\n### %s\n\n", title);
    for (size_t i = 0; i < count && i < most; i++) {
        fputs("- ", out);
        markdown_put(out, texts[i]);
        fputc('\n', out);
    }
    if (count > most) fprintf(out, "- … and %zu more\n", count - most);
}

int render_markdown(FILE *out, const struct report *report) {
    const struct report_verdict *verdict = &report->verdict;
    fputs("## Tidemark: ", out);
    markdown_put(out, verdict->result ? verdict->result : "unknown");
    fputs("\n\n", out);
    if (report->process_count && report->processes[0].exe) markdown_put(out, report->processes[0].exe);
    fprintf(out, " — peak %s live, %s RSS; %" PRId64 " phase%s and %" PRId64 " call site%s judged\n\n",
            amount_bytes(report->totals.peak_live_bytes).text, amount_bytes(report->totals.peak_rss_bytes).text,
            verdict->judged_phases, plural((uint64_t)verdict->judged_phases), verdict->judged_sites,
            plural((uint64_t)verdict->judged_sites));
    put_texts(out, "", (const char *const *)verdict->reasons, verdict->reason_count, SIZE_MAX);
    put_findings(out, report, "Leaks", verdict->leaks, verdict->leak_count, LEAKS_MAX);
    put_findings(out, report, "Warnings", verdict->warnings, verdict->warning_count, WARNINGS_MAX);
    put_budgets(out, verdict);
    put_phases(out, report);
    put_residency(out, report);
    put_holders(out, report);
    put_texts(out, "Doubts and losses", (const char *const *)report->doubts, report->doubt_count, DOUBTS_MAX);
    put_texts(out, "Hints", (const char *const *)verdict->hints, verdict->hint_count, SIZE_MAX);
    return stream_end(out);
}

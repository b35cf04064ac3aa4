/*
 * What was found: the verdict in words, each leak with its evidence and stack, budgets. The first lines must do for
 * someone who reads no further.
 */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "../report/finding.h"
#include "../report/together.h"
#include "../text/file_name.h"
#include "../text/plural.h"
#include "amount.h"
#include "naming.h"
#include "sections.h"

enum { INDENT = 4, STACK_COLUMN = 12 };

struct result_style {
    const char *result;
    enum tint tint;
    const char *headline; /* what it means where no leak or budget says it better */
};

static const struct result_style result_styles[] = {
    {"pass", TINT_GOOD, "no call site keeps growing"},
    {"warn", TINT_WARN, "no leak, but growth that should be looked at"},
    {"leak", TINT_BAD, "memory is kept in every round"},
    {"budget", TINT_BAD, "a budget was exceeded"},
    {"inconclusive", TINT_WARN, "not all of it could be judged"},
    {"nothing-judged", TINT_WARN, "no rounds that could be judged"},
};

static const struct result_style *style_of(const char *result) {
    static const struct result_style unknown = {"", TINT_TITLE, ""};
    for (size_t i = 0; result && i < sizeof result_styles / sizeof *result_styles; i++)
        if (strcmp(result_styles[i].result, result) == 0) return &result_styles[i];
    return &unknown;
}

/* The median round adds nothing where few rounds do: that is no rate to go by. */
static bool has_rate(const struct report_growth *growth) {
    return isfinite(growth->bytes_per_round) && growth->bytes_per_round != 0;
}

/* Verdict. */

static void put_leak_headline(struct pen *pen, const struct report *report) {
    const struct report_finding *first = &report->verdict.leaks[0];
    const struct report_site *site = site_of_finding(report, first);
    const struct report_growth *growth = growth_of_finding(site, first);
    pen_name(pen, name_of_site(site).text, pen->style.width / 2);
    if (named_caller(site)) {
        pen_put(pen, ", called by ");
        pen_name(pen, named_caller(site), 30);
        pen_put(pen, ",");
    }
    pen_put(pen, " leaks");
    if (growth && has_rate(growth)) pen_print(pen, " %s per round", amount_bytes_real(growth->bytes_per_round).text);
    if (first->phase && strcmp(first->phase, "round") != 0) {
        pen_put(pen, " of ");
        pen_name(pen, first->phase, 30);
    }
    if (report->verdict.leak_count > 1) pen_print(pen, ", and %zu more", report->verdict.leak_count - 1);
    if (!report->verdict.leaks_below) return;
    pen_put(pen, ", all below ");
    pen_name(pen, report->verdict.leaks_below, 30);
}

static const struct report_budget *first_failed(const struct report_verdict *verdict) {
    for (size_t i = 0; i < verdict->budget_count; i++)
        if (!verdict->budgets[i].ok) return &verdict->budgets[i];
    return NULL;
}

/* Columns of the table of budgets. */
enum { PHASE = 28, VALUE = 44, LIMIT = 56, STATE = 72 };

/* A value as the table shows it, `12 MiB (what else is to be known)`, in its two parts. */
struct budget_value {
    char figure[LIMIT - VALUE];
    const char *note; /* NULL: none */
};

static struct budget_value value_parts(const char *value) {
    struct budget_value parts = {"–", value};
    const char *open = value ? strstr(value, " (") : NULL;
    size_t length = open ? (size_t)(open - value) : value ? strlen(value) : 0;
    if (!value || length >= sizeof parts.figure) return parts;
    memcpy(parts.figure, value, length);
    parts.figure[length] = '\0';
    parts.note = open ? open + 1 : NULL;
    return parts;
}

static void put_budget_headline(struct pen *pen, const struct report_budget *budget) {
    pen_name(pen, budget->rule, 40);
    if (budget->phase) {
        pen_put(pen, " of ");
        pen_name(pen, budget->phase, 30);
    }
    pen_put(pen, " is ");
    struct budget_value value = value_parts(budget->value);
    pen_name(pen, value.note == budget->value && value.note ? value.note : value.figure, 60);
    pen_put(pen, ", allowed ");
    pen_name(pen, budget->limit ? budget->limit : "unknown", 30);
}

/*
 * The first phase with rounds in which RSS rises while no call site accounts for it, or NULL. Only rules fail for that:
 * the headline tells.
 */
static const struct report_phase *rising_phase(const struct report *report) {
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        const char *diagnosis = phase->judged && phase->rounds > 1 && phase->diagnosis ? phase->diagnosis : "";
        if (strcmp(diagnosis, "unexplained") == 0 || strcmp(diagnosis, "fragmentation") == 0) return phase;
    }
    return NULL;
}

static void put_pass_headline(struct pen *pen, const struct report *report) {
    const struct report_phase *phase = rising_phase(report);
    int64_t open = report->verdict.not_judged;
    bool blind = open > 0 && report->verdict.judged_sites == 0;
    pen_put(pen, blind ? "nothing that grew could be judged" : style_of("pass")->headline);
    if (phase) {
        pen_put(pen, ", but RSS does in ");
        pen_name(pen, phase->name, 30);
        pen_print(pen, " (%s)", phase->diagnosis);
    }
    if (open <= 0) return;
    int64_t missing = report->verdict.rounds_missing;
    pen_print(pen, "; %s %s", amount_count(open).text, open == 1 ? "needs" : "need");
    if (missing > 0) pen_print(pen, " %s%" PRId64, open == 1 ? "" : "up to ", missing);
    pen_print(pen, " more round%s", missing > 0 ? plural((uint64_t)missing) : "s");
}

/* What grows steadily is what somebody looks for whose server is out of memory; who warms up may wait for the list. */
static const struct report_finding *steady_growth(const struct report_verdict *verdict) {
    const struct report_finding *first = verdict->warning_count ? &verdict->warnings[0] : NULL;
    return first && !first->hidden && first->class_slug && strcmp(first->class_slug, "growing") == 0 ? first : NULL;
}

static void put_warn_headline(struct pen *pen, const struct report *report, const struct report_finding *first) {
    size_t others = report->verdict.warning_count - 1;
    pen_put(pen, "no leak, but ");
    pen_name(pen, name_of_site(site_of_finding(report, first)).text, pen->style.width / 2);
    pen_put(pen, " grows in ");
    pen_name(pen, first->phase ? first->phase : "run", 30);
    if (others) pen_print(pen, ", and %zu more warning%s", others, plural(others));
}

static void put_headline(struct pen *pen, const struct report *report) {
    const struct report_verdict *verdict = &report->verdict;
    const struct report_budget *failed = first_failed(verdict);
    if (verdict->result && strcmp(verdict->result, "leak") == 0 && verdict->leak_count) put_leak_headline(pen, report);
    else if (verdict->result && strcmp(verdict->result, "budget") == 0 && failed) put_budget_headline(pen, failed);
    else if (verdict->result && strcmp(verdict->result, "warn") == 0 && steady_growth(verdict))
        put_warn_headline(pen, report, steady_growth(verdict));
    else if (verdict->result && strcmp(verdict->result, "pass") == 0) put_pass_headline(pen, report);
    else pen_put(pen, style_of(verdict->result)->headline);
}

static void compose_judged(FILE *out, const void *object) {
    const struct report_verdict *verdict = object;
    fprintf(out, "judged: %" PRId64 " phase%s, %" PRId64 " call site%s", verdict->judged_phases,
            plural((uint64_t)verdict->judged_phases), verdict->judged_sites, plural((uint64_t)verdict->judged_sites));
    if (verdict->not_judged > 0) fprintf(out, " · not judged: %" PRId64 " (too few rounds)", verdict->not_judged);
    fprintf(out, " · exit status %d", verdict->exit_code);
}

static void put_judged(struct pen *pen, const struct report_verdict *verdict) {
    pen_to(pen, INDENT);
    pen_tint(pen, TINT_FAINT);
    pen_composed(pen, INDENT, compose_judged, verdict);
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

static void put_bullets(struct pen *pen, const char *bullet, const char *const *texts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        pen_to(pen, INDENT);
        pen_put(pen, bullet);
        pen_wrapped(pen, texts[i], pen->column);
        pen_line(pen);
    }
}

void section_verdict(struct pen *pen, const struct report *report) {
    const struct report_verdict *verdict = &report->verdict;
    const char *result = verdict->result ? verdict->result : "unknown";
    pen_tint(pen, style_of(result)->tint);
    for (const char *letter = result; *letter; letter++) pen_print(pen, "%c", toupper((unsigned char)*letter));
    pen_tint(pen, TINT_NONE);
    pen_put(pen, "  ");
    pen_tint(pen, TINT_TITLE);
    put_headline(pen, report);
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
    put_judged(pen, verdict);
    put_bullets(pen, "• ", (const char *const *)verdict->reasons, verdict->reason_count);
    put_bullets(pen, "hint: ", (const char *const *)verdict->hints, verdict->hint_count);
    pen_line(pen);
}

/* Stacks. */

/* file.c:12 where the source is known, else module+0x123. */
static void put_place(struct pen *pen, const char *file, int64_t line, const char *module, uint64_t offset, int room) {
    if (file) {
        pen_name(pen, file_name(file), room - 7);
        if (line > 0) pen_print(pen, ":%" PRId64, line);
        return;
    }
    if (module) pen_name(pen, module, room - 12);
    pen_print(pen, "%s0x%" PRIx64, module ? "+" : "", offset);
}

static void put_frame(struct pen *pen, const struct report_frame *frame, bool is_site) {
    int place = pen->style.width - 30, room = place - STACK_COLUMN - 2;
    pen_to(pen, STACK_COLUMN);
    pen_tint(pen, is_site ? TINT_NAME : TINT_NONE);
    pen_name(pen, frame->function ? frame->function : "(no symbol)", room);
    pen_tint(pen, TINT_FAINT);
    pen_to(pen, place);
    put_place(pen, frame->file, frame->line, frame->module, frame->offset, 30);
    if (frame->inlined) pen_put(pen, " inl.");
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

/* How many frames lead to the program's own first function; what starts it is of no interest. */
static size_t own_depth(const struct report_site *site) {
    for (size_t i = site->depth; i-- > 0;)
        if (site->stack[i].function && strcmp(site->stack[i].function, "main") == 0) return i + 1;
    return site->depth;
}

static void put_stack(struct pen *pen, const struct report_site *site) {
    size_t depth = own_depth(site), most = pen->style.depth ? pen->style.depth : 12,
           shown = depth < most ? depth : most;
    for (size_t i = 0; i < shown; i++) {
        if (i == 0) {
            pen_to(pen, INDENT);
            pen_tinted(pen, TINT_FAINT, "stack");
        }
        put_frame(pen, &site->stack[i], i == 0);
    }
    if (shown == depth) return;
    pen_to(pen, STACK_COLUMN);
    pen_print(pen, "… %zu more frame%s", depth - shown, plural(depth - shown));
    pen_line(pen);
}

/* Findings. */

static void put_label(struct pen *pen, const char *label) {
    pen_to(pen, INDENT);
    pen_tinted(pen, TINT_FAINT, label);
    pen_to(pen, STACK_COLUMN);
}

struct rated {
    const struct report *report;
    const struct report_growth *growth;
    const struct report_site *site;
};

/*
 * What the growth comes to in a day, where the phase went on for long enough to say so: a test that does a day's work
 * in a moment says nothing of a day.
 */
static double bytes_per_day(const struct rated *rated) {
    enum { PACE_SECONDS_LEAST = 10 };
    const struct report *report = rated->report;
    const char *name = rated->growth->phase;
    for (size_t i = 0; name && i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        if (phase->process_index != rated->site->process_index || strcmp(phase->name, name) != 0) continue;
        double seconds = (double)(phase->end - phase->begin) / 1e9;
        if (seconds < PACE_SECONDS_LEAST) return NAN;
        return rated->growth->bytes_per_round * (double)rated->growth->rounds / seconds * 86400;
    }
    return NAN;
}

#define MOST_THREADS 64 /* that are told apart */

/* Ends that read alike say nothing. */
static void put_interval(FILE *out, const struct report_growth *growth) {
    if (!isfinite(growth->ci_low) || !isfinite(growth->ci_high)) return;
    struct amount low = amount_bytes_real(growth->ci_low), high = amount_bytes_real(growth->ci_high);
    if (strcmp(low.text, high.text) != 0) fprintf(out, " (%s to %s)", low.text, high.text);
}

static void put_live(FILE *out, const struct report_site *site) {
    if (site->live_blocks_end == 0) fputs("none live at the end", out);
    else
        fprintf(out, "%s live in %s block%s at the end", amount_bytes(site->live_bytes_end).text,
                amount_count(site->live_blocks_end).text, plural((uint64_t)site->live_blocks_end));
}

static void compose_rate(FILE *out, const void *object) {
    const struct rated *rated = object;
    const struct report_growth *growth = rated->growth;
    if (has_rate(growth)) {
        fprintf(out, "%s per round", amount_bytes_real(growth->bytes_per_round).text);
        put_interval(out, growth);
        if (isfinite(bytes_per_day(rated)))
            fprintf(out, ", at this pace %s a day", amount_bytes_real(bytes_per_day(rated)).text);
        fputs(" · ", out);
    }
    if (isfinite(growth->bytes_per_item))
        fprintf(out, "%s per item · ", amount_bytes_real(growth->bytes_per_item).text);
    put_live(out, rated->site);
    if (growth->threads_affected > 1)
        fprintf(out, " · %" PRId64 " threads%s", growth->threads_affected,
                growth->threads_affected < MOST_THREADS ? "" : " or more");
}

static void put_rate(struct pen *pen, const struct report *report, const struct report_growth *growth,
                     const struct report_site *site) {
    put_label(pen, "rate");
    pen_composed(pen, STACK_COLUMN, compose_rate, &(struct rated){report, growth, site});
    pen_line(pen);
}

static void put_survivors(struct pen *pen, const struct report_growth *growth) {
    if (growth->survivor_count == 0) return;
    put_label(pen, "rounds");
    pen_tint(pen, TINT_LIVE);
    pen_spark(pen, growth->survivors, growth->survivor_count, pen->style.width - STACK_COLUMN - 36);
    pen_tint(pen, TINT_NONE);
    pen_tinted(pen, TINT_FAINT, " blocks born then that stay");
    pen_line(pen);
}

static void compose_evidence(FILE *out, const void *object) {
    const struct report_growth *growth = object;
    const char *held = growth->held_until;
    fprintf(out, "%" PRId64 " of %" PRId64 " evidence round%s added blocks (%" PRId64 " round%s", growth->k, growth->n,
            plural((uint64_t)growth->n), growth->rounds, plural((uint64_t)growth->rounds));
    if (growth->rounds_kind && strcmp(growth->rounds_kind, "phases") != 0)
        fprintf(out, " of equal %s", growth->rounds_kind);
    fprintf(out, ", first %" PRId64 ", last %" PRId64 ")", growth->first, growth->last);
    if (isfinite(growth->reach)) fprintf(out, ", reach %.3g", growth->reach);
    if (held && strcmp(held, "never") == 0) fputs(", never released", out);
    else if (held) fprintf(out, ", released only at %s", held);
}

/* The sentence of the verdict, which has the numbers in it; without one, the numbers. */
static void put_evidence(struct pen *pen, const struct report_growth *growth) {
    put_label(pen, "because");
    if (growth->sentence) pen_wrapped(pen, growth->sentence, STACK_COLUMN);
    else pen_composed(pen, STACK_COLUMN, compose_evidence, growth);
    pen_line(pen);
}

static void put_growth(struct pen *pen, const struct report *report, const struct report_growth *growth,
                       const struct report_site *site) {
    put_evidence(pen, growth);
    put_survivors(pen, growth);
    put_rate(pen, report, growth, site);
    if (growth->would_change) {
        put_label(pen, "unless");
        pen_wrapped(pen, growth->would_change, STACK_COLUMN);
        pen_line(pen);
    }
}

static void put_title(struct pen *pen, size_t number, const struct report_finding *finding,
                      const struct report_site *site, enum tint tint) {
    pen_right(pen, 2, "");
    pen_tint(pen, tint);
    pen_print(pen, "%zu ", number);
    pen_put(pen, finding->class_slug ? finding->class_slug : "");
    pen_tint(pen, TINT_NONE);
    pen_put(pen, "  ");
    pen_tint(pen, TINT_TITLE);
    if (site) pen_name(pen, name_of_site(site).text, pen->style.width / 2);
    pen_tint(pen, TINT_NONE);
    if (finding->phase) {
        pen_put(pen, site ? " in " : "in ");
        pen_name(pen, finding->phase, 30);
    }
    if (site && site->id) {
        pen_tint(pen, TINT_FAINT);
        pen_print(pen, "  site %s", site->id);
        pen_tint(pen, TINT_NONE);
    }
    pen_line(pen);
}

static void put_process(struct pen *pen, const struct report *report, const struct report_site *site) {
    if (report->process_count < 2) return;
    const struct report_process *process = &report->processes[site->process_index];
    put_label(pen, "process");
    pen_name(pen, process->exe ? file_name(process->exe) : "?", 40);
    pen_print(pen, ", pid %" PRId64, process->pid);
    pen_line(pen);
}

static void put_finding(struct pen *pen, const struct report *report, size_t number,
                        const struct report_finding *finding, enum tint tint) {
    const struct report_site *site = site_of_finding(report, finding);
    const struct report_growth *growth = growth_of_finding(site, finding);
    put_title(pen, number, finding, site, tint);
    if (site) put_process(pen, report, site);
    if (growth) put_growth(pen, report, growth, site);
    else if (finding->reason) {
        put_label(pen, "because");
        pen_wrapped(pen, finding->reason, STACK_COLUMN);
        pen_line(pen);
    }
    if (site) put_stack(pen, site);
    pen_line(pen);
}

/* How many are not shown, and what would show them. */
static void put_rest(struct pen *pen, size_t more, size_t hidden) {
    if (more) pen_print(pen, "  … and %zu more (--top N or --json shows them)", more);
    if (more) pen_line(pen);
    if (hidden) pen_print(pen, "  %zu left out by the filters", hidden);
    if (hidden) pen_line(pen);
    if (more || hidden) pen_line(pen);
}

static void put_together(struct pen *pen, const struct together *together, const char *phase) {
    const struct report_site *site = together->site;
    pen_put(pen, "  together  ");
    if (together->one_function) {
        pen_name(pen, name_of_site(site).text, pen->style.width / 2);
        pen_put(pen, ", ");
    }
    pen_name(pen, file_name(site->file), 40);
    pen_print(pen, ":%" PRId64 ", in ", site->line);
    pen_name(pen, phase ? phase : "the run", 30);
    pen_print(pen, ": %zu stacks", together->stacks);
    if (together->bytes_per_round != 0)
        pen_print(pen, ", %s per round", amount_bytes_real(together->bytes_per_round).text);
    pen_line(pen);
}

/* One line for each source line that gave several findings; an empty one behind them. */
static void put_sums(struct pen *pen, const struct report *report, const struct report_finding *findings,
                     size_t count) {
    enum { SUMS = 10 };
    struct together together;
    size_t shown = 0;
    for (size_t i = 0; i < count && shown < SUMS; i++) {
        if (!together_from(report, findings, count, i, &together)) continue;
        put_together(pen, &together, findings[i].phase);
        shown++;
    }
    if (shown) pen_line(pen);
}

static void put_findings(struct pen *pen, const struct report *report, const struct report_finding *findings,
                         size_t count, size_t most, const char *title, enum tint tint) {
    if (count == 0) return;
    size_t hidden = 0, shown = 0;
    for (size_t i = 0; i < count; i++) hidden += findings[i].hidden;
    pen_tinted(pen, TINT_TITLE, title);
    pen_line(pen);
    for (size_t i = 0; i < count && shown < most; i++)
        if (!findings[i].hidden) put_finding(pen, report, ++shown, &findings[i], tint);
    put_rest(pen, count - hidden - shown, hidden);
    put_sums(pen, report, findings, count);
}

void section_leaks(struct pen *pen, const struct report *report, size_t most) {
    put_findings(pen, report, report->verdict.leaks, report->verdict.leak_count, most, "Leaks", TINT_BAD);
}

void section_warnings(struct pen *pen, const struct report *report, size_t most) {
    put_findings(pen, report, report->verdict.warnings, report->verdict.warning_count, most, "Warnings", TINT_WARN);
}

/* Budgets. */

static void compose_text(FILE *out, const void *object) { fputs(object, out); }

static void put_budget_note(struct pen *pen, const char *note) {
    pen_to(pen, INDENT + 2);
    pen_tint(pen, TINT_FAINT);
    pen_composed(pen, INDENT + 2, compose_text, note);
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

static void put_budget(struct pen *pen, const struct report_budget *budget) {
    struct budget_value value = value_parts(budget->value);
    pen_to(pen, INDENT);
    pen_name(pen, budget->rule ? budget->rule : "", PHASE - INDENT - 1);
    pen_to(pen, PHASE);
    pen_name(pen, budget->phase ? budget->phase : "", VALUE - PHASE - 1);
    pen_to(pen, VALUE);
    pen_name(pen, value.figure, LIMIT - VALUE - 1);
    pen_to(pen, LIMIT);
    pen_name(pen, budget->limit ? budget->limit : "–", STATE - LIMIT - 1);
    pen_to(pen, STATE);
    pen_tinted(pen, budget->ok ? TINT_GOOD : TINT_BAD, budget->state ? budget->state : budget->ok ? "ok" : "exceeded");
    pen_line(pen);
    if (value.note) put_budget_note(pen, value.note);
}

void section_budgets(struct pen *pen, const struct report *report, bool failed_only) {
    const struct report_verdict *verdict = &report->verdict;
    if (verdict->budget_count == 0 || (failed_only && !first_failed(verdict))) return;
    pen_tinted(pen, TINT_TITLE, "Budget");
    pen_tint(pen, TINT_FAINT);
    pen_to(pen, PHASE);
    pen_put(pen, "phase");
    pen_to(pen, VALUE);
    pen_put(pen, "value");
    pen_to(pen, LIMIT);
    pen_put(pen, "limit");
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
    for (size_t i = 0; i < verdict->budget_count; i++)
        if (!failed_only || !verdict->budgets[i].ok) put_budget(pen, &verdict->budgets[i]);
    pen_line(pen);
}

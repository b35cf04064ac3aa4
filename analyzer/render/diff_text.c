/*
 * A comparison for a terminal: what changed in one line, the two sides, then totals, phases, verdicts and sites.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "../text/file_name.h"
#include "../text/plural.h"
#include "diff_words.h"
#include "naming.h"
#include "pen.h"
#include "sections.h"

enum { INDENT = 4, SITES_DEFAULT = 20, FINDINGS_MOST = 30 };

static enum tint tint_of(enum change change) {
    switch (change) {
    case CHANGE_GROWN:
    case CHANGE_NEW: return TINT_BAD;
    case CHANGE_SHRUNK:
    case CHANGE_GONE: return TINT_GOOD;
    case CHANGE_MOVED:
    case CHANGE_SAME: break;
    }
    return TINT_FAINT;
}

static void put_cell(struct pen *pen, int width, const char *text, enum change change) {
    if (change) pen_tint(pen, tint_of(change));
    pen_right(pen, width, text);
    if (change) pen_tint(pen, TINT_NONE);
}

static void put_heads(struct pen *pen, const char *title, int column, const char *const *heads, const int *widths,
                      size_t count) {
    pen_tinted(pen, TINT_TITLE, title);
    pen_tint(pen, TINT_FAINT);
    pen_to(pen, column);
    for (size_t i = 0; i < count; i++) pen_right(pen, widths[i], heads[i]);
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

/* The two sides. */

static void put_side(struct pen *pen, const char *which, const struct report *report) {
    const struct report_process *first = report->process_count ? &report->processes[0] : NULL;
    pen_to(pen, INDENT);
    pen_print(pen, "%s  ", which);
    pen_name(pen, report->trace.path ? file_name(report->trace.path) : "?", 30);
    pen_put(pen, " · ");
    for (size_t i = 0; first && i < first->arg_count && pen->column < pen->style.width - 50; i++) {
        pen_name(pen, i ? first->args[i] : file_name(first->args[i]), 24);
        pen_put(pen, i + 1 < first->arg_count && pen->column >= pen->style.width - 50 ? " … " : " ");
    }
    if (report->process_count > 1) pen_print(pen, "(%zu processes) ", report->process_count);
    pen_print(pen, "· %s · %s (exit status %d)", amount_time_whole(first ? report->duration_ns : REPORT_NONE).text,
              report->verdict.result, report->verdict.exit_code);
    pen_line(pen);
}

static void put_sentence(struct pen *pen, void (*compose)(FILE *, const void *), const struct comparison *c) {
    pen_to(pen, INDENT);
    pen_composed(pen, INDENT, compose, c);
    pen_line(pen);
}

static void put_head(struct pen *pen, const struct comparison *c) {
    bool any = c->sites_by_change[CHANGE_SHRUNK] || c->sites_by_change[CHANGE_GONE];
    for (size_t i = 0; i < c->total_count; i++) any |= c->totals[i].judged && c->totals[i].change;
    pen_tinted(pen, c->grew ? TINT_BAD : TINT_GOOD, c->grew ? "GREW" : any ? "LESS" : "SAME");
    pen_put(pen, "  ");
    pen_composed(pen, 6, diff_headline, c);
    pen_line(pen);
    put_side(pen, "old", c->before);
    put_side(pen, "new", c->after);
    put_sentence(pen, diff_work, c);
    if (diff_has_unlike(c)) put_sentence(pen, diff_unlike, c);
    pen_tint(pen, TINT_FAINT);
    put_sentence(pen, diff_tolerance, c);
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

/* Totals. */

static void put_totals(struct pen *pen, const struct comparison *c) {
    static const char *const heads[] = {"old", "new", "change", ""};
    static const int widths[] = {12, 12, 13, 10};
    put_heads(pen, "Totals", 20, heads, widths, 4);
    for (size_t i = 0; i < c->total_count; i++) {
        const struct compared_total *total = &c->totals[i];
        enum change change = total->judged ? total->change : CHANGE_SAME;
        pen_to(pen, 2);
        pen_put(pen, diff_total_title(total->name));
        pen_to(pen, 20);
        pen_right(pen, widths[0], diff_total_amount(total, total->before).text);
        pen_right(pen, widths[1], diff_total_amount(total, total->after).text);
        put_cell(pen, widths[2], diff_total_by(total).text, change);
        put_cell(pen, widths[3], diff_factor((double)total->before, (double)total->after).text, change);
        pen_line(pen);
    }
    pen_line(pen);
}

/* Phases. */

enum { PHASE_COLUMN = 10, PHASE_CELLS = 7 };
static const char *const phase_heads[PHASE_CELLS] = {"rounds",    "time",     "items/s",   "RSS peak",
                                                     "live peak", "live end", "kept/round"};
static const int phase_widths[PHASE_CELLS] = {9, 10, 10, 11, 11, 11, 12};
static const int phase_least[PHASE_CELLS] = {0, 0, 98, 0, 98, 0, 0}; /* width of the page from which on it is shown */

static void put_phase_side(struct pen *pen, const char *which, const struct report_phase *phase, enum change change) {
    pen_to(pen, INDENT);
    pen_put(pen, which);
    pen_to(pen, PHASE_COLUMN);
    const struct amount cells[PHASE_CELLS] = {amount_count(phase->rounds),
                                              amount_time_whole(phase->duration_ns),
                                              amount_number(phase->items_per_s),
                                              amount_bytes(phase->rss_peak),
                                              amount_bytes(phase->live_peak),
                                              amount_bytes(phase->live_end),
                                              amount_bytes_real(phase->retained_per_round)};
    for (size_t i = 0; i < PHASE_CELLS; i++)
        if (pen->style.width >= phase_least[i]) pen_right(pen, phase_widths[i], cells[i].text);
    const char *word = change ? change_name(change) : phase->diagnosis;
    if (word) pen_put(pen, " ");
    if (word) pen_tinted(pen, change ? tint_of(change) : TINT_NONE, word);
    pen_line(pen);
}

static void compose_work_of_phase(FILE *out, const void *object) {
    const struct compared_phase *phase = object;
    fprintf(out, "%s %s and %s; for each: kept %s and %s, time %s and %s (%s)", amount_count(phase->work.before).text,
            phase->work.kind, amount_count(phase->work.after).text, amount_bytes_real(phase->kept_before).text,
            amount_bytes_real(phase->kept_after).text, amount_time(phase->time_before).text,
            amount_time(phase->time_after).text, diff_factor(phase->time_before, phase->time_after).text);
}

static void put_phase(struct pen *pen, const struct compared_phase *phase) {
    pen_to(pen, 2);
    pen_name(pen, phase->name, pen->style.width - 20);
    if (!phase->before || !phase->after) {
        pen_put(pen, " ");
        pen_tinted(pen, phase->before ? TINT_GOOD : TINT_WARN, phase->before ? "only in old" : "only in new");
    }
    pen_line(pen);
    if (phase->before) put_phase_side(pen, "old", phase->before, CHANGE_SAME);
    if (phase->after) put_phase_side(pen, "new", phase->after, phase->before ? phase->change : CHANGE_SAME);
    bool rounds_alone =
        phase->work.before == phase->work.after && !strcmp(phase->work.kind ? phase->work.kind : "", "rounds");
    if (!phase->work.kind || rounds_alone) return;
    pen_tint(pen, TINT_FAINT);
    pen_to(pen, INDENT);
    pen_composed(pen, INDENT, compose_work_of_phase, phase);
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

static void put_phases(struct pen *pen, const struct comparison *c) {
    if (!c->phase_count) return;
    const char *heads[PHASE_CELLS];
    int widths[PHASE_CELLS];
    size_t count = 0;
    for (size_t i = 0; i < PHASE_CELLS; i++) {
        if (pen->style.width < phase_least[i]) continue;
        heads[count] = phase_heads[i];
        widths[count++] = phase_widths[i];
    }
    put_heads(pen, "Phases", PHASE_COLUMN, heads, widths, count);
    for (size_t i = 0; i < c->phase_count; i++) put_phase(pen, &c->phases[i]);
    pen_line(pen);
}

/* Verdicts. */

static const char *words_of(const struct compared_finding *finding) {
    static const char *const words[CHANGES] = {[CHANGE_SAME] = "still",
                                               [CHANGE_NEW] = "new",
                                               [CHANGE_GONE] = "gone",
                                               [CHANGE_GROWN] = "worse",
                                               [CHANGE_SHRUNK] = "better"};
    return words[finding->change];
}

static void put_finding(struct pen *pen, const struct compared_finding *finding) {
    pen_to(pen, 2);
    pen_tinted(pen, finding->leak || finding->change == CHANGE_GONE ? tint_of(finding->change) : TINT_WARN,
               words_of(finding));
    pen_to(pen, 9);
    pen_put(pen, finding->leak ? "leak    " : "warning ");
    pen_tint(pen, TINT_NAME);
    pen_name(pen, finding->function ? finding->function : "(unnamed)", 40);
    pen_tint(pen, TINT_NONE);
    if (finding->phase) {
        pen_put(pen, " in ");
        pen_name(pen, finding->phase, 24);
    }
    const char *before = finding->class_before ? finding->class_before : "nothing";
    const char *after = finding->class_after ? finding->class_after : "nothing";
    if (finding->change != CHANGE_SAME || strcmp(before, after)) pen_print(pen, "  %s → %s", before, after);
    if (finding->site) pen_print(pen, "  site %s", finding->site);
    pen_line(pen);
    if (finding->change != CHANGE_NEW && finding->change != CHANGE_GROWN) return;
    pen_to(pen, 9);
    pen_wrapped(pen, finding->reason ? finding->reason : "", 9);
    pen_line(pen);
}

static void put_verdicts(struct pen *pen, const struct comparison *c) {
    const struct report_verdict *before = &c->before->verdict, *after = &c->after->verdict;
    size_t shown = 0, warnings = 0;
    pen_tinted(pen, TINT_TITLE, "Verdicts");
    pen_print(pen, "  %s → %s", before->result, after->result);
    if (!c->finding_count) pen_put(pen, ", no leak and no warning in either");
    pen_line(pen);
    for (size_t i = 0; i < c->finding_count; i++) {
        const struct compared_finding *finding = &c->findings[i];
        if (finding->change == CHANGE_SAME && !finding->leak) warnings++;
        else if (shown++ < FINDINGS_MOST) put_finding(pen, finding);
    }
    if (shown > FINDINGS_MOST) {
        pen_print(pen, "  … %zu more (--json)", shown - FINDINGS_MOST);
        pen_line(pen);
    }
    if (warnings) {
        pen_print(pen, "  still  %zu warning%s that both have (--json)", warnings, plural(warnings));
        pen_line(pen);
    }
    pen_line(pen);
}

/* Sites. */

enum { PLACE_ROOM_LEAST = 40 }; /* from which on a name leaves some for its file */
static const char *const site_heads[] = {"", "live old", "new", "by", "peak by", "allocs by"};
static const int site_widths[] = {7, 11, 11, 12, 12, 6};

static void put_site(struct pen *pen, const struct compared_site *site) {
    pen_to(pen, 2);
    pen_tinted(pen, tint_of(site->change), change_name(site->change));
    pen_to(pen, site_widths[0]);
    pen_right(pen, site_widths[1], amount_bytes(site->before.live_bytes_end).text);
    pen_right(pen, site_widths[2], amount_bytes(site->after.live_bytes_end).text);
    put_cell(pen, site_widths[3], diff_bytes(site->by.live_bytes_end).text, site->change);
    pen_right(pen, site_widths[4], diff_bytes(site->by.peak_bytes).text);
    pen_put(pen, "  ");
    pen_tint(pen, TINT_NAME);
    int room = pen->style.width - pen->column;
    bool place = room >= PLACE_ROOM_LEAST;
    pen_name(pen, name_of_site(site->shown).text, place ? room - 24 : room);
    pen_tint(pen, TINT_FAINT);
    if (place && site->shown->file) {
        pen_put(pen, " ");
        pen_name(pen, file_name(site->shown->file), pen->style.width - pen->column - 6);
        if (site->shown->line > 0) pen_print(pen, ":%" PRId64, site->shown->line);
    }
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
    section_callers(pen, site->shown, 12);
}

static void put_sites(struct pen *pen, const struct comparison *c) {
    size_t most = pen->style.sites ? pen->style.sites : SITES_DEFAULT;
    size_t changed = c->site_count - c->sites_by_change[CHANGE_SAME];
    pen_tinted(pen, TINT_TITLE, "Call sites");
    pen_put(pen, "  ");
    pen_composed(pen, INDENT, diff_sites, c);
    pen_line(pen);
    if (changed) put_heads(pen, "", 0, site_heads, site_widths, 5);
    for (size_t i = 0; i < changed && i < most; i++) put_site(pen, &c->sites[i]);
    if (changed > most) {
        pen_to(pen, INDENT);
        pen_print(pen, "… %zu more that changed (--top N)", changed - most);
        pen_line(pen);
    }
    pen_line(pen);
}

/* Doubts. */

static bool has_doubt(const struct report *report, const char *doubt) {
    for (size_t i = 0; i < report->doubt_count; i++)
        if (!strcmp(report->doubts[i], doubt)) return true;
    return false;
}

static void put_doubt(struct pen *pen, const char *which, const char *doubt) {
    pen_to(pen, INDENT);
    pen_print(pen, "• %s: ", which);
    pen_wrapped(pen, doubt, INDENT + 2);
    pen_line(pen);
}

static void put_doubts(struct pen *pen, const struct report *before, const struct report *after) {
    if (!before->doubt_count && !after->doubt_count) return;
    pen_tinted(pen, TINT_TITLE, "Doubts and losses");
    pen_line(pen);
    for (size_t i = 0; i < before->doubt_count; i++)
        put_doubt(pen, has_doubt(after, before->doubts[i]) ? "both" : "old", before->doubts[i]);
    for (size_t i = 0; i < after->doubt_count; i++)
        if (!has_doubt(before, after->doubts[i])) put_doubt(pen, "new", after->doubts[i]);
}

int render_diff_text(FILE *out, const struct comparison *c, const struct text_style *style) {
    struct pen pen = pen_for(out, style);
    put_head(&pen, c);
    put_totals(&pen, c);
    put_phases(&pen, c);
    put_verdicts(&pen, c);
    put_sites(&pen, c);
    put_doubts(&pen, c->before, c->after);
    return pen_done(&pen);
}

/*
 * The live view: state and verdict so far, curves, phases, and the sites that grow most since the view before.
 */
#include "watch.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../text/file_name.h"
#include "../text/plural.h"
#include "amount.h"
#include "chart.h"
#include "naming.h"
#include "sections.h"

enum { INDENT = 4, SITES_MOST = 100, PHASES_MOST = 6, ROWS_DEFAULT = 40, ROWS_FOR_CHART = 34, CURVE_MOST = 2000 };

/* Numbers. */

static double rate(const struct watch_view *view, int64_t now, int64_t before) {
    if (!view->before || view->between_ns <= 0 || now == REPORT_NONE || before == REPORT_NONE) return NAN;
    return (double)(now - before) * 1e9 / (double)view->between_ns;
}

static struct amount per_second(double value, struct amount (*shown)(double)) {
    struct amount out = {"–"};
    if (!isfinite(value)) return out;
    if (fabs(value) < 0.5) snprintf(out.text, sizeof out.text, "=");
    else snprintf(out.text, sizeof out.text, "%s%.20s/s", value > 0 ? "+" : "-", shown(fabs(value)).text);
    return out;
}

static const struct report_process *first_process(const struct report *report) {
    return report->process_count ? report->processes : NULL;
}

static int64_t duration(const struct report *report) {
    return first_process(report) ? report->duration_ns : REPORT_NONE;
}

static const struct report_point *last_point(const struct report *report) {
    return report->point_count ? &report->curve[report->point_count - 1] : NULL;
}

static int64_t live_of(const struct report *report) { return report->totals.live_bytes_end; }

/* At the last moment at which it was measured. */
static int64_t rss_of(const struct report *report) {
    for (size_t i = report->point_count; i-- > 0;)
        if (report->curve[i].rss_bytes != REPORT_NONE) return report->curve[i].rss_bytes;
    return REPORT_NONE;
}

/* Sites. */

struct growing {
    const struct report_site *site;
    int64_t by;
};

static int64_t live_before(const struct report *before, const char *id) {
    for (size_t i = 0; before && i < before->site_count; i++)
        if (strcmp(before->sites[i].id, id) == 0) return before->sites[i].live_bytes_end;
    return 0;
}

static int most_growth_first(const void *a, const void *b) {
    const struct growing *x = a, *y = b;
    if (x->by != y->by) return x->by > y->by ? -1 : 1;
    int64_t left = x->site->live_bytes_end, right = y->site->live_bytes_end;
    return left != right ? left > right ? -1 : 1 : strcmp(x->site->id, y->site->id);
}

static size_t growing_sites(const struct watch_view *view, struct growing out[SITES_MOST]) {
    size_t count = 0;
    for (size_t i = 0; i < view->now->site_count && count < SITES_MOST; i++) {
        const struct report_site *site = &view->now->sites[i];
        int64_t by = view->before ? site->live_bytes_end - live_before(view->before, site->id) : 0;
        out[count++] = (struct growing){site, by};
    }
    qsort(out, count, sizeof *out, most_growth_first);
    return count;
}

/* The phase that began last, with its round. */
static const struct report_phase *current_phase(const struct report *report) {
    const struct report_phase *found = NULL;
    int64_t latest = -1;
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        if (!phase->instance_count || report_is_between(phase->name)) continue;
        int64_t begin = phase->instances[phase->instance_count - 1].begin;
        if (begin < latest) continue;
        latest = begin;
        found = phase;
    }
    return found;
}

/* The line for a log. */

static void put_top(struct pen *pen, const struct watch_view *view) {
    struct growing sites[SITES_MOST] = {0};
    if (!growing_sites(view, sites) || sites[0].by <= 0) return;
    pen_print(pen, " · grows: ");
    pen_name(pen, name_of_site(sites[0].site).text, 60);
    pen_print(pen, " +%s", amount_bytes(sites[0].by).text);
}

/* Between two readings. */
static void put_glance(struct pen *pen, const struct watch_view *view) {
    pen_print(pen, "%s · RSS %s now · the trace was read %s ago",
              amount_time_whole(duration(view->now) + view->age_ns).text, amount_bytes(view->rss_bytes).text,
              amount_time_whole(view->age_ns).text);
}

int render_watch_line(FILE *out, const struct watch_view *view, const struct text_style *style) {
    const struct report *now = view->now, *before = view->before;
    const struct report_phase *phase = current_phase(now);
    struct pen pen = pen_for(out, style);
    if (view->age_ns) {
        put_glance(&pen, view);
        pen_line(&pen);
        return pen_done(&pen);
    }
    pen_print(&pen, "%s · live %s", amount_time_whole(duration(now)).text, amount_bytes(live_of(now)).text);
    if (before) pen_print(&pen, " (%s)", per_second(rate(view, live_of(now), live_of(before)), amount_bytes_real).text);
    pen_print(&pen, " in %s block%s · RSS %s", amount_count(now->totals.live_blocks_end).text,
              plural((uint64_t)now->totals.live_blocks_end), amount_bytes(rss_of(now)).text);
    pen_print(&pen, " · %s allocation%s", amount_count(now->totals.allocations).text,
              plural((uint64_t)now->totals.allocations));
    if (before)
        pen_print(&pen, " (%s/s)", amount_number(rate(view, now->totals.allocations, before->totals.allocations)).text);
    if (phase) {
        pen_put(&pen, " · ");
        pen_name(&pen, phase->name, 40);
        pen_print(&pen, " #%" PRId64, phase->rounds);
    }
    pen_print(&pen, " · %s", now->verdict.result);
    put_top(&pen, view);
    if (strcmp(view->state, "recording") != 0) pen_print(&pen, " · %s", view->state);
    pen_line(&pen);
    return pen_done(&pen);
}

/* The screen. */

static void put_state(struct pen *pen, const struct watch_view *view) {
    const struct report *now = view->now;
    const struct report_process *first = first_process(now);
    pen_tint(pen, TINT_TITLE);
    pen_name(pen, first && first->exe ? file_name(first->exe) : "?", 40);
    pen_tint(pen, TINT_NONE);
    if (first) pen_print(pen, " · pid %" PRId64, first->pid);
    if (now->process_count > 1) pen_print(pen, " and %zu more", now->process_count - 1);
    pen_print(pen, " · %s · %s event%s · %s", amount_time_whole(duration(now)).text,
              amount_count(now->trace.events).text, plural((uint64_t)now->trace.events), view->state);
    pen_line(pen);
    bool good = strcmp(now->verdict.result, "pass") == 0;
    bool bad = strcmp(now->verdict.result, "leak") == 0;
    pen_put(pen, "so far: ");
    pen_tinted(pen, good ? TINT_GOOD : bad ? TINT_BAD : TINT_WARN, now->verdict.result);
    for (size_t i = 0; i < now->verdict.leak_count && i < 2; i++) {
        size_t at = now->verdict.leaks[i].site_index;
        pen_put(pen, i ? ", " : "  ");
        pen_name(pen, name_of_site(at < now->site_count ? &now->sites[at] : NULL).text, 40);
        pen_put(pen, " in ");
        pen_name(pen, now->verdict.leaks[i].phase ? now->verdict.leaks[i].phase : "?", 24);
    }
    if (now->verdict.leak_count > 2) pen_print(pen, " and %zu more", now->verdict.leak_count - 2);
    pen_line(pen);
    pen_line(pen);
}

/* One value over time. */
static void put_curve(struct pen *pen, const struct report *report, const char *title, size_t offset) {
    int64_t values[CURVE_MOST];
    size_t count = 0;
    for (size_t i = 0; i < report->point_count && count < CURVE_MOST; i++) {
        int64_t value;
        memcpy(&value, (const char *)&report->curve[i] + offset, sizeof value);
        if (value != REPORT_NONE) values[count++] = value;
    }
    pen_put(pen, title);
    pen_to(pen, 6);
    pen_spark(pen, values, count, pen->style.width - 8);
    pen_line(pen);
}

static void put_curves(struct pen *pen, const struct watch_view *view, int rows) {
    if (rows >= ROWS_FOR_CHART) {
        chart_draw(pen, view->now);
        return;
    }
    put_curve(pen, view->now, "live", offsetof(struct report_point, live_bytes));
    put_curve(pen, view->now, "RSS", offsetof(struct report_point, rss_bytes));
    pen_line(pen);
}

static void put_rate(struct pen *pen, const char *title, const char *value, const char *change, const char *peak) {
    pen_to(pen, 2);
    pen_put(pen, title);
    pen_to(pen, 16);
    pen_right(pen, 12, value);
    pen_right(pen, 16, change);
    if (peak) pen_print(pen, "   peak %s", peak);
    pen_line(pen);
}

static void put_rates(struct pen *pen, const struct watch_view *view) {
    const struct report_totals *now = &view->now->totals, *before = view->before ? &view->before->totals : now;
    const struct report_point *last = last_point(view->now);
    int64_t rss = rss_of(view->now);
    put_rate(pen, "live", amount_bytes(now->live_bytes_end).text,
             per_second(rate(view, now->live_bytes_end, before->live_bytes_end), amount_bytes_real).text,
             amount_bytes(now->peak_live_bytes).text);
    put_rate(pen, "RSS", amount_bytes(rss).text,
             per_second(rate(view, rss, view->before ? rss_of(view->before) : rss), amount_bytes_real).text,
             amount_bytes(now->peak_rss_bytes).text);
    put_rate(pen, "blocks", amount_count(now->live_blocks_end).text,
             per_second(rate(view, now->live_blocks_end, before->live_blocks_end), amount_number).text, NULL);
    put_rate(pen, "allocations", amount_count(now->allocations).text,
             per_second(rate(view, now->allocations, before->allocations), amount_number).text, NULL);
    if (last && last->threads != REPORT_NONE) {
        pen_print(pen, "  threads %" PRId64, last->threads);
        if (isfinite(last->cpu)) pen_print(pen, " · processors in use %.2f", last->cpu);
        pen_line(pen);
    }
    pen_line(pen);
}

/* The phases that began last. */
static void put_phases(struct pen *pen, const struct report *report) {
    struct report shown = *report;
    if (shown.phase_count > PHASES_MOST) {
        shown.phases += shown.phase_count - PHASES_MOST;
        shown.phase_count = PHASES_MOST;
    }
    section_phases(pen, &shown, false);
}

static void put_sites(struct pen *pen, const struct watch_view *view, int rows) {
    struct growing sites[SITES_MOST] = {0};
    size_t count = growing_sites(view, sites);
    pen_tinted(pen, TINT_TITLE, view->before ? "Call sites, the fastest growing first" : "Call sites");
    pen_line(pen);
    for (size_t i = 0; i < count && rows > 0; i++, rows--) {
        const struct report_site *site = sites[i].site;
        double by = view->before ? rate(view, sites[i].by, 0) : NAN;
        pen_right(pen, 12, amount_bytes(site->live_bytes_end).text);
        if (by > 0) pen_tint(pen, TINT_WARN);
        pen_right(pen, 15, per_second(by, amount_bytes_real).text);
        if (by > 0) pen_tint(pen, TINT_NONE);
        pen_right(pen, 9, amount_count(site->live_blocks_end).text);
        pen_put(pen, "  ");
        pen_tint(pen, TINT_NAME);
        pen_name(pen, name_of_site(site).text, pen->style.width - pen->column - (site->file ? 26 : 1));
        pen_tint(pen, TINT_FAINT);
        if (site->file) {
            pen_put(pen, " ");
            pen_name(pen, file_name(site->file), pen->style.width - pen->column - 7);
            if (site->line > 0) pen_print(pen, ":%" PRId64, site->line);
        }
        pen_tint(pen, TINT_NONE);
        pen_line(pen);
    }
}

static void put_foot(struct pen *pen, const struct watch_view *view) {
    pen_tint(pen, TINT_FAINT);
    if (view->age_ns) {
        put_glance(pen, view);
        pen_print(pen, " · ");
    }
    pen_print(pen, "reading the trace took %s; it is done each %s · q ends", amount_time_whole(view->cost_ns).text,
              amount_time_whole(view->interval_ns).text);
    pen_tint(pen, TINT_NONE);
}

/* How many lines a text has. */
static int lines_of(const char *text) {
    int lines = 0;
    for (; (text = strchr(text, '\n')); text++) lines++;
    return lines;
}

/* What stands above the sites. */
static int put_upper(FILE *out, const struct watch_view *view, const struct text_style *style, int rows) {
    struct pen pen = pen_for(out, style);
    put_state(&pen, view);
    put_curves(&pen, view, rows);
    put_rates(&pen, view);
    put_phases(&pen, view->now);
    return pen_done(&pen);
}

/* The lines that fit, each cleared to its end. */
static void put_lines(FILE *out, const char *text, int most) {
    for (const char *end; most > 0 && (end = strchr(text, '\n')); text = end + 1, most--) {
        fwrite(text, 1, (size_t)(end - text), out);
        fputs("\033[K\r\n", out);
    }
}

int render_watch_screen(FILE *out, const struct watch_view *view, const struct text_style *style) {
    int rows = view->rows ? view->rows : ROWS_DEFAULT;
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (!memory) return -1;
    put_upper(memory, view, style, rows);
    struct pen pen = pen_for(memory, style);
    put_sites(&pen, view, rows - 2 - lines_of(text));
    fclose(memory);
    put_lines(out, text, rows - 1);
    free(text);
    pen = pen_for(out, style);
    put_foot(&pen, view);
    fputs("\033[K\033[J", out);
    return pen_done(&pen);
}

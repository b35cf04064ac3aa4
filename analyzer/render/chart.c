/*
 * The chart is a grid of character cells. Each column shows the largest value in its stretch of time; the top cell of
 * the live area is one of eight block heights. Bands of phases that do not overlap in time share a row.
 */
#include "chart.h"

#include <stdlib.h>
#include <string.h>

#include "../text/plural.h"
#include "amount.h"

enum { ROWS = 10, LABEL_WIDTH = 10, COLUMNS_MAX = 160, LANES_MAX = 5, EIGHTHS = 8 };

struct chart {
    int columns;
    int64_t start, end; /* ns */
    double top;         /* bytes at the upper edge */
    bool has_rss;
    double live[COLUMNS_MAX], rss[COLUMNS_MAX];
};

/* Values. */

static int column_of(const struct chart *chart, int64_t t) {
    if (chart->end <= chart->start || t <= chart->start) return 0;
    double share = (double)(t - chart->start) / (double)(chart->end - chart->start);
    int column = (int)(share * chart->columns);
    return column >= chart->columns ? chart->columns - 1 : column;
}

static void raise_to(double *at, int64_t value) {
    if (value != REPORT_NONE && (double)value > *at) *at = (double)value;
}

/* A stretch without a point keeps the value before it. */
static void fill_gaps(double *values, int count) {
    for (int i = 1; i < count; i++)
        if (values[i] < 0) values[i] = values[i - 1];
    for (int i = count - 2; i >= 0; i--)
        if (values[i] < 0) values[i] = values[i + 1];
}

/* The next of 1, 1.25, 1.5, 1.75 and 2 times a power of two, so that the axis has plain numbers. */
static double plain_top(double value) {
    static const double steps[] = {1, 1.25, 1.5, 1.75, 2};
    double unit = 1024;
    while (unit * 2 < value) unit *= 2;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (unit * steps[i] >= value) return unit * steps[i];
    return unit * 2;
}

static void fill(struct chart *chart, const struct report *report) {
    double most = 0;
    for (int i = 0; i < chart->columns; i++) chart->live[i] = chart->rss[i] = -1;
    for (size_t i = 0; i < report->point_count; i++) {
        const struct report_point *point = &report->curve[i];
        int column = column_of(chart, point->t);
        raise_to(&chart->live[column], point->live_bytes);
        raise_to(&chart->rss[column], point->rss_bytes);
        chart->has_rss |= point->rss_bytes > 0;
    }
    fill_gaps(chart->live, chart->columns);
    fill_gaps(chart->rss, chart->columns);
    for (int i = 0; i < chart->columns; i++) {
        if (chart->live[i] > most) most = chart->live[i];
        if (chart->rss[i] > most) most = chart->rss[i];
    }
    chart->top = plain_top(most);
}

/* Cells. */

/* How many eighths of the cell in this row (0 is the lowest) the value fills. */
static int eighths(const struct chart *chart, double value, int row) {
    double filled = value / chart->top * ROWS * EIGHTHS - row * EIGHTHS;
    return filled <= 0 ? 0 : filled >= EIGHTHS ? EIGHTHS : (int)(filled + 0.5);
}

static void draw_cell(struct pen *pen, const struct chart *chart, int column, int row) {
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    int live = eighths(chart, chart->live[column], row), rss = eighths(chart, chart->rss[column], row);
    if (live && rss == EIGHTHS && live < EIGHTHS && pen->style.unicode && pen->style.color)
        pen_tinted(pen, TINT_LIVE_ON_RSS, blocks[live]);
    else if (live >= EIGHTHS / 2 || (live && rss < EIGHTHS / 2)) pen_tinted(pen, TINT_LIVE, blocks[live]);
    else if (pen->style.color && pen->style.unicode) pen_tinted(pen, TINT_RSS, blocks[rss]);
    else pen_put(pen, rss >= EIGHTHS / 2 ? "░" : live ? blocks[live] : " ");
}

static void draw_row(struct pen *pen, const struct chart *chart, int row) {
    bool labelled = row == ROWS - 1 || row == ROWS / 2 - 1;
    double value = chart->top * (row + 1) / ROWS;
    pen_right(pen, LABEL_WIDTH, labelled ? amount_bytes_real(value).text : "");
    pen_tinted(pen, TINT_FAINT, labelled ? " ┤" : " │");
    for (int column = 0; column < chart->columns; column++) draw_cell(pen, chart, column, row);
    pen_line(pen);
}

static void draw_axis(struct pen *pen, const struct chart *chart) {
    enum { TICK_COLUMNS = 20 };
    pen_right(pen, LABEL_WIDTH, "0 B");
    pen_tint(pen, TINT_FAINT);
    pen_put(pen, " ┼");
    for (int column = 0; column < chart->columns; column++)
        pen_put(pen, column % TICK_COLUMNS == 0 && column ? "┴" : "─");
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
    for (int column = 0; column < chart->columns; column += TICK_COLUMNS) {
        double t = (double)chart->start + (double)(chart->end - chart->start) * column / chart->columns;
        struct amount label = amount_time(t);
        int at = LABEL_WIDTH + 2 + column - (column ? pen_width_of(label.text) / 2 : 0);
        if (at + pen_width_of(label.text) > LABEL_WIDTH + 2 + chart->columns) break;
        pen_to(pen, at);
        pen_tinted(pen, TINT_FAINT, label.text);
    }
    pen_line(pen);
}

/* Bands. */

struct band {
    const struct report_phase *phase;
    int64_t begin, end;
    int lane;
};

static int compare_bands(const void *a, const void *b) {
    const struct band *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end < y->end) - (x->end > y->end); /* the longer one first, so that children lie below */
}

static size_t collect_bands(const struct report *report, struct band *bands) {
    size_t count = 0;
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        if (phase->instance_count == 0) continue;
        struct band band = {phase, INT64_MAX, INT64_MIN, -1};
        for (size_t k = 0; k < phase->instance_count; k++) {
            if (phase->instances[k].begin < band.begin) band.begin = phase->instances[k].begin;
            if (phase->instances[k].end > band.end) band.end = phase->instances[k].end;
        }
        bands[count++] = band;
    }
    if (count) qsort(bands, count, sizeof *bands, compare_bands);
    return count;
}

/* Gives each band the first lane whose last one has ended; returns how many found none. */
static size_t assign_lanes(struct band *bands, size_t count) {
    int64_t ends[LANES_MAX];
    size_t hidden = 0;
    for (int lane = 0; lane < LANES_MAX; lane++) ends[lane] = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        int lane = 0;
        while (lane < LANES_MAX && ends[lane] > bands[i].begin) lane++;
        if (lane == LANES_MAX) {
            hidden++;
            continue;
        }
        bands[i].lane = lane;
        ends[lane] = bands[i].end;
    }
    return hidden;
}

enum cell { CELL_EMPTY, CELL_INSIDE, CELL_EDGE, CELL_TEXT };

struct lane_row {
    enum cell cells[COLUMNS_MAX];
    char text[COLUMNS_MAX]; /* ASCII part of a label */
};

/* Rounds are drawn apart where each has three columns or more; else the band is solid. */
static void place_rounds(const struct chart *chart, const struct band *band, struct lane_row *row) {
    int from = column_of(chart, band->begin), to = column_of(chart, band->end);
    bool apart = (size_t)to - (size_t)from + 1 >= 3 * band->phase->instance_count;
    for (size_t i = 0; i < band->phase->instance_count; i++) {
        const struct report_round *round = &band->phase->instances[i];
        int first = column_of(chart, round->begin), last = column_of(chart, round->end);
        for (int column = first; column <= last; column++)
            if (row->cells[column] == CELL_EMPTY) row->cells[column] = CELL_INSIDE;
        if (apart) row->cells[first] = CELL_EDGE;
    }
    row->cells[from] = CELL_EDGE;
}

/* The name goes into the band where it fits, as plain ASCII so that one character is one column. */
static void place_label(const struct chart *chart, const struct band *band, struct lane_row *row) {
    char label[COLUMNS_MAX];
    int from = column_of(chart, band->begin), room = column_of(chart, band->end) - from;
    int length = band->phase->rounds > 1
                     ? snprintf(label, sizeof label, "%s x%lld", band->phase->name, (long long)band->phase->rounds)
                     : snprintf(label, sizeof label, "%s", band->phase->name);
    if (length > (int)sizeof label - 1) length = sizeof label - 1;
    if (length > room - 1) length = room - 1 >= 3 ? room - 1 : 0;
    for (int i = 0; i < length; i++) {
        row->cells[from + 1 + i] = CELL_TEXT;
        row->text[from + 1 + i] = label[i] >= ' ' && label[i] <= '~' ? label[i] : '?';
    }
}

static void draw_lane(struct pen *pen, const struct chart *chart, const struct lane_row *row) {
    pen_to(pen, LABEL_WIDTH + 2);
    for (int column = 0; column < chart->columns; column++) {
        char letter[2] = {row->text[column], 0};
        switch (row->cells[column]) {
        case CELL_EMPTY: pen_put(pen, " "); break;
        case CELL_INSIDE: pen_tinted(pen, TINT_NAME, "─"); break;
        case CELL_EDGE: pen_tinted(pen, TINT_NAME, "├"); break;
        case CELL_TEXT: pen_put(pen, letter); break;
        }
    }
    pen_line(pen);
}

static void draw_bands(struct pen *pen, const struct chart *chart, const struct report *report) {
    struct band *bands = calloc(report->phase_count + 1, sizeof *bands);
    if (!bands) return;
    size_t count = collect_bands(report, bands), hidden = assign_lanes(bands, count);
    for (int lane = 0; lane < LANES_MAX; lane++) {
        struct lane_row row = {0};
        bool used = false;
        for (size_t i = 0; i < count; i++) {
            if (bands[i].lane != lane) continue;
            used = true;
            place_rounds(chart, &bands[i], &row);
            place_label(chart, &bands[i], &row);
        }
        if (used) draw_lane(pen, chart, &row);
    }
    if (hidden) {
        pen_to(pen, LABEL_WIDTH + 2);
        pen_print(pen, "… and %zu more phase%s", hidden, plural(hidden));
        pen_line(pen);
    }
    free(bands);
}

/* The whole. */

static void draw_legend(struct pen *pen, const struct chart *chart, const struct report *report) {
    pen_tinted(pen, TINT_TITLE, "Memory");
    pen_to(pen, LABEL_WIDTH + 2);
    pen_tinted(pen, TINT_LIVE, "█");
    pen_print(pen, " live, peak %s", amount_bytes(report->totals.peak_live_bytes).text);
    if (report->totals.peak_live_t != REPORT_NONE)
        pen_print(pen, " at %s", amount_time_whole(report->totals.peak_live_t).text);
    if (chart->has_rss) {
        pen_put(pen, "   ");
        pen_tinted(pen, TINT_RSS, pen->style.color && pen->style.unicode ? "█" : "░");
        pen_print(pen, " RSS, peak %s", amount_bytes(report->totals.peak_rss_bytes).text);
    }
    pen_line(pen);
}

void chart_draw(struct pen *pen, const struct report *report) {
    struct chart chart = {.columns = pen->style.width - LABEL_WIDTH - 2};
    if (report->point_count == 0) return;
    if (chart.columns > COLUMNS_MAX) chart.columns = COLUMNS_MAX;
    chart.start = report->curve[0].t;
    chart.end = report->curve[report->point_count - 1].t;
    fill(&chart, report);
    draw_legend(pen, &chart, report);
    for (int row = ROWS - 1; row >= 0; row--) draw_row(pen, &chart, row);
    draw_axis(pen, &chart);
    draw_bands(pen, &chart, report);
    pen_line(pen);
}

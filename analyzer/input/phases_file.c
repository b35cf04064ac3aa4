/*
 * Reading a CSV file of phases (phases_file.h). A name is everything before the last but one comma, so it may hold
 * commas, also without quotes.
 */
#include "phases_file.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"

#define LONGEST_NAME 255
#define MOST_SECONDS 1e9 /* thirty years */

/* A whole non-negative number of seconds, as ns. */
static bool read_seconds(const char *text, uint64_t *ns) {
    char *end;
    double seconds = strtod(text, &end);
    while (*end == ' ') end++;
    if (end == text || *end || !isfinite(seconds) || seconds < 0 || seconds > MOST_SECONDS) return false;
    *ns = (uint64_t)llround(seconds * 1e9);
    return true;
}

/* Cuts the line at its last comma and gives what follows it; NULL without one. */
static char *cut_last(char *line) {
    char *comma = strrchr(line, ',');
    if (!comma) return NULL;
    *comma = '\0';
    return comma + 1;
}

/* A field in quotes, in which a quote stands twice (RFC 4180), without them; others as they are. */
static char *unquoted(char *field) {
    size_t length = strlen(field);
    if (length < 2 || field[0] != '"' || field[length - 1] != '"') return field;
    char *to = field;
    for (const char *from = field + 1; from < field + length - 1; from++) {
        *to++ = *from;
        if (from[0] == '"' && from[1] == '"' && from + 2 < field + length) from++;
    }
    *to = '\0';
    return field;
}

struct fields {
    char *name, *begin, *end;
};

static bool cut_line(char *line, struct fields *out) {
    out->end = cut_last(line);
    out->begin = out->end ? cut_last(line) : NULL;
    if (!out->begin) return false;
    out->name = unquoted(line);
    out->begin = unquoted(out->begin);
    out->end = unquoted(out->end);
    return true;
}

static bool is_heading(const struct fields *fields) {
    return !strcmp(fields->name, "name") && !strcmp(fields->begin, "begin_s") && !strcmp(fields->end, "end_s");
}

static bool read_interval(const struct fields *fields, struct phase_interval *out) {
    if (!*fields->name || strlen(fields->name) > LONGEST_NAME) return false;
    if (!read_seconds(fields->begin, &out->begin_ns) || !read_seconds(fields->end, &out->end_ns)) return false;
    out->name = fields->name;
    return out->begin_ns <= out->end_ns;
}

static int add_line(struct phase_intervals *out, char *line) {
    struct phase_interval interval;
    struct fields fields;
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line || *line == '#') return 0;
    if (!cut_line(line, &fields)) return -EINVAL;
    if (is_heading(&fields)) return 0;
    if (!read_interval(&fields, &interval)) return -EINVAL;
    struct phase_interval *added = LIST_ADD(out->items, out->count);
    if (!added) return -ENOMEM;
    interval.name = strdup(interval.name);
    *added = interval;
    return interval.name ? 0 : -ENOMEM;
}

int phases_file_read(const char *path, struct phase_intervals *out, unsigned *line) {
    *out = (struct phase_intervals){0};
    *line = 0;
    FILE *file = fopen(path, "re");
    if (!file) return -errno;
    char *text = NULL;
    size_t room = 0;
    int error = 0;
    while (!error && getline(&text, &room, file) >= 0) {
        ++*line;
        size_t mark = *line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* as some spreadsheets begin */
        error = add_line(out, text + mark);
    }
    if (!error && ferror(file)) error = -EIO;
    free(text);
    fclose(file);
    if (error) phases_file_release(out);
    return error;
}

void phases_file_release(struct phase_intervals *intervals) {
    for (size_t i = 0; i < intervals->count; i++) free(intervals->items[i].name);
    free(intervals->items);
    *intervals = (struct phase_intervals){0};
}

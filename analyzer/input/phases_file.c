/*
 * Reading a CSV file of phases (phases_file.h). A name is everything before the last but one comma, so it may hold commas.
 */
#include "phases_file.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool read_interval(char *line, struct phase_interval *out) {
    const char *end = cut_last(line), *begin = end ? cut_last(line) : NULL;
    if (!begin || !*line || strlen(line) > LONGEST_NAME) return false;
    if (!read_seconds(begin, &out->begin_ns) || !read_seconds(end, &out->end_ns)) return false;
    out->name = line;
    return out->begin_ns <= out->end_ns;
}

static int add_line(struct phase_intervals *out, char *line) {
    struct phase_interval interval;
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line || *line == '#' || strcmp(line, "name,begin_s,end_s") == 0) return 0;
    if (!read_interval(line, &interval)) return -EINVAL;
    struct phase_interval *items = realloc(out->items, (out->count + 1) * sizeof *items);
    if (!items) return -ENOMEM;
    out->items = items;
    interval.name = strdup(interval.name);
    if (!interval.name) return -ENOMEM;
    items[out->count++] = interval;
    return 0;
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
        error = add_line(out, text);
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

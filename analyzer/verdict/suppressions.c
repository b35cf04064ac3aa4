/* LeakSanitizer's suppression files; read once by a command, matched by the verdict. */
#include "suppressions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"

struct suppressions {
    char **patterns;
    size_t count;
};

static bool starts_with(const char *text, const char *pattern, size_t length) {
    return strncmp(text, pattern, length) == 0;
}

/* Whether the pattern, up to its end, matches at or after `text`; `anchored`: right at `text`. */
static bool match_from(const char *pattern, const char *text, bool anchored) {
    while (*pattern == '*') pattern++, anchored = false;
    size_t length = strcspn(pattern, "*$");
    bool to_end = pattern[length] == '$';
    if (length == 0) return !to_end || !anchored || *text == '\0';
    for (;; text++) {
        if (starts_with(text, pattern, length)) {
            if (to_end ? text[length] == '\0' : match_from(pattern + length, text + length, true)) return true;
        }
        if (anchored || *text == '\0') return false;
    }
}

static bool matches(const char *pattern, const char *text) {
    if (!text) return false;
    return *pattern == '^' ? match_from(pattern + 1, text, true) : match_from(pattern, text, false);
}

static int add(struct suppressions *suppressions, const char *pattern) {
    char **added = LIST_ADD(suppressions->patterns, suppressions->count);
    if (added) *added = strdup(pattern);
    return added && *added ? 0 : -ENOMEM;
}

static int read_line(struct suppressions *suppressions, char *line, struct rule_error *error) {
    line += strspn(line, " \t");
    line[strcspn(line, "\r\n")] = '\0';
    size_t length = strlen(line);
    while (length > 0 && strchr(" \t", line[length - 1])) line[--length] = '\0';
    if (*line == '\0' || *line == '#') return 0;
    const char *colon = strchr(line, ':');
    if (!colon || colon[1] == '\0') {
        snprintf(error->text, sizeof error->text, "expected leak:PATTERN");
        return -EINVAL;
    }
    return starts_with(line, "leak:", 5) ? add(suppressions, colon + 1) : 0; /* other kinds are other tools' */
}

int suppressions_read(const char *path, struct suppressions **out, struct rule_error *error) {
    FILE *file = fopen(path, "re");
    *error = (struct rule_error){.line = 0};
    if (!file) return -errno;
    struct suppressions *suppressions = calloc(1, sizeof *suppressions);
    int result = suppressions ? 0 : -ENOMEM, line_number = 0;
    char *line = NULL;
    size_t room = 0;
    while (!result && getline(&line, &room, file) >= 0) {
        line_number++;
        bool marked = line_number == 1 && starts_with(line, "\xef\xbb\xbf", 3); /* a byte order mark */
        result = read_line(suppressions, marked ? line + 3 : line, error);
    }
    if (result == -EINVAL) error->line = line_number;
    free(line);
    fclose(file);
    if (result) suppressions_release(suppressions);
    else *out = suppressions;
    return result;
}

void suppressions_release(struct suppressions *suppressions) {
    if (!suppressions) return;
    for (size_t i = 0; i < suppressions->count; i++) free(suppressions->patterns[i]);
    free(suppressions->patterns);
    free(suppressions);
}

size_t suppressions_count(const struct suppressions *suppressions) { return suppressions->count; }
const char *suppressions_pattern(const struct suppressions *suppressions, size_t index) {
    return suppressions->patterns[index];
}

static bool matches_frame(const char *pattern, const struct report_frame *frame) {
    return matches(pattern, frame->function) || matches(pattern, frame->file) || matches(pattern, frame->module);
}

size_t suppressions_match(const struct suppressions *suppressions, const struct report_site *site) {
    for (size_t i = 0; i < suppressions->count; i++) {
        for (size_t j = 0; j < site->depth; j++)
            if (matches_frame(suppressions->patterns[i], &site->stack[j])) return i;
    }
    return SIZE_MAX;
}

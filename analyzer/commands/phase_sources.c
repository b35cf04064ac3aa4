/*
 * Reads --phases and --phase-by-function. See phase_sources.h.
 */
#include "phase_sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_file(const char *path, struct phase_intervals *out) {
    unsigned line;
    int error = path ? phases_file_read(path, out, &line) : 0;
    if (error == -EINVAL) say("%s:%u: not NAME,BEGIN_S,END_S", path, line);
    else if (error) say("%s: can't be read: %s", path, strerror(-error));
    return error ? STATUS_USAGE : 0;
}

/* An expression that matches this name alone. NULL: out of memory. */
static char *exactly(const char *name) {
    char *pattern = malloc(2 * strlen(name) + 3), *at = pattern;
    if (!pattern) return NULL;
    *at++ = '^';
    for (; *name; name++) {
        if (strchr("\\^$.[]|()*+?{}", *name)) *at++ = '\\';
        *at++ = *name;
    }
    strcpy(at, "$");
    return pattern;
}

/* NAME or NAME=REGEX. 0, -EINVAL or -ENOMEM; the name is to be freed in any case. */
static int read_function(const char *text, struct function_phase *out) {
    size_t length = strcspn(text, "=");
    char *name = strndup(text, length);
    char *pattern = text[length] ? strdup(text + length + 1) : exactly(text);
    int error = name && pattern ? 0 : -ENOMEM;
    if (!error && (!*name || !*pattern || regcomp(&out->function, pattern, REG_EXTENDED | REG_NOSUB))) error = -EINVAL;
    free(pattern);
    if (error) free(name);
    else out->name = name;
    return error;
}

static int read_functions(const struct option_list *list, struct function_phases *out) {
    out->items = calloc(list->count + 1, sizeof *out->items);
    int error = out->items ? 0 : -ENOMEM;
    for (size_t i = 0; i < list->count && !error; i++) {
        error = read_function(list->items[i], &out->items[i]);
        if (!error) out->count++;
        else if (error == -EINVAL) say("--phase-by-function: '%s' is not NAME or NAME=REGEX", list->items[i]);
    }
    if (error == -ENOMEM) say("out of memory");
    return error ? error == -EINVAL ? STATUS_USAGE : STATUS_INTERNAL : 0;
}

int phase_sources_read(const struct input_values *input, struct phase_sources *out) {
    *out = (struct phase_sources){0};
    if (!input) return 0;
    int status = read_file(input->phases, &out->intervals);
    return status ? status : read_functions(&input->phase_by_function, &out->functions);
}

void phase_sources_release(struct phase_sources *sources) {
    struct function_phases *functions = &sources->functions;
    for (size_t i = 0; i < functions->count; i++) {
        regfree(&functions->items[i].function);
        free(functions->items[i].name);
    }
    free(functions->items);
    phases_file_release(&sources->intervals);
}

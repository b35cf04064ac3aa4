/*
 * JSON documents of exporters: compact, one line.
 */
#include "json_file.h"

#include <errno.h>
#include <stdlib.h>

#include "../stream.h"
#include "../text/utf8.h"

json_t *json_text(const char *text) {
    char *clean = text ? utf8_clean(text) : NULL;
    json_t *value = clean ? json_string(clean) : text ? NULL : json_null();
    free(clean);
    return value;
}

int json_file(FILE *out, json_t *object) {
    if (!object) return -ENOMEM;
    errno = 0;
    bool failed = json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(12)) || fputc('\n', out) == EOF;
    int error = stream_after(out, failed);
    json_decref(object);
    return error;
}

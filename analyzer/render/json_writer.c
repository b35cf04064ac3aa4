/*
 * Objects from tables, see json_writer.h. Traces hold whatever bytes the target had, so every text is cleaned.
 */
#include "json_writer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../stream.h"
#include "../report/report.h"
#include "../text/utf8.h"

json_t *text_value(const char *text) {
    if (!text) return json_null();
    char *clean = utf8_clean(text);
    json_t *value = clean ? json_string(clean) : NULL;
    free(clean);
    return value;
}

json_t *integer_value(int64_t value) { return value == REPORT_NONE ? json_null() : json_integer(value); }
static json_t *real_value(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *rounded_value(double value) { return fabs(value) < 9e18 ? json_integer(llround(value)) : json_null(); }

static json_t *member_value(const struct member *member, const void *object) {
    const void *at = (const char *)object + member->offset;
    switch (member->kind) {
    case MEMBER_INTEGER: return integer_value(*(const int64_t *)at);
    case MEMBER_SMALL: return json_integer(*(const int *)at);
    case MEMBER_REAL: return real_value(*(const double *)at);
    case MEMBER_ROUNDED: return rounded_value(*(const double *)at);
    case MEMBER_TEXT: return text_value(*(const char *const *)at);
    case MEMBER_FLAG: return json_boolean(*(const bool *)at);
    }
    return NULL;
}

json_t *object_of(const struct member *members, size_t count, const void *from) {
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(object, members[i].name, member_value(&members[i], from))) {
            json_decref(object);
            return NULL;
        }
    return object;
}

json_t *array_of(const void *items, size_t count, size_t size, json_t *(*make)(const void *item)) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(array, make((const char *)items + i * size))) {
            json_decref(array);
            return NULL;
        }
    return array;
}

json_t *with(json_t *object, const char *name, json_t *value) {
    if (object && json_object_set_new(object, name, value) == 0) return object;
    json_decref(object);
    return NULL;
}

json_t *make_text(const void *item) { return text_value(*(const char *const *)item); }
json_t *make_integer(const void *item) { return integer_value(*(const int64_t *)item); }

json_t *line_value(int64_t line) { return line > 0 ? json_integer(line) : json_null(); }

json_t *make_frame(const void *item) {
    static const struct member members[] = {
        TEXT(report_frame, function),
        TEXT(report_frame, file),
        TEXT(report_frame, module),
        FLAG(report_frame, inlined),
    };
    const struct report_frame *frame = item;
    json_t *object = with(object_of(MEMBERS(members), frame), "line", line_value(frame->line));
    return with(object, "offset", json_integer((json_int_t)frame->offset));
}

int json_write(FILE *out, json_t *object) {
    if (!object) return -ENOMEM;
    errno = 0;
    bool failed = json_dumpf(object, out, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) || fputc('\n', out) == EOF;
    int error = stream_after(out, failed);
    json_decref(object);
    return error;
}

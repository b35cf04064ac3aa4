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

#define DUMP (JSON_ENCODE_ANY | JSON_REAL_PRECISION(JSON_DIGITS))
#define OBJECT_LEVELS 2u /* the whole and its members have a line for each member, */
#define ARRAY_LEVELS 3u  /* arrays in these one for each element; what lies deeper is in that line */

static bool put_value(FILE *out, json_t *value, unsigned level);

static bool put_key(FILE *out, const char *key) {
    json_t *text = json_string(key);
    bool put = text && json_dumpf(text, out, DUMP) == 0 && fputs(": ", out) != EOF;
    json_decref(text);
    return put;
}

static bool put_line(FILE *out, bool first, unsigned level) {
    return fputs(first ? "\n" : ",\n", out) != EOF && fprintf(out, "%*s", (int)level, "") >= 0;
}

static bool put_end(FILE *out, char bracket, unsigned level) {
    return fprintf(out, "\n%*s%c", (int)level, "", bracket) > 0;
}

static bool put_members(FILE *out, json_t *object, unsigned level) {
    const char *key;
    json_t *value;
    bool first = true, put = fputc('{', out) != EOF;
    json_object_foreach(object, key, value) {
        put = put && put_line(out, first, level + 1) && put_key(out, key) && put_value(out, value, level + 1);
        first = false;
    }
    return put;
}

static bool put_elements(FILE *out, json_t *array, unsigned level) {
    bool put = fputc('[', out) != EOF;
    for (size_t i = 0; put && i < json_array_size(array); i++)
        put = put_line(out, i == 0, level + 1) && put_value(out, json_array_get(array, i), level + 1);
    return put && put_end(out, ']', level);
}

static bool put_value(FILE *out, json_t *value, unsigned level) {
    if (json_is_object(value) && json_object_size(value) && level < OBJECT_LEVELS)
        return put_members(out, value, level) && put_end(out, '}', level);
    json_t *element = json_array_get(value, 0);
    if ((json_is_object(element) || json_is_array(element)) && level < ARRAY_LEVELS)
        return put_elements(out, value, level);
    return json_dumpf(value, out, DUMP) == 0;
}

static bool put_made(FILE *out, const struct json_many *many) {
    bool put = put_line(out, false, 1) && put_key(out, many->name) && fputc('[', out) != EOF;
    for (size_t i = 0; put && i < many->count; i++) {
        json_t *element = many->make((const char *)many->items + i * many->size);
        put = element && put_line(out, i == 0, 2) && json_dumpf(element, out, DUMP) == 0;
        json_decref(element);
    }
    return put && (many->count ? put_end(out, ']', 1) : fputc(']', out) != EOF);
}

int json_write_many(FILE *out, json_t *object, const struct json_many *many) {
    if (!object) return -ENOMEM;
    errno = 0;
    bool put = put_members(out, object, 0) && (!many || put_made(out, many)) && fputs("\n}\n", out) != EOF;
    int error = stream_after(out, !put);
    json_decref(object);
    return error;
}

int json_write(FILE *out, json_t *object) { return json_write_many(out, object, NULL); }

int json_write_compact(FILE *out, json_t *value, unsigned digits, const char *end) {
    if (!value) return -ENOMEM;
    errno = 0;
    bool failed = json_dumpf(value, out, JSON_COMPACT | JSON_REAL_PRECISION(digits)) || fputs(end, out) == EOF;
    json_decref(value);
    return stream_after(out, failed);
}

/*
 * JSON from structs: an object is a table of its plain members plus the few that are objects themselves. Absent numbers
 * and texts become null, invalid UTF-8 becomes U+FFFD. NULL is out of memory, and every function takes NULL and passes
 * it on, so that only the whole needs a check. The gate to jansson for what renderers write.
 */
#ifndef RENDER_JSON_WRITER_H
#define RENDER_JSON_WRITER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum member_kind { MEMBER_INTEGER, MEMBER_SMALL, MEMBER_REAL, MEMBER_ROUNDED, MEMBER_TEXT, MEMBER_FLAG };

struct member {
    const char *name;
    enum member_kind kind;
    size_t offset;
};

#define INTEGER(type, field)                                                                                           \
    { #field, MEMBER_INTEGER, offsetof(struct type, field) }
#define REAL(type, field)                                                                                              \
    { #field, MEMBER_REAL, offsetof(struct type, field) }
/* Bytes and ns are integers even where the report has their mean. */
#define ROUNDED(type, field)                                                                                           \
    { #field, MEMBER_ROUNDED, offsetof(struct type, field) }
#define TEXT(type, field)                                                                                              \
    { #field, MEMBER_TEXT, offsetof(struct type, field) }
#define FLAG(type, field)                                                                                              \
    { #field, MEMBER_FLAG, offsetof(struct type, field) }
#define MEMBERS(table) (table), sizeof(table) / sizeof *(table)

#define JSON_DIGITS 12u /* of real numbers */

json_t *text_value(const char *text);
json_t *integer_value(int64_t value);
json_t *line_value(int64_t line); /* 0: unknown */

json_t *object_of(const struct member *members, size_t count, const void *from);
/* An array of `count` items of `size` bytes, each made by `make`. */
json_t *array_of(const void *items, size_t count, size_t size, json_t *(*make)(const void *item));
#define ARRAY(items, count, make) array_of((items), (count), sizeof *(items), (make))
/* Adds a member; an object that could not be completed becomes NULL. */
json_t *with(json_t *object, const char *name, json_t *value);

/* Elements of arrays: texts (const char *), integers (int64_t), frames (struct report_frame). */
json_t *make_text(const void *item);
json_t *make_integer(const void *item);
json_t *make_frame(const void *item);

/*
 * Writes and releases the object, which is not empty. Each of its members has a line, and each element of an array of
 * objects in it or in one of its members: a line of a report is a whole call site. 0, -ENOMEM for NULL, -EIO.
 */
int json_write(FILE *out, json_t *object);
/* Writes and releases it without blanks, real numbers with so many digits, then `end`. 0, -ENOMEM for NULL, -EIO. */
int json_write_compact(FILE *out, json_t *value, unsigned digits, const char *end);

/* The last member of an object, an array whose elements are made as they are written: memory holds one of them. */
struct json_many {
    const char *name;
    const void *items;
    size_t count, size;
    json_t *(*make)(const void *item);
};
int json_write_many(FILE *out, json_t *object, const struct json_many *many);

#endif

/*
 * What the exporters that write JSON share. Objects that could not be made are NULL all the way up.
 */
#ifndef EXPORT_JSON_FILE_H
#define EXPORT_JSON_FILE_H

#include <jansson.h>
#include <stdio.h>

/* A string in which invalid UTF-8 is replaced; null for NULL. */
json_t *json_text(const char *text);
/* Writes and releases the object. 0, -ENOMEM where it is NULL, or -EIO. */
int json_file(FILE *out, json_t *object);

#endif

/*
 * The report as relational tables, for the formats that have rows and columns. One description serves all of them.
 */
#ifndef EXPORT_TABLES_H
#define EXPORT_TABLES_H

#include <stdbool.h>

#include "../report/report.h"

enum column_kind { COLUMN_INTEGER, COLUMN_REAL, COLUMN_TEXT, COLUMN_FLAG, COLUMN_INDEX /* of the object, from 0 */ };

/* A row is made from objects inside each other (a phase, its round); `level` says from which one a column comes. */
struct column {
    const char *name;
    enum column_kind kind;
    unsigned level;
    size_t offset;
};

enum { TABLE_LEVELS = 3 };

struct table {
    const char *name;
    const struct column *columns;
    size_t column_count;
    struct table_array {           /* where the objects of each level are; size 0: there is no such level */
        size_t items, count, size; /* offsets in the object around them, or in the report; bytes of each */
    } arrays[TABLE_LEVELS];
};

struct table_row {
    const void *objects[TABLE_LEVELS];
    size_t indices[TABLE_LEVELS];
};

struct cell {
    enum column_kind kind; /* INTEGER, REAL or TEXT */
    bool null;
    int64_t integer;
    double real;
    const char *text;
};

extern const struct table tables[]; /* ends with a NULL name */

struct cell table_cell(const struct column *column, const struct table_row *row);
/* Calls `each` for every row until it returns other than 0, which is then returned. */
int table_rows(const struct table *table, const struct report *report,
               int (*each)(void *context, const struct table_row *row), void *context);

#endif

/*
 * One table as RFC 4180 has it: a header line, CRLF, quotes where they are needed, absent values empty. A text that a
 * spreadsheet would run as a formula gets an apostrophe in front.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../text/utf8.h"
#include "export.h"
#include "tables.h"

struct sheet {
    FILE *out;
    const struct table *table;
};

static void put_text(FILE *out, const char *text) {
    char *clean = utf8_clean(text);
    if (!clean) return;
    bool formula = *clean && strchr("=+-@\t\r", *clean), quoted = formula || strpbrk(clean, ",\"\r\n");
    if (quoted) fputc('"', out);
    if (formula) fputc('\'', out);
    for (const char *c = clean; *c; c++) fputs((char[]){*c, *c == '"' ? '"' : 0, 0}, out);
    if (quoted) fputc('"', out);
    free(clean);
}

static void put_cell(FILE *out, const struct cell *cell) {
    if (cell->null) return;
    if (cell->kind == COLUMN_TEXT) put_text(out, cell->text);
    else if (cell->kind == COLUMN_REAL) fprintf(out, "%.12g", cell->real);
    else fprintf(out, "%" PRId64, cell->integer);
}

static int put_row(void *context, const struct table_row *row) {
    const struct sheet *sheet = context;
    for (size_t i = 0; i < sheet->table->column_count; i++) {
        const struct cell cell = table_cell(&sheet->table->columns[i], row);
        if (i) fputc(',', sheet->out);
        put_cell(sheet->out, &cell);
    }
    fputs("\r\n", sheet->out);
    return 0;
}

static const struct table *find_table(const char *name) {
    const struct table *table = tables;
    while (table->name && name && strcmp(table->name, name) != 0) table++;
    return table->name ? table : NULL;
}

int export_csv(FILE *out, const struct report *report, const struct export_options *options) {
    struct sheet sheet = {out, find_table(options->table)};
    if (!sheet.table) return -EINVAL;
    for (size_t i = 0; i < sheet.table->column_count; i++)
        fprintf(out, "%s%s", i ? "," : "", sheet.table->columns[i].name);
    fputs("\r\n", out);
    int error = table_rows(sheet.table, report, put_row, &sheet);
    return error ? error : export_flush(out);
}

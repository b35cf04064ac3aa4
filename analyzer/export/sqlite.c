/*
 * All tables in one SQLite database, made in memory and written out as a file image, plus views that answer the usual
 * questions: `SELECT * FROM q_leaks`. The gate to SQLite, which is loaded for this export alone.
 */
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "../library.h"
#include "../text/utf8.h"
#include "export.h"
#include "tables.h"

static struct {
    typeof(&sqlite3_open) open;
    typeof(&sqlite3_close) close;
    typeof(&sqlite3_exec) exec;
    typeof(&sqlite3_prepare_v2) prepare_v2;
    typeof(&sqlite3_bind_null) bind_null;
    typeof(&sqlite3_bind_text) bind_text;
    typeof(&sqlite3_bind_double) bind_double;
    typeof(&sqlite3_bind_int64) bind_int64;
    typeof(&sqlite3_step) step;
    typeof(&sqlite3_reset) reset;
    typeof(&sqlite3_finalize) finalize;
    typeof(&sqlite3_serialize) serialize;
    typeof(&sqlite3_free) free;
    bool whole;
} sqlite;

static void load(void) {
    const struct library_call calls[] = {
        {"sqlite3_open", &sqlite.open},
        {"sqlite3_close", &sqlite.close},
        {"sqlite3_exec", &sqlite.exec},
        {"sqlite3_prepare_v2", &sqlite.prepare_v2},
        {"sqlite3_bind_null", &sqlite.bind_null},
        {"sqlite3_bind_text", &sqlite.bind_text},
        {"sqlite3_bind_double", &sqlite.bind_double},
        {"sqlite3_bind_int64", &sqlite.bind_int64},
        {"sqlite3_step", &sqlite.step},
        {"sqlite3_reset", &sqlite.reset},
        {"sqlite3_finalize", &sqlite.finalize},
        {"sqlite3_serialize", &sqlite.serialize},
        {"sqlite3_free", &sqlite.free},
    };
    sqlite.whole = library_load("libsqlite3.so.0", calls, sizeof calls / sizeof *calls);
}

static bool is_loaded(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return sqlite.whole;
}

static const char *const views[] = {
    "CREATE VIEW q_leaks AS SELECT l.phase, l.class, s.function, s.file, s.line, g.bytes_per_round, g.k, g.n, l.reason "
    "FROM leaks l "
    "LEFT JOIN sites s ON s.id = l.site LEFT JOIN growth g ON g.site = s.site AND g.phase = l.phase",
    "CREATE VIEW q_top_live AS SELECT function, file, line, live_bytes_end, live_blocks_end FROM sites ORDER BY "
    "live_bytes_end DESC",
    "CREATE VIEW q_top_peak AS SELECT function, file, line, live_at_peak FROM sites ORDER BY live_at_peak DESC",
    "CREATE VIEW q_top_allocations AS SELECT function, file, line, allocations, allocated_bytes, temporary FROM sites "
    "ORDER BY allocations DESC",
    "CREATE VIEW q_temporary AS SELECT function, file, line, temporary, allocations, 100.0 * temporary / allocations "
    "AS percent "
    "FROM sites WHERE allocations > 0 ORDER BY temporary DESC",
    "CREATE VIEW q_by_module AS SELECT module, count(*) AS sites, sum(live_bytes_end) AS live_bytes, "
    "sum(allocated_bytes) AS "
    "allocated_bytes, sum(allocations) AS allocations FROM sites GROUP BY module ORDER BY live_bytes DESC",
    "CREATE VIEW q_by_function AS SELECT function, count(*) AS stacks, sum(live_bytes_end) AS live_bytes, "
    "sum(allocations) AS "
    "allocations FROM sites GROUP BY function ORDER BY live_bytes DESC",
    "CREATE VIEW q_callers AS SELECT f.function, sum(s.live_bytes_end) AS live_bytes_below, sum(s.allocations) AS "
    "allocations_below "
    "FROM (SELECT DISTINCT site, function FROM frames) f JOIN sites s ON s.site = f.site GROUP BY f.function ORDER BY "
    "live_bytes_below DESC",
    "CREATE VIEW q_stacks AS SELECT s.id, s.live_bytes_end, (SELECT group_concat(function, ' < ') FROM (SELECT "
    "coalesce(function, "
    "module, '?') AS function FROM frames f WHERE f.site = s.site ORDER BY depth)) AS stack FROM sites s",
    "CREATE VIEW q_phase_growth AS SELECT name, rounds, live_end - live_start AS live_growth, rss_end - rss_start AS "
    "rss_growth, "
    "retained_per_round, diagnosis FROM phases ORDER BY live_growth DESC",
};

struct filling {
    const struct table *table;
    sqlite3_stmt *insert;
};

static const char *type_of(enum column_kind kind) {
    return kind == COLUMN_TEXT ? "TEXT" : kind == COLUMN_REAL ? "REAL" : "INTEGER";
}

/* The statement that makes the table, or the one that fills it; malloc'd. Names are ours, from tables.c. */
static char *statement_for(const struct table *table, bool insert) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fprintf(out, insert ? "INSERT INTO %s VALUES (" : "CREATE TABLE %s (", table->name);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (i) fputs(", ", out);
        if (insert) fputc('?', out);
        else fprintf(out, "\"%s\" %s", column->name, type_of(column->kind));
    }
    fputc(')', out);
    return fclose(out) == 0 ? text : NULL;
}

static void bind_cell(sqlite3_stmt *statement, int place, const struct cell *cell) {
    if (cell->null) sqlite.bind_null(statement, place);
    else if (cell->kind == COLUMN_TEXT) sqlite.bind_text(statement, place, utf8_clean(cell->text), -1, free);
    else if (cell->kind == COLUMN_REAL) sqlite.bind_double(statement, place, cell->real);
    else sqlite.bind_int64(statement, place, cell->integer);
}

static int insert_row(void *context, const struct table_row *row) {
    const struct filling *filling = context;
    for (size_t i = 0; i < filling->table->column_count; i++) {
        const struct cell cell = table_cell(&filling->table->columns[i], row);
        bind_cell(filling->insert, (int)i + 1, &cell);
    }
    int state = sqlite.step(filling->insert);
    sqlite.reset(filling->insert);
    return state == SQLITE_DONE ? 0 : -EIO;
}

static int execute(sqlite3 *database, const char *text) {
    return text && sqlite.exec(database, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : -EIO;
}

static int add_table(sqlite3 *database, const struct table *table, const struct report *report) {
    struct filling filling = {table, NULL};
    char *create = statement_for(table, false), *insert = statement_for(table, true);
    int error = execute(database, create);
    if (!error && (!insert || sqlite.prepare_v2(database, insert, -1, &filling.insert, NULL) != SQLITE_OK))
        error = -EIO;
    if (!error) error = table_rows(table, report, insert_row, &filling);
    sqlite.finalize(filling.insert);
    free(create);
    free(insert);
    return error;
}

static int fill(sqlite3 *database, const struct report *report) {
    int error = execute(database, "BEGIN");
    for (const struct table *table = tables; table->name && !error; table++) error = add_table(database, table, report);
    for (size_t i = 0; i < sizeof views / sizeof *views && !error; i++) error = execute(database, views[i]);
    return error ? error : execute(database, "COMMIT");
}

static int put_image(FILE *out, sqlite3 *database) {
    sqlite3_int64 size = 0;
    unsigned char *image = sqlite.serialize(database, "main", &size, 0);
    if (!image) return -ENOMEM;
    fwrite(image, 1, (size_t)size, out);
    sqlite.free(image);
    return export_flush(out);
}

int export_sqlite(FILE *out, const struct report *report, const struct export_options *options) {
    (void)options;
    sqlite3 *database = NULL;
    if (!is_loaded()) return -ELIBACC;
    int error = sqlite.open(":memory:", &database) == SQLITE_OK ? fill(database, report) : -ENOMEM;
    if (!error) error = put_image(out, database);
    sqlite.close(database);
    return error;
}

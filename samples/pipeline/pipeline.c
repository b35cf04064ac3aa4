/*
 * A pipeline of rows: logged ahead, buffered in columns, aggregated, queried, flushed; then killed, refused, cut off.
 *
 * Phases: insert@N, ingest of batch, events, sustained of slice, columnar, json, and those of chaos.h. Operations:
 * batch and query. The sink refuses every seventh batch once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tidemark.h>

#include "common/sample.h"
#include "pipeline/chaos.h"
#include "pipeline/rows.h"
#include "pipeline/sink.h"
#include "pipeline/wal.h"

enum { REFUSED_EVERY = 7, OFFSETS_IN_BATCH = 100, TOOTH = 8, NAME_SIZE = 24 };

static const struct kind LEAKS[] = {{"round", "each batch leaves a copy of its schema (lost)"},
                                    {"error", "a refused batch leaves its note"},
                                    {"vector", "log offsets gather in a vector that nobody clears"},
                                    {"realloc", "the index grows by realloc with each batch"},
                                    {"teardown", "each batch is remembered; released when the program ends"},
                                    {NULL, NULL}};
static const struct kind VARIANTS[] = {
    {"sawtooth", "eight batches gather before they are flushed together"},
    {"table-doubling", "names of sensors in a table that doubles until all are known"},
    {"backlog", "batches wait for a slow sink, which then catches up"},
    {"one-time", "the first refusal makes the table of pauses"},
    {NULL, NULL}};
static const struct program PROGRAM = {"pipeline", "rows through log, buffer, aggregation and query", LEAKS, VARIANTS};

struct memory {
    struct memory *next;
    uint64_t first_id;
    char note[104];
};

struct pipeline {
    const struct options *options;
    size_t rows; /* in a batch */
    unsigned batches, number;
    struct wal wal;
    struct sink *sink;
    struct batch *waiting; /* room for all batches */
    unsigned waiting_count;
    uint64_t *offsets;
    size_t offset_count, offset_room;
    uint32_t *index;
    size_t index_size;
    struct memory *memories;
    unsigned *pauses;
    char (*names)[NAME_SIZE];
    size_t name_count, name_room;
};

static OWN_FRAME void copy_batch_schema(unsigned number) {
    char *schema = malloc(400);
    if (schema) snprintf(schema, 400, "batch %u: id, time_us, sensor, quality, value", number);
    lose(schema);
}

static OWN_FRAME void keep_refused_batch(const struct batch *batch) {
    char *note = malloc(256);
    if (note) snprintf(note, 256, "refused from row %llu on", (unsigned long long)batch->id[0]);
    lose(note);
}

/* Doubles by malloc, copy and free, as vectors of other languages do. */
static OWN_FRAME void remember_offset(struct pipeline *pipeline, uint64_t offset) {
    if (pipeline->offset_count == pipeline->offset_room) {
        size_t room = pipeline->offset_room ? 2 * pipeline->offset_room : 64;
        uint64_t *larger = malloc(room * sizeof *larger);
        if (!larger) return;
        if (pipeline->offsets) memcpy(larger, pipeline->offsets, pipeline->offset_count * sizeof *larger);
        free(pipeline->offsets);
        pipeline->offsets = larger;
        pipeline->offset_room = room;
    }
    pipeline->offsets[pipeline->offset_count++] = offset;
}

static OWN_FRAME void extend_index(struct pipeline *pipeline) {
    uint32_t *longer = realloc(pipeline->index, (pipeline->index_size + 50) * sizeof *longer);
    if (!longer) return;
    for (int i = 0; i < 50; i++) longer[pipeline->index_size++] = pipeline->number;
    pipeline->index = longer;
}

static OWN_FRAME void remember_batch(struct pipeline *pipeline, const struct batch *batch) {
    struct memory *memory = malloc(sizeof *memory);
    if (!memory) return;
    *memory = (struct memory){.next = pipeline->memories, .first_id = batch->id[0]};
    pipeline->memories = memory;
}

static OWN_FRAME void make_pauses(struct pipeline *pipeline) {
    pipeline->pauses = xmalloc(64 * sizeof *pipeline->pauses);
    for (unsigned i = 0; i < 64; i++) pipeline->pauses[i] = i * i;
}

static char *name_place(char (*names)[NAME_SIZE], size_t room, const char *name) {
    size_t hash = 5381;
    for (const char *c = name; *c; c++) hash = hash * 33 + (unsigned char)*c;
    for (hash &= room - 1; names[hash][0] && strcmp(names[hash], name) != 0;) hash = (hash + 1) & (room - 1);
    return names[hash];
}

static void double_names(struct pipeline *pipeline) {
    size_t room = pipeline->name_room ? 2 * pipeline->name_room : 16;
    char(*larger)[NAME_SIZE] = xcalloc(room, NAME_SIZE);
    for (size_t i = 0; i < pipeline->name_room; i++)
        if (pipeline->names[i][0]) strcpy(name_place(larger, room, pipeline->names[i]), pipeline->names[i]);
    free(pipeline->names);
    pipeline->names = larger;
    pipeline->name_room = room;
}

static void learn_name(struct pipeline *pipeline, uint32_t sensor) {
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "sensor-%u", sensor);
    if (2 * pipeline->name_count >= pipeline->name_room) double_names(pipeline);
    char *place = name_place(pipeline->names, pipeline->name_room, name);
    if (!place[0]) pipeline->name_count++;
    strcpy(place, name);
}

static void on_refusal(struct pipeline *pipeline, const struct batch *batch) {
    if (leaks(pipeline->options, "error")) keep_refused_batch(batch);
    if (varies(pipeline->options, "one-time") && !pipeline->pauses) make_pauses(pipeline);
}

static void flush_batch(struct pipeline *pipeline, struct batch *batch) {
    while (!sink_accept(pipeline->sink, batch)) on_refusal(pipeline, batch);
    batch_release(batch);
}

/* How many batches may wait from now on: none, as a rule. */
static unsigned may_wait(const struct pipeline *pipeline) {
    unsigned number = pipeline->number, third = pipeline->batches / 3;
    if (varies(pipeline->options, "sawtooth")) return (number + 1) % TOOTH;
    if (!varies(pipeline->options, "backlog")) return 0;
    if (number < third) return number / 2;
    return number < 2 * third ? (2 * third - number) / 2 : 0;
}

static void flush_beyond(struct pipeline *pipeline, unsigned may_stay) {
    unsigned flushed = pipeline->waiting_count > may_stay ? pipeline->waiting_count - may_stay : 0;
    if (varies(pipeline->options, "sawtooth") && may_stay) flushed = 0;
    for (unsigned i = 0; i < flushed; i++) flush_batch(pipeline, &pipeline->waiting[i]);
    pipeline->waiting_count -= flushed;
    memmove(pipeline->waiting, pipeline->waiting + flushed, pipeline->waiting_count * sizeof *pipeline->waiting);
}

static void misbehave(struct pipeline *pipeline, const struct batch *batch) {
    const struct options *options = pipeline->options;
    if (leaks(options, "round")) copy_batch_schema(pipeline->number);
    if (leaks(options, "realloc")) extend_index(pipeline);
    if (leaks(options, "teardown")) remember_batch(pipeline, batch);
    for (unsigned i = 0; leaks(options, "vector") && i < OFFSETS_IN_BATCH; i++)
        remember_offset(pipeline, pipeline->wal.bytes + i);
    for (size_t i = 0; varies(options, "table-doubling") && i < batch->count; i += 100)
        learn_name(pipeline, batch->sensor[i] % 400);
}

static double query(const struct batch *batch, uint32_t sensor) {
    tidemark_op_begin("query");
    double mean = batch_query(batch, sensor, batch->time_us[0], batch->time_us[batch->count - 1]);
    tidemark_op_end("query", true);
    return mean;
}

static double ingest_batch(struct pipeline *pipeline) {
    tidemark_op_begin("batch");
    struct batch *batch = &pipeline->waiting[pipeline->waiting_count++];
    batch_init(batch, pipeline->rows);
    batch_fill(batch, (uint64_t)pipeline->number * pipeline->rows, pipeline->rows);
    wal_append(&pipeline->wal, batch, true);
    double mean = query(batch, pipeline->number % SENSORS);
    misbehave(pipeline, batch);
    if (pipeline->number % REFUSED_EVERY == REFUSED_EVERY - 1) pipeline->sink->refusals = 1;
    flush_beyond(pipeline, may_wait(pipeline));
    tidemark_op_end("batch", true);
    return mean;
}

static void ingest(struct pipeline *pipeline) {
    double sum = 0;
    uint64_t begin = clock_ns();
    tidemark_phase_begin("ingest");
    for (pipeline->number = 0; pipeline->number < pipeline->batches; pipeline->number++) {
        tidemark_phase_begin("batch");
        sum += ingest_batch(pipeline);
        tidemark_items(pipeline->rows);
        tidemark_phase_end("batch");
    }
    flush_beyond(pipeline, 0);
    tidemark_items(pipeline->batches * pipeline->rows);
    tidemark_value("log-bytes", (double)pipeline->wal.bytes);
    tidemark_value("refused", (double)pipeline->sink->refused);
    tidemark_phase_end("ingest");
    double rate = (double)(pipeline->batches * pipeline->rows) * 1e9 / (double)(clock_ns() - begin);
    printf("ingest: %u batches, %.0f rows/s, mean %.2f\n", pipeline->batches, rate, sum / pipeline->batches);
}

/* Batches of all sizes, each alone. */
static void insert_table(const struct options *options, const char *folder) {
    size_t most = by_size(options, 10000, 100000, 1000000);
    char *path = path_in(folder, "insert.wal"), phase[24];
    for (size_t rows = 100; rows <= most; rows *= 10) {
        struct wal wal;
        struct batch batch;
        snprintf(phase, sizeof phase, "insert@%zu", rows);
        tidemark_phase_begin(phase);
        wal_open(&wal, path, rows);
        batch_init(&batch, rows);
        batch_fill(&batch, 0, rows);
        wal_append(&wal, &batch, false);
        tidemark_items(rows);
        tidemark_value("bytes-per-row", (double)batch_bytes(&batch) / (double)rows);
        batch_release(&batch);
        wal_close(&wal);
        tidemark_phase_end(phase);
    }
    free(path);
}

static char **make_events(unsigned count) {
    char **events = xmalloc(count * sizeof *events);
    for (unsigned i = 0; i < count; i++) {
        struct row row = row_numbered(i);
        events[i] = row_json(&row);
    }
    return events;
}

static void drop_events(char **events, unsigned count) {
    for (unsigned i = 0; i < count; i++) free(events[i]);
    free(events);
}

static void hold_events(const struct options *options) {
    unsigned count = by_size(options, 10000, 100000, 100000);
    tidemark_phase_begin("events");
    drop_events(make_events(count), count);
    tidemark_items(count);
    tidemark_phase_end("events");
}

/* 10 000 events each second, in slices; the log is not synced. */
static void sustain(struct pipeline *pipeline) {
    unsigned slices = by_size(pipeline->options, 20, 20, 50), events = by_size(pipeline->options, 250, 1000, 1000);
    uint64_t due = clock_ns();
    tidemark_phase_begin("sustained");
    for (unsigned slice = 0; slice < slices; slice++) {
        struct batch batch;
        tidemark_phase_begin("slice");
        batch_init(&batch, events);
        batch_fill(&batch, (uint64_t)slice * events, events);
        wal_append(&pipeline->wal, &batch, false);
        flush_batch(pipeline, &batch);
        drop_events(make_events(events), events);
        due += events * 100000ull;
        sleep_until(due);
        tidemark_items(events);
        tidemark_phase_end("slice");
    }
    tidemark_phase_end("sustained");
}

/* The same rows in both forms: what one row costs in each. */
static void compare_forms(const struct options *options) {
    unsigned rows = by_size(options, 10000, 100000, 100000);
    struct batch batch;
    tidemark_phase_begin("columnar");
    batch_init(&batch, rows);
    batch_fill(&batch, 0, rows);
    double columnar = (double)batch_bytes(&batch) / rows, json = sizeof(char *);
    tidemark_items(rows);
    tidemark_value("columnar-bytes-per-row", columnar);
    tidemark_phase_end("columnar");
    tidemark_phase_begin("json");
    char **events = make_events(rows);
    for (unsigned i = 0; i < rows; i++) json += (double)strlen(events[i]) + 1;
    tidemark_items(rows);
    tidemark_value("json-bytes-per-row", json / rows);
    tidemark_value("form-ratio", json / rows / columnar);
    tidemark_phase_end("json");
    printf("a row: %.1f bytes in columns, %.1f in JSON\n", columnar, json / rows);
    drop_events(events, rows);
    batch_release(&batch);
}

static void pipeline_release(struct pipeline *pipeline) {
    while (pipeline->memories) {
        struct memory *next = pipeline->memories->next;
        free(pipeline->memories);
        pipeline->memories = next;
    }
    wal_close(&pipeline->wal);
    free(pipeline->sink);
    free(pipeline->waiting);
    free(pipeline->offsets);
    free(pipeline->index);
    free(pipeline->pauses);
    free(pipeline->names);
}

int main(int argc, char **argv) {
    struct options options = options_parse(&PROGRAM, argc, argv);
    char *folder = work_folder("pipeline"), *log = path_in(folder, "ingest.wal");
    struct pipeline pipeline = {.options = &options,
                                .rows = by_size(&options, 1000, 5000, 10000),
                                .batches = rounds_or(&options, 100, 100, 100),
                                .sink = xcalloc(1, sizeof(struct sink))};
    pipeline.waiting = xcalloc(pipeline.batches, sizeof *pipeline.waiting);
    wal_open(&pipeline.wal, log, pipeline.rows);
    insert_table(&options, folder);
    ingest(&pipeline);
    hold_events(&options);
    sustain(&pipeline);
    compare_forms(&options);
    chaos_kill(folder, by_size(&options, 12, 20, 40), pipeline.rows);
    chaos_refusal(pipeline.rows);
    chaos_outage(by_size(&options, 10, 20, 20), pipeline.rows);
    pipeline_release(&pipeline);
    free(log);
    work_folder_remove(folder);
    return 0;
}

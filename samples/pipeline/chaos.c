/*
 * Chaos of the pipeline workload; see chaos.h.
 *
 * The killed child acknowledges through a pipe after the log is synced, so what the parent has read must be recovered.
 */
#include "pipeline/chaos.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tidemark.h>

#include "common/sample.h"
#include "pipeline/rows.h"
#include "pipeline/sink.h"
#include "pipeline/wal.h"

/* In the child that will be killed: never returns. */
static _Noreturn void ingest_until_killed(const char *path, size_t rows, int acknowledge) {
    struct wal wal;
    wal_open(&wal, path, rows);
    for (uint64_t acknowledged = 0;;) {
        struct batch batch;
        tidemark_phase_begin("doomed-batch");
        batch_init(&batch, rows);
        batch_fill(&batch, acknowledged, rows);
        wal_append(&wal, &batch, true);
        batch_release(&batch);
        acknowledged += rows;
        tidemark_items(rows);
        tidemark_phase_end("doomed-batch");
        if (write(acknowledge, &acknowledged, sizeof acknowledged) != sizeof acknowledged) _exit(1);
    }
}

/* Rows acknowledged by a child that is killed once it has acknowledged `enough`. */
static uint64_t kill_in_mid_ingest(const char *path, size_t rows, uint64_t enough) {
    int ends[2];
    uint64_t acknowledged = 0, next;
    if (pipe(ends) != 0) die("pipe");
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        close(ends[0]);
        ingest_until_killed(path, rows, ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], &next, sizeof next) == sizeof next) {
        acknowledged = next;
        if (next >= enough) kill(child, SIGKILL);
    }
    waitpid(child, NULL, 0);
    close(ends[0]);
    return acknowledged;
}

static _Noreturn void recover_and_report(const char *path, size_t rows, int report) {
    tidemark_phase_begin("recover");
    struct recovery found = wal_recover(path, rows);
    tidemark_items(found.rows);
    tidemark_phase_end("recover");
    exit(write(report, &found, sizeof found) == sizeof found ? 0 : 1);
}

static struct recovery restart(const char *path, size_t rows) {
    struct recovery found = {0};
    int ends[2];
    if (pipe(ends) != 0) die("pipe");
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        close(ends[0]);
        recover_and_report(path, rows, ends[1]);
    }
    close(ends[1]);
    if (read(ends[0], &found, sizeof found) != sizeof found) die("recovery");
    waitpid(child, NULL, 0);
    close(ends[0]);
    return found;
}

void chaos_kill(const char *folder, unsigned batches, size_t rows_in_batch) {
    char *path = path_in(folder, "killed.wal");
    tidemark_phase_begin("kill");
    uint64_t acknowledged = kill_in_mid_ingest(path, rows_in_batch, batches * rows_in_batch), begin = clock_ns();
    tidemark_mark("killed");
    struct recovery found = restart(path, rows_in_batch);
    double milliseconds = (double)(clock_ns() - begin) / 1e6;
    uint64_t lost = found.rows >= acknowledged ? 0 : acknowledged - found.rows;
    tidemark_value("acknowledged", (double)acknowledged);
    tidemark_value("recovered", (double)found.rows);
    tidemark_value("lost", (double)lost);
    tidemark_value("unordered-batches", (double)found.unordered);
    tidemark_value("recovery-ms", milliseconds);
    tidemark_phase_end("kill");
    printf("kill: %llu rows acknowledged, %llu recovered, %llu lost, %.1f ms\n", (unsigned long long)acknowledged,
           (unsigned long long)found.rows, (unsigned long long)lost, milliseconds);
    free(path);
}

void chaos_refusal(size_t rows_in_batch) {
    struct batch batch;
    struct sink *sink = xcalloc(1, sizeof *sink);
    uint64_t begin = clock_ns();
    tidemark_phase_begin("refusal");
    batch_init(&batch, rows_in_batch);
    batch_fill(&batch, 0, rows_in_batch);
    sink->refusals = 3;
    for (uint64_t pause = 1000000; !sink_accept(sink, &batch); pause *= 2) sleep_until(clock_ns() + pause);
    tidemark_value("refused", (double)sink->refused);
    tidemark_value("flushed", (double)sink->rows);
    tidemark_value("lost", (double)(rows_in_batch - sink->rows));
    tidemark_value("recovery-ms", (double)(clock_ns() - begin) / 1e6);
    batch_release(&batch);
    tidemark_phase_end("refusal");
    printf("refusal: %llu times, %llu rows flushed\n", (unsigned long long)sink->refused,
           (unsigned long long)sink->rows);
    free(sink);
}

static unsigned flush_waiting(struct sink *sink, struct batch *waiting, unsigned count) {
    unsigned flushed = 0;
    while (flushed < count && sink_accept(sink, &waiting[flushed])) batch_release(&waiting[flushed++]);
    return flushed;
}

void chaos_outage(unsigned batches, size_t rows_in_batch) {
    struct batch *waiting = xcalloc(batches, sizeof *waiting);
    struct sink *sink = xcalloc(1, sizeof *sink);
    tidemark_phase_begin("outage");
    for (int i = 0; i < DEPENDENCIES; i++) sink->down[i] = true;
    for (unsigned i = 0; i < batches; i++) {
        batch_init(&waiting[i], rows_in_batch);
        batch_fill(&waiting[i], i * rows_in_batch, rows_in_batch);
        flush_waiting(sink, waiting, 1);
    }
    tidemark_value("buffered", (double)(batches * rows_in_batch));
    uint64_t begin = clock_ns();
    for (int i = 0; i < DEPENDENCIES; i++) {
        sink->down[i] = false;
        tidemark_mark("dependency-up");
    }
    unsigned flushed = flush_waiting(sink, waiting, batches);
    tidemark_value("flushed", (double)sink->rows);
    tidemark_value("lost", (double)((batches - flushed) * rows_in_batch));
    tidemark_value("recovery-ms", (double)(clock_ns() - begin) / 1e6);
    tidemark_phase_end("outage");
    printf("outage: %zu rows waited, %llu flushed\n", batches * rows_in_batch, (unsigned long long)sink->rows);
    free(sink);
    free(waiting);
}

/*
 * tidemark info: what a trace file holds and in which state it is; --verify reads and checks all of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/trace_frame.h"
#include "../input/decode.h"
#include "../input/losses.h"
#include "../replay/clock.h"
#include "../replay/replay.h"
#include "../text/plural.h"
#include "groups.h"

struct info_values {
    struct common_values common;
    bool verify;
};

static const struct option_row rows[] = {
    OPTION("verify", 0, OPTION_FLAG, NULL, offsetof(struct info_values, verify),
           "Check every byte, replay all events, say what is missing; exit status 3 if anything is damaged"),
};
static const struct option_group options = {NULL, OPTION_ROWS(rows)};
static const struct option_use uses[] = {
    {&options, 0},
    {&common_options, offsetof(struct info_values, common)},
    {NULL, 0},
};

static const char *const kind_names[] = {
    [TRACE_FRAME_PAD] = "pad",
    [TRACE_FRAME_EVENTS] = "events",
    [TRACE_FRAME_RECORDS] = "records",
    [TRACE_FRAME_NODES] = "nodes",
    [TRACE_FRAME_INDEX] = "index",
    [TRACE_FRAME_CHECKPOINT] = "checkpoint",
    [TRACE_FRAME_SLOT_RING] = "ring slots",
    [TRACE_FRAME_SLOT_JOURNAL] = "journal slots",
    [TRACE_FRAME_SLOT_NODES] = "node slots",
};
#define LOSSES_SHOWN 20u
#define KINDS (sizeof kind_names / sizeof *kind_names)

struct tally {
    uint64_t frames, stored, raw, count;
};

struct survey {                    /* of the frames */
    struct tally kinds[KINDS + 1]; /* the last: unknown kinds */
    struct tally plain;            /* of the events frames */
    uint64_t columns[DECODE_COLUMNS];
    uint64_t column_frames;
    uint64_t bad_payloads; /* of any kind */
};

static void add_columns(struct survey *survey, const struct payload *payload) {
    uint32_t sizes[DECODE_COLUMNS];
    if (decode_column_sizes(payload->bytes, payload->length, sizes, DECODE_COLUMNS)) return;
    for (size_t i = 0; i < DECODE_COLUMNS; i++) survey->columns[i] += sizes[i];
    survey->column_frames++;
}

static void count(struct tally *tally, const struct trace_frame *frame) {
    tally->frames++;
    tally->stored += TRACE_FRAME_SIZE + frame->stored_length;
    tally->raw += frame->raw_length;
    tally->count += frame->count;
}

static void add_frame(struct survey *survey, const struct trace *trace, const struct frame_entry *entry,
                      struct payload *payload) {
    const struct trace_frame *frame = &entry->frame;
    size_t kind = frame->kind < KINDS && kind_names[frame->kind] ? frame->kind : KINDS;
    count(&survey->kinds[kind], frame);
    if (kind == TRACE_FRAME_EVENTS && frame->flags & TRACE_FRAME_PLAIN) count(&survey->plain, frame);
    if (trace_frame_is_slot(frame) || kind == KINDS || kind == TRACE_FRAME_PAD) return;
    if (reader_payload(&trace->input, entry, payload)) survey->bad_payloads++;
    else if (kind == TRACE_FRAME_EVENTS) add_columns(survey, payload);
}

static void survey_frames(struct survey *survey, const struct trace *trace) {
    struct payload payload = {0};
    *survey = (struct survey){0};
    for (size_t i = 0; i < trace->input.frame_count; i++) add_frame(survey, trace, &trace->input.frames[i], &payload);
    payload_release(&payload);
}

static void print_process(const struct trace *trace) {
    const struct process_record *p = &trace->tables.process;
    const struct trace_header *h = &trace->input.header;
    printf("format         %u.%u, %s, stamps from %s\n", h->major, h->minor,
           h->state == TRACE_STATE_CLOSED ? "closed" : "open (being written, or the process was killed)",
           h->stamp_source == TRACE_STAMP_TSC ? "the time-stamp counter" : "a shared counter");
    printf("run            ");
    for (size_t i = 0; i < sizeof h->run_id; i++) printf("%02x", h->run_id[i]);
    printf("\nprocess        %u", h->pid);
    if (p->present) printf(", parent %" PRIu64 ", %s", p->parent, p->exe ? p->exe : "?");
    putchar('\n');
    if (!p->present) return;
    printf("recorder       %s, depth %" PRIu64 ", samples every %.3g ms\n", p->recorder, p->depth,
           (double)p->interval_ns / 1e6);
    printf("machine        %s, kernel %s, libc %s, allocator %s, %" PRIu64 " processor%s\n", p->host, p->kernel,
           p->libc, p->allocator, p->cpus, plural(p->cpus));
}

static void print_tally(const char *name, const struct tally *tally) {
    if (!tally->frames) return;
    printf("%-14s %8" PRIu64 " %12" PRIu64 " %14" PRIu64 " %14" PRIu64 "\n", name, tally->frames, tally->count,
           tally->stored, tally->raw);
}

static void print_frames(const struct survey *survey, const struct trace *trace) {
    printf("\n%-14s %8s %12s %14s %14s\n", "frames", "number", "content", "bytes", "unpacked");
    for (size_t i = 0; i <= KINDS; i++) {
        print_tally(i < KINDS ? kind_names[i] : "unknown", &survey->kinds[i]);
        if (i == TRACE_FRAME_EVENTS) print_tally("- plain", &survey->plain);
    }
    printf("%-14s %8s %12s %14" PRIu64 "\n", "on the disk", "", "", trace->input.stored);
    printf("%-14s %8s %12s %14" PRIu64 "\n", "with holes", "", "", trace->input.size);
}

static void print_columns(const struct survey *survey) {
    const struct tally *events = &survey->kinds[TRACE_FRAME_EVENTS];
    uint64_t total = 0;
    if (!survey->column_frames || !events->count) return;
    printf("\n%-14s %14s %10s\n", "event columns", "bytes", "per event");
    for (size_t i = 0; i < DECODE_COLUMNS; i++) {
        total += survey->columns[i];
        printf("%-14s %14" PRIu64 " %10.4f\n", decode_column_names[i], survey->columns[i],
               (double)survey->columns[i] / (double)events->count);
    }
    printf("%-14s %14" PRIu64 " %10.4f\n", "before deflate", total, (double)total / (double)events->count);
    printf("%-14s %14" PRIu64 " %10.4f\n", "in the file", events->stored,
           (double)events->stored / (double)events->count);
}

/* What is known only at the end. */
static void print_recorder(const struct end_record *end) {
    printf("recorder       %.3f s of the program's processor time, %" PRIu64 " KiB\n",
           (double)end->recorder_cpu_ns / 1e9, end->recorder_rss >> 10);
    printf("unwinding      %" PRIu64 " by libunwind, %" PRIu64 " partial, %" PRIu64 " cut", end->by_libunwind,
           end->partial, end->cut);
    if (end->checked) printf("; %" PRIu64 " checked, %" PRIu64 " different", end->checked, end->different);
    putchar('\n');
}

static void print_contents(const struct trace *trace) {
    const struct tables *t = &trace->tables;
    uint64_t words = 0;
    for (size_t i = 0; i < trace->recovery.ring_count; i++)
        words += trace->recovery.rings[i].count + trace->recovery.rings[i].nested;
    printf("\nthreads        %zu\nmodules        %zu\nstack nodes    %" PRIu64 "\nmemory samples %" PRIu64 "\n",
           t->thread_count, t->module_count, trace->nodes.written, t->memory.samples);
    printf("in slots       %zu buffer%s with %" PRIu64 " word%s, %zu byte%s of journal\n", trace->recovery.ring_count,
           plural(trace->recovery.ring_count), words, plural(words), trace->recovery.journal_length,
           plural(trace->recovery.journal_length));
    printf("end            %s\n",
           t->end.present ? "recorded" : "not recorded: killed, still running, or ended by exec");
    if (t->end.present) print_recorder(&t->end);
    if (t->exited.present)
        printf("exit           %s %" PRIu64 "\n", t->exited.kind == TRACE_EXITED_SIGNAL ? "signal" : "code",
               t->exited.value);
}

/* Prints what is wrong and returns how much of it there is. */
static uint64_t print_integrity(const struct trace *trace, const struct survey *survey) {
    const struct trace_damage *d = &trace->input.damage;
    uint64_t bad = survey->bad_payloads + d->gaps + d->tail + trace->tables.bad_records + trace->nodes.bad_frames +
                   trace->recovery.bad_slots;
    printf("\nlost events    %" PRIu64 "\n", trace->input.header.lost);
    printf("damage         %s\n", bad ? "yes" : "none");
    if (d->gaps)
        printf("               %" PRIu64 " unreadable place%s, %" PRIu64 " byte%s, the first at offset %" PRIu64 "\n",
               d->gaps, plural(d->gaps), d->gap_bytes, plural(d->gap_bytes), d->first_gap);
    if (survey->bad_payloads)
        printf("               %" PRIu64 " frame%s with bad content\n", survey->bad_payloads,
               plural(survey->bad_payloads));
    if (trace->tables.bad_records)
        printf("               %" PRIu64 " bad record%s\n", trace->tables.bad_records,
               plural(trace->tables.bad_records));
    if (trace->nodes.bad_frames)
        printf("               %" PRIu64 " bad frame%s of stacks\n", trace->nodes.bad_frames,
               plural(trace->nodes.bad_frames));
    if (trace->recovery.bad_slots) puts("               bad slots");
    if (d->tail) puts("               the file is shorter than its header says");
    return bad;
}

/*
 * Returns what is damaged. Events that contradict others are no sign of that where some between them are known to be
 * lost.
 */
static uint64_t replay_all(struct trace *trace) {
    struct replay_options how = {.workers = replay_workers()};
    struct replay_result result;
    if (replay_trace(trace, NULL, NULL, 0, &how, &result)) {
        say("out of memory");
        return 1;
    }
    const struct model_counts *counts = &result.counts;
    uint64_t undecoded = trace->input.damage.payloads;
    printf("replayed       %" PRIu64 " event%s, %" PRIu64 " impossible, %" PRIu64 " free%s of blocks born unseen\n",
           counts->events, plural(counts->events), counts->impossible, counts->unknown_frees,
           plural(counts->unknown_frees));
    printf("live at end    %" PRIu64 " byte%s in %" PRIu64 " block%s\n", result.end.live_bytes,
           plural(result.end.live_bytes), result.end.live_blocks, plural(result.end.live_blocks));
    uint64_t unexplained = trace->input.header.lost ? 0 : counts->impossible;
    return undecoded + unexplained + result.cut_rings;
}

static const char *const causes[] = {
    [TRACE_LOSS_FULL] = "the buffer was full",
    [TRACE_LOSS_FILE] = "the file could not be written",
    [TRACE_LOSS_QUEUE] = "the handlers' buffer was full",
    [TRACE_LOSS_THREADS] = "no room for one more thread",
    [TRACE_LOSS_SIZE] = "the size limit",
    [TRACE_LOSS_DAMAGE] = "damage, left out by a repair",
};
static const char *const reasons[] = {
    [LOSS_MISSING] = "missing",
    [LOSS_DAMAGED] = "damaged",
    [LOSS_DETACHED] = "can't be read without those before",
};

static void print_loss(struct replay_clock *clock, uint64_t thread, const uint64_t stamps[2], const char *events,
                       const char *why) {
    printf("               %.6f s to %.6f s", (double)clock_ns(clock, stamps[0]) / 1e9,
           (double)clock_ns(clock, stamps[1]) / 1e9);
    if (thread) printf(", thread %" PRIu64, thread);
    printf(": %s, %s\n", events, why);
}

static void print_known_losses(struct replay_clock *clock, const struct tables *tables) {
    char events[32];
    for (size_t i = 0; i < tables->loss_count && i < LOSSES_SHOWN; i++) {
        const struct loss_record *loss = &tables->losses[i];
        bool known = loss->cause < sizeof causes / sizeof *causes && causes[loss->cause];
        snprintf(events, sizeof events, "%" PRIu64 " event%s", loss->events, plural(loss->events));
        print_loss(clock, loss->thread, (uint64_t[]){loss->first_stamp, loss->last_stamp}, events,
                   known ? causes[loss->cause] : "unknown cause");
    }
    if (tables->loss_count > LOSSES_SHOWN) printf("               and %zu more\n", tables->loss_count - LOSSES_SHOWN);
}

static void print_found_losses(struct replay_clock *clock, const struct losses *losses) {
    char events[48];
    for (size_t i = 0; i < losses->count && i < LOSSES_SHOWN; i++) {
        const struct loss *loss = &losses->rows[i];
        snprintf(events, sizeof events, "%s%" PRIu64 " event%s", loss->estimated ? "at least " : "", loss->events,
                 plural(loss->events));
        print_loss(clock, loss->thread, (uint64_t[]){loss->first_stamp, loss->last_stamp}, events, reasons[loss->why]);
    }
    if (losses->count > LOSSES_SHOWN) printf("               and %zu more\n", losses->count - LOSSES_SHOWN);
}

/*
 * Prints where events are missing and returns in how many places that is damage, not a loss the trace itself tells of.
 */
static uint64_t find_losses(const struct trace *trace) {
    struct replay_clock clock;
    struct losses losses;
    clock_begin(&clock, &trace->tables);
    if (losses_find(&losses, trace)) say("out of memory");
    if (trace->tables.loss_count || losses.count) puts("losses");
    print_known_losses(&clock, &trace->tables);
    print_found_losses(&clock, &losses);
    uint64_t found = losses.count;
    losses_release(&losses);
    return found;
}

static uint64_t verify(struct trace *trace, uint64_t bad) {
    bad += replay_all(trace);
    bad += find_losses(trace);
    if (bad) puts("verified       not whole");
    else if (trace->input.header.lost)
        printf("verified       whole, but for %" PRIu64 " event%s known to be lost\n", trace->input.header.lost,
               plural(trace->input.header.lost));
    else puts("verified       whole");
    return bad;
}

static int run(void *own, int count, char **arguments) {
    const struct info_values *values = own;
    struct reader_refusal refusal;
    struct survey survey;
    struct trace trace;
    (void)count;
    if (trace_open(&trace, arguments[0], &refusal)) {
        say("%s: %s", arguments[0], reader_explain(&refusal).text);
        return STATUS_UNREADABLE;
    }
    survey_frames(&survey, &trace);
    print_process(&trace);
    print_frames(&survey, &trace);
    print_columns(&survey);
    print_contents(&trace);
    uint64_t bad = print_integrity(&trace, &survey);
    if (values->verify) bad = verify(&trace, bad);
    trace_close(&trace);
    return values->verify && bad ? STATUS_UNREADABLE : STATUS_OK;
}

const struct command command_info = {
    .name = "info",
    .arguments = "TRACE",
    .summary = "Show what a trace file holds and in which state it is",
    .text = "Exit status: 0; 3 when the trace can't be read, or --verify finds damage. Events that the trace itself "
            "counts as lost are no damage.",
    .values_size = sizeof(struct info_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

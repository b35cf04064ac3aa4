/*
 * heaptrack's interpreted format, version 3: all numbers in hex, strings with their length, instruction pointers and
 * trace nodes numbered from 1. The report holds sums, so each stack is played back: what was freed and not live at the
 * peak comes and goes first, then what was live at the peak, then what is live at the end. Sums, peak and leaks are
 * those of the report; sizes are the mean of the stack, and times in between are not kept. Format: heaptrack's
 * src/interpret/heaptrack_interpret.cpp.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "numbering.h"

enum { VERSION = 0x10400, FORMAT = 3, PLAYED_MAX = 4000000 };

struct writer {
    FILE *out;
    struct numbering strings, pointers, nodes;
    uint64_t infos; /* allocation infos written */
    int64_t merged; /* blocks that one written block stands for */
    int64_t peak;   /* bytes */
};

static uint64_t string_of(struct writer *writer, const char *text) {
    bool fresh;
    if (!text || !*text) return 0;
    uint64_t number = numbering_of(&writer->strings, &fresh, "%s", text);
    if (!fresh) return number;
    fprintf(writer->out, "s %zx ", strlen(text));
    for (; *text; text++) fputc(*text == '\n' ? ' ' : *text, writer->out);
    fputc('\n', writer->out);
    return number;
}

/* One instruction pointer for each frame; inlined ones stand for themselves. */
static uint64_t pointer_of(struct writer *writer, const struct report_frame *frame) {
    bool fresh;
    uint64_t module = string_of(writer, frame->module ? frame->module : "?"),
             function = string_of(writer, frame->function);
    uint64_t file = function ? string_of(writer, frame->file) : 0;
    uint64_t number =
        numbering_of(&writer->pointers, &fresh, "%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRId64,
                     frame->offset, module, function, file, frame->line);
    if (!fresh) return number;
    fprintf(writer->out, "i %" PRIx64 " %" PRIx64, frame->offset, module);
    if (function) fprintf(writer->out, " %" PRIx64, function);
    if (file) fprintf(writer->out, " %" PRIx64 " %" PRIx64, file, frame->line > 0 ? (uint64_t)frame->line : 0);
    fputc('\n', writer->out);
    return number;
}

/* The trace node of the whole stack; its parents lead outwards. */
static uint64_t node_of(struct writer *writer, const struct report_site *site) {
    uint64_t parent = 0;
    for (size_t k = site->depth; k-- > 0;) {
        bool fresh;
        uint64_t pointer = pointer_of(writer, &site->stack[k]);
        uint64_t node = numbering_of(&writer->nodes, &fresh, "%" PRIx64 " %" PRIx64, pointer, parent);
        if (fresh) fprintf(writer->out, "t %" PRIx64 " %" PRIx64 "\n", pointer, parent);
        parent = node;
    }
    return parent;
}

/* Playing back. */

struct batch { /* blocks of one stack, of two sizes that differ by one, so that their bytes come out exactly */
    int64_t count, bytes;
};

static int64_t mean_of(const struct batch *batch) { return batch->count ? batch->bytes / batch->count : 0; }
static int64_t larger_ones(const struct batch *batch) { return batch->count ? batch->bytes % batch->count : 0; }

static uint64_t info_of(struct writer *writer, int64_t size, uint64_t node) {
    fprintf(writer->out, "a %" PRIx64 " %" PRIx64 "\n", (uint64_t)size, node);
    return writer->infos++;
}

/* Of two infos, the first is of blocks of the mean size, the second of larger ones. */
static uint64_t infos_of(struct writer *writer, const struct batch *batch, uint64_t node) {
    uint64_t first = info_of(writer, mean_of(batch), node);
    info_of(writer, mean_of(batch) + 1, node);
    return first;
}

/* Writes `sign` for each block. Infos: two from `info` on. */
static void put_batch(struct writer *writer, char sign, uint64_t info, const struct batch *batch) {
    for (int64_t i = 0; i < batch->count; i++)
        fprintf(writer->out, "%c %" PRIx64 "\n", sign, info + (i < larger_ones(batch)));
}

/*
 * Blocks that come and go. heaptrack counts a block as temporary that is freed before another one comes; for the others
 * two pairs of infos take turns, so that the next block comes first.
 */
static void put_churn(struct writer *writer, const struct batch *batch, uint64_t node, bool temporary) {
    if (batch->count <= 0) return;
    uint64_t first = infos_of(writer, batch, node), second = temporary ? first : infos_of(writer, batch, node);
    uint64_t before = 0;
    for (int64_t i = 0; i < batch->count; i++) {
        uint64_t info = (i % 2 ? second : first) + (i < larger_ones(batch));
        fprintf(writer->out, "+ %" PRIx64 "\n", info);
        if (temporary) fprintf(writer->out, "- %" PRIx64 "\n", info);
        else if (i > 0) fprintf(writer->out, "- %" PRIx64 "\n", before);
        before = info;
    }
    if (!temporary) fprintf(writer->out, "- %" PRIx64 "\n", before);
}

struct playback { /* of one site */
    struct batch passing, peak,
        end; /* peak: live then and freed later; end: live at the end, some of it at the peak too */
    uint64_t peak_info, end_info, node;
    int64_t end_at_peak;
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t known(int64_t value) { return value > 0 ? value : 0; }

/* Bytes are exact; how many blocks were live at the peak is told by the mean size. */
static struct playback plan(const struct report_site *site, int64_t merged) {
    struct playback play = {0};
    int64_t blocks = known(site->allocations), bytes = known(site->allocated_bytes);
    int64_t mean = blocks ? bytes / blocks + 1 : 1;
    play.end = (struct batch){known(site->live_blocks_end), known(site->live_bytes_end)};
    play.end_at_peak = least(known(site->live_at_peak), play.end.bytes);
    play.peak.bytes = known(site->live_at_peak) - play.end_at_peak;
    play.peak.count = least(play.peak.bytes ? play.peak.bytes / mean + 1 : 0, blocks - play.end.count);
    play.passing.count = known(blocks - play.end.count - play.peak.count);
    play.passing.bytes = play.passing.count ? known(bytes - play.end.bytes - play.peak.bytes) : 0;
    struct batch *const batches[] = {&play.passing, &play.peak, &play.end};
    for (size_t i = 0; i < 3; i++) batches[i]->count = (batches[i]->count + merged - 1) / merged;
    return play;
}

static void put_site(struct writer *writer, const struct report_site *site, struct playback *play) {
    *play = plan(site, writer->merged);
    play->node = node_of(writer, site);
    bool alone = 2 * mean_of(&play->passing) > writer->peak; /* two at once never were */
    put_churn(writer, &play->passing, play->node, alone || site->temporary * 2 > site->allocations);
    play->peak_info = infos_of(writer, &play->peak, play->node);
    play->end_info = infos_of(writer, &play->end, play->node);
}

static void put_sites(struct writer *writer, const struct report *report, struct playback *plays) {
    for (size_t i = 0; i < report->site_count; i++) put_site(writer, &report->sites[i], &plays[i]);
    for (size_t i = 0; i < report->site_count; i++)
        if (plays[i].end_at_peak > 0) put_batch(writer, '+', plays[i].end_info, &plays[i].end);
    for (size_t i = 0; i < report->site_count; i++) put_batch(writer, '+', plays[i].peak_info, &plays[i].peak);
    fprintf(writer->out, "c %" PRIx64 "\n", (uint64_t)known(report->totals.peak_live_t) / 1000000);
    for (size_t i = 0; i < report->site_count; i++) put_batch(writer, '-', plays[i].peak_info, &plays[i].peak);
    for (size_t i = 0; i < report->site_count; i++)
        if (plays[i].end_at_peak <= 0) put_batch(writer, '+', plays[i].end_info, &plays[i].end);
}

/* So many allocations that the file would not be useful: one line then stands for several, and bytes stay right. */
static int64_t merging(const struct report *report) {
    int64_t blocks = 0;
    for (size_t i = 0; i < report->site_count; i++) blocks += known(report->sites[i].allocations);
    return blocks / PLAYED_MAX + 1;
}

static void put_head(struct writer *writer, const struct report *report) {
    fprintf(writer->out, "v %x %x\nX ", VERSION, FORMAT);
    for (const char *c = report->process_count && report->processes[0].exe ? report->processes[0].exe : "unknown"; *c;
         c++)
        fputc((unsigned char)*c < ' ' ? '?' : *c, writer->out);
    fprintf(writer->out, "\nI 1000 %" PRIx64 "\n", (uint64_t)known(report->system.ram_bytes) / 4096);
}

static void put_end(struct writer *writer, const struct report *report) {
    if (report->process_count) fprintf(writer->out, "c %" PRIx64 "\n", (uint64_t)known(report->duration_ns) / 1000000);
    fprintf(writer->out, "R %" PRIx64 "\n", (uint64_t)known(report->totals.peak_rss_bytes) / 4096);
}

int export_heaptrack(FILE *out, const struct report *report, const struct export_options *options) {
    (void)options;
    struct writer writer = {.out = out, .merged = merging(report), .peak = known(report->totals.peak_live_bytes)};
    struct playback *plays = calloc(report->site_count + 1, sizeof *plays);
    if (!plays) return -ENOMEM;
    put_head(&writer, report);
    put_sites(&writer, report, plays);
    put_end(&writer, report);
    free(plays);
    bool whole = numbering_end(&writer.strings);
    whole &= numbering_end(&writer.pointers);
    whole &= numbering_end(&writer.nodes);
    return whole ? export_flush(out) : -ENOMEM;
}

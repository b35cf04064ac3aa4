/*
 * Follows phases, their work and their memory. See phases.h.
 *
 * A memory event costs two additions: to what is live of the blocks born after an edge, and of those born in the set of
 * phases that were open then. Peaks are kept once for each edge and handed to the open rounds at the next.
 */
#include "phases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "extremes.h"
#include "open_ops.h"
#include "phase_names.h"
#include "phase_paths.h"
#include "phase_record.h"
#include "phase_sets.h"

#define SAMPLE_DELAY 5000000u /* ns: an edge's own sample comes at most this much after it */
#define MARKS_MAX 10000u
#define MAIN_THREAD 1u
#define OPEN_MAX 4096u /* rounds at one time, in all threads; what begins beyond them is not seen */

struct open_round {
    size_t phase;
    uint32_t path, thread;
    struct phase_level begin;
    uint64_t items, live_peak, rss_peak;
    bool begin_open; /* the sample of its beginning may still come */
};

struct edge {      /* what happened after it, until the next */
    uint64_t live; /* bytes born then and live */
    uint64_t live_peak, rss_peak;
    uint32_t set;
};

struct phases {
    struct phase *list;
    size_t count;
    struct phase_names names;
    struct open_round *open; /* in order of their beginnings; [0] is run */
    size_t open_count;
    struct open_ops ops;
    struct phase_paths paths;
    struct phase_sets sets;
    struct edge *edges;
    size_t edge_count;
    uint32_t set; /* of the phases that are open */
    uint64_t allocations, allocated_bytes, rss;
    uint64_t live_peak, rss_peak; /* since the last edge */
    struct phase_mark *marks;
    size_t mark_count;
    char *stopped;
    uint64_t anomalies;
    bool failed; /* out of memory */
};

static size_t add_phase(struct phases *p, const char *name, size_t parent) {
    if (!list_make_room(&p->list, p->count, sizeof *p->list)) return PHASE_NO_PARENT;
    struct phase *phase = &p->list[p->count];
    if (!phase_record_begin(phase, name, parent)) return PHASE_NO_PARENT;
    if (!phase_names_add(&p->names, phase->name, p->count)) return p->count++;
    phase_record_release(phase);
    return PHASE_NO_PARENT;
}

static size_t phase_named(struct phases *p, const char *name, size_t parent) {
    size_t found = phase_names_find(&p->names, name);
    if (found == PHASE_NO_PARENT) found = add_phase(p, name, parent);
    p->failed |= found == PHASE_NO_PARENT;
    return found;
}

static struct phase_level level_now(const struct phases *p, const struct moment *now) {
    return (struct phase_level){now->ns,        now->live_bytes,    now->live_blocks, p->rss,
                                p->allocations, p->allocated_bytes, now->edge};
}

static void open_round(struct phases *p, size_t phase, uint32_t path, uint32_t thread, const struct moment *now) {
    struct open_round *round = path == PHASE_NO_PATH ? NULL : LIST_ADD(p->open, p->open_count);
    if (!round) {
        p->failed = true;
        return;
    }
    *round = (struct open_round){.phase = phase,
                                 .path = path,
                                 .thread = thread,
                                 .begin = level_now(p, now),
                                 .live_peak = now->live_bytes,
                                 .rss_peak = p->rss,
                                 .begin_open = true};
    p->list[phase].open++;
}

/* So many edges are behind us; the set of the last one is the one that holds now. */
static bool add_edges(struct phases *p, size_t count) {
    while (p->edge_count < count) {
        struct edge *edge = LIST_ADD(p->edges, p->edge_count);
        if (!edge) return false;
        *edge = (struct edge){.rss_peak = PHASE_UNKNOWN, .set = p->set};
    }
    return true;
}

static void *phases_begin(const struct replay_facts *facts) {
    struct phases *p = calloc(1, sizeof *p);
    (void)facts;
    if (!p) return NULL;
    p->rss = p->rss_peak = PHASE_UNKNOWN;
    if (phase_sets_begin(&p->sets) && add_phase(p, "run", PHASE_NO_PARENT) == 0 && add_edges(p, 1))
        open_round(p, 0, phase_paths_into(&p->paths, PHASE_NO_PATH, 0), 0, &(struct moment){0});
    if (p->open_count) return p;
    phases_release(p);
    return NULL;
}

void phases_release(struct phases *p) {
    if (!p) return;
    for (size_t i = 0; i < p->count; i++) phase_record_release(&p->list[i]);
    for (size_t i = 0; i < p->mark_count; i++) free(p->marks[i].name);
    phase_names_release(&p->names);
    free(p->list);
    free(p->open);
    open_ops_release(&p->ops);
    phase_paths_release(&p->paths);
    phase_sets_release(&p->sets);
    free(p->edges);
    free(p->marks);
    free(p->stopped);
    free(p);
}

/* Memory events. */

/*
 * What the process's blocks grew by, in bytes modulo 2^64. Without a branch: kinds come in no order that could be
 * foreseen.
 */
static inline uint64_t change_of(const struct block_event *event) {
    uint64_t gone = event->kind == BLOCK_DIED ? event->size : 0;
    uint64_t before = event->kind == BLOCK_RESIZED ? event->old_size : gone;
    return event->size - gone - before;
}

static inline void count_allocation(struct phases *p, const struct block_event *event) {
    bool allocated = event->kind == BLOCK_BORN || (event->kind == BLOCK_RESIZED && !event->mapped);
    p->allocations += allocated;
    p->allocated_bytes += allocated ? event->size : 0;
}

/* A change counts where the block was born. */
static void add_change(struct phases *p, uint32_t birth_edge, uint64_t change) {
    if (birth_edge >= p->edge_count && !add_edges(p, birth_edge + 1)) {
        p->failed = true;
        return;
    }
    struct edge *born = &p->edges[birth_edge];
    born->live += change;
    p->sets.live[born->set] += change;
}

static void phases_blocks(void *self, const struct block_event *events, size_t count,
                          const struct block_levels *levels) {
    struct phases *p = self;
    uint32_t edge = events->birth_edge;
    uint64_t change = 0;
    if (levels->bytes_max > p->live_peak) p->live_peak = levels->bytes_max;
    for (const struct block_event *event = events; event < events + count; event++) {
        count_allocation(p, event);
        if (event->birth_edge != edge) {
            add_change(p, edge, change);
            edge = event->birth_edge;
            change = 0;
        }
        change += change_of(event);
    }
    add_change(p, edge, change);
}

/* The peaks of the time since the last edge go to the rounds that were open then. */
static void hand_out_peaks(struct phases *p, const struct moment *now) {
    struct edge *last = &p->edges[p->edge_count - 1];
    last->live_peak = p->live_peak;
    last->rss_peak = p->rss_peak;
    for (size_t i = 0; i < p->open_count; i++)
        if (p->live_peak > p->open[i].live_peak) p->open[i].live_peak = p->live_peak;
    p->live_peak = now->live_bytes;
    p->rss_peak = p->rss;
}

/* Rounds. */

/* The innermost round that this thread's work belongs to: its own, else the main thread's or one from outside. */
static size_t innermost(const struct phases *p, uint32_t thread) {
    for (size_t i = p->open_count; i-- > 1;)
        if (p->open[i].thread == thread) return i;
    for (size_t i = p->open_count; i-- > 1;)
        if (p->open[i].thread <= MAIN_THREAD) return i;
    return 0;
}

static void close_round(struct phases *p, size_t index, const struct moment *now) {
    struct open_round open = p->open[index];
    struct phase *phase = &p->list[open.phase];
    p->open_count--;
    memmove(&p->open[index], &p->open[index + 1], (p->open_count - index) * sizeof *p->open);
    phase->open--;
    struct phase_round round = {.begin = open.begin, .end = level_now(p, now), .items = open.items};
    phase->retained_bytes = phase_sets_live(&p->sets, open.phase);
    if (open.live_peak > phase->live_peak) phase->live_peak = open.live_peak;
    phase_record_rss_peak(phase, open.begin.rss, open.rss_peak);
    p->failed |= !phase_record_round(phase, &round);
    if (!phase->open && open.phase) p->failed |= !phase_sets_change(&p->sets, &p->set, (uint32_t)open.phase, false);
}

/* The time since the last round of this phase ended was a round of `between` it. */
static void add_between(struct phases *p, size_t index, const struct moment *now) {
    struct phase *phase = &p->list[index];
    static const char prefix[] = "between ";
    struct phase_round round = {.begin = phase->last, .end = level_now(p, now)};
    char *name = malloc(sizeof prefix + strlen(phase->name));
    size_t between = name ? phase_named(p, strcat(strcpy(name, prefix), phase->name), phase->parent) : PHASE_NO_PARENT;
    free(name);
    if (between == PHASE_NO_PARENT) return;
    struct phase *found = &p->list[between];
    uint64_t rss = round.begin.rss;
    for (uint32_t edge = round.begin.edge; edge < now->edge && edge < p->edge_count; edge++) {
        found->retained_bytes += p->edges[edge].live;
        if (p->edges[edge].live_peak > found->live_peak) found->live_peak = p->edges[edge].live_peak;
        rss = most_known(rss, p->edges[edge].rss_peak);
    }
    phase_record_rss_peak(found, round.begin.rss, rss);
    p->failed |= !phase_record_round(found, &round);
}

static void begin_phase(struct phases *p, const struct control *control, const struct moment *now) {
    if (p->open_count == OPEN_MAX) return;
    const struct open_round *around = &p->open[innermost(p, now->thread)];
    uint32_t outer = around->path;
    size_t index = phase_named(p, control->name, around->phase);
    if (index == PHASE_NO_PARENT) return;
    hand_out_peaks(p, now);
    bool first = !p->list[index].open && index;
    if (first && p->list[index].rounds) add_between(p, index, now);
    p->list[index].approximate |= control->flags & TRACE_EVENT_APPROXIMATE;
    open_round(p, index, phase_paths_into(&p->paths, outer, index), now->thread, now);
    if (first) p->failed |= !phase_sets_change(&p->sets, &p->set, (uint32_t)index, true);
    p->failed |= !add_edges(p, now->edge + 1);
}

/* The round that an end means: this thread's last one of that name, else the last of any thread; 0: none. */
static size_t round_to_end(const struct phases *p, size_t phase, uint32_t thread) {
    for (size_t i = p->open_count; i-- > 1;)
        if (p->open[i].phase == phase && p->open[i].thread == thread) return i;
    for (size_t i = p->open_count; i-- > 1;)
        if (p->open[i].phase == phase) return i;
    return 0;
}

static void end_phase(struct phases *p, const struct control *control, const struct moment *now) {
    size_t phase = phase_names_find(&p->names, control->name);
    size_t index = phase == PHASE_NO_PARENT ? 0 : round_to_end(p, phase, now->thread);
    if (!index) {
        p->anomalies++;
        return;
    }
    hand_out_peaks(p, now);
    uint32_t thread = p->open[index].thread;
    p->list[phase].approximate |= control->flags & TRACE_EVENT_APPROXIMATE;
    for (size_t i = p->open_count; i-- > index + 1;) /* phases nest: what it opened inside ends with it */
        if (p->open[i].thread == thread) close_round(p, i, now);
    close_round(p, index, now);
    p->failed |= !add_edges(p, now->edge + 1);
}

/* Work. */

static void add_items(struct phases *p, const struct control *control, const struct moment *now) {
    struct open_round *round = &p->open[innermost(p, now->thread)];
    struct phase *phase = &p->list[round->phase];
    if (!*control->name) round->items += control->value;
    else p->failed |= !phase_record_unit(phase, control->name, control->value);
}

static void begin_op(struct phases *p, const struct control *control, const struct moment *now) {
    uint32_t path = p->open[innermost(p, now->thread)].path;
    if (open_ops_begin(&p->ops, control, now, path)) {
        p->failed = true;
        return;
    }
    for (; path != PHASE_NO_PATH; path = p->paths.list[path].outer) {
        struct phase *phase = &p->list[p->paths.list[path].phase];
        p->failed |= !phase_record_op_begin(phase, control->name);
    }
}

/* Counts for the phase that it began in and for all that were around that. */
static void end_op(struct phases *p, const struct control *control, const struct moment *now) {
    struct open_op open;
    if (!open_ops_end(&p->ops, control, now, &open)) {
        p->anomalies++;
        return;
    }
    for (uint32_t path = open.path; path != PHASE_NO_PATH; path = p->paths.list[path].outer) {
        struct phase *phase = &p->list[p->paths.list[path].phase];
        p->failed |= !phase_record_op_end(phase, open.name, control->status, now->ns - open.start_ns);
    }
}

static void add_value(struct phases *p, const struct control *control, const struct moment *now) {
    struct phase *phase = &p->list[p->open[innermost(p, now->thread)].phase];
    double value;
    memcpy(&value, &control->value, sizeof value);
    p->failed |= !phase_record_value(phase, control->name, value);
}

static void add_mark(struct phases *p, const struct control *control, const struct moment *now) {
    if (p->mark_count == MARKS_MAX) return;
    if (!p->marks) p->marks = calloc(MARKS_MAX, sizeof *p->marks);
    char *copy = p->marks ? strdup(control->name) : NULL;
    if (copy) p->marks[p->mark_count++] = (struct phase_mark){copy, now->ns};
    p->failed |= !copy;
}

static void note_stop(struct phases *p, const struct control *control, const struct moment *now) {
    (void)now;
    free(p->stopped);
    p->stopped = strdup(control->name);
}

static void note_anomaly(struct phases *p, const struct control *control, const struct moment *now) {
    (void)control, (void)now;
    p->anomalies++;
}

static void (*const controls[])(struct phases *, const struct control *, const struct moment *) = {
    [TRACE_EVENT_PHASE_BEGIN] = begin_phase, [TRACE_EVENT_PHASE_END] = end_phase,  [TRACE_EVENT_ITEMS] = add_items,
    [TRACE_EVENT_OP_BEGIN] = begin_op,       [TRACE_EVENT_OP_END] = end_op,        [TRACE_EVENT_OP_START] = begin_op,
    [TRACE_EVENT_OP_FINISH] = end_op,        [TRACE_EVENT_VALUE] = add_value,      [TRACE_EVENT_MARK] = add_mark,
    [TRACE_EVENT_STOP] = note_stop,          [TRACE_EVENT_ANOMALY] = note_anomaly,
};

static void phases_control(void *self, const struct control *control, const struct moment *now) {
    if (control->kind < sizeof controls / sizeof *controls && controls[control->kind])
        controls[control->kind](self, control, now);
}

/* Samples. */

static bool just_before(uint64_t edge_ns, const struct moment *now) { return now->ns - edge_ns <= SAMPLE_DELAY; }

static void sample_ends(struct phases *p, const struct memory_sample *sample, const struct moment *now) {
    for (size_t i = 0; i < p->count; i++) {
        struct phase *phase = &p->list[i];
        if (!phase->end_open) continue;
        phase->end_open = false;
        if (sample->edge && just_before(phase->last.ns, now)) phase_record_end_rss(phase, p->rss);
    }
}

static void phases_sample(void *self, const struct memory_sample *sample, const struct moment *now) {
    struct phases *p = self;
    p->rss = sample->rss > sample->recorder_rss ? sample->rss - sample->recorder_rss : 0;
    p->rss_peak = most_known(p->rss_peak, p->rss);
    for (size_t i = 0; i < p->open_count; i++) {
        struct open_round *open = &p->open[i];
        bool first = open->begin.rss == PHASE_UNKNOWN;
        if (open->begin_open && (first || (sample->edge && just_before(open->begin.ns, now)))) {
            open->begin.rss = p->rss;
            open->rss_peak = p->rss;
        }
        open->begin_open = false;
        open->rss_peak = most_known(open->rss_peak, p->rss);
    }
    sample_ends(p, sample, now);
}

static int phases_end(void *self, const struct moment *now) {
    struct phases *p = self;
    hand_out_peaks(p, now);
    while (p->open_count) close_round(p, p->open_count - 1, now);
    return p->failed ? -ENOMEM : 0;
}

size_t phases_count(const struct phases *p) { return p->count; }
const struct phase *phases_get(const struct phases *p, size_t index) { return &p->list[index]; }
const char *phases_stopped(const struct phases *p) { return p->stopped; }
uint64_t phases_anomalies(const struct phases *p) { return p->anomalies; }

size_t phases_marks(const struct phases *p, const struct phase_mark **marks) {
    *marks = p->marks;
    return p->mark_count;
}

const struct analysis phases_analysis = {
    .begin = phases_begin,
    .blocks = phases_blocks,
    .control = phases_control,
    .sample = phases_sample,
    .end = phases_end,
};

/*
 * From names of functions to stacks, from stacks to calls, from calls to phase edges. See by_function.h.
 */
#include "by_function.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../analysis/activations.h"
#include "../symbols/symbols.h"
#include "subject.h"

enum { DEPTH_MAX = 4096, ANSWERS = 1 << 14 };

struct pair { /* of stacks, and what was found out about them */
    uint32_t from, to;
    uint32_t function;
    bool known, same;
};

struct watcher {
    const struct stack_nodes *nodes;
    struct symbols *symbols;
    uint32_t space;
    const struct function_phases *phases;
    uint32_t **frames;    /* see struct function_watch */
    struct pair *answers; /* ANSWERS of them; a later one replaces an earlier one */
};

static uint32_t module_of(const struct stack_node *node) { return node->info & TRACE_NODE_MODULE_MASK; }

static bool has_function(const struct watcher *watcher, size_t phase, const struct stack_node *node, bool *inlined) {
    const struct symbol_frame *frames;
    const regex_t *function = &watcher->phases->items[phase].function;
    bool returning = !(node->info & TRACE_NODE_SIGNAL);
    size_t count = symbols_resolve(watcher->symbols, watcher->space, module_of(node), node->ip, returning, &frames);
    for (size_t f = count; f-- > 0;) {
        *inlined = frames[f].inlined;
        if (frames[f].function && !regexec(function, frames[f].function, 0, NULL, 0)) return true;
    }
    return false;
}

/* Which call is the outermost: a node's parent has a smaller id, so its answers are there already. */
static void watch_node(struct watcher *watcher, uint32_t id, const struct stack_node *node) {
    bool inlined;
    for (size_t p = 0; p < watcher->phases->count; p++) {
        uint32_t *frames = watcher->frames[p];
        frames[id] = frames[node->parent];
        if (!frames[id] && has_function(watcher, p, node, &inlined)) frames[id] = id;
    }
}

static int watch_nodes(struct watcher *watcher) {
    size_t count = (size_t)watcher->nodes->count + 1;
    watcher->answers = calloc(ANSWERS, sizeof *watcher->answers);
    watcher->frames = calloc(watcher->phases->count, sizeof *watcher->frames);
    if (!watcher->frames || !watcher->answers) return -ENOMEM;
    for (size_t p = 0; p < watcher->phases->count; p++)
        if (!(watcher->frames[p] = calloc(count, sizeof **watcher->frames))) return -ENOMEM;
    for (uint32_t id = 1; id < watcher->nodes->count; id++) {
        const struct stack_node *node = nodes_get(watcher->nodes, id);
        if (node) watch_node(watcher, id, node);
    }
    return 0;
}

static void release_watcher(struct watcher *watcher) {
    for (size_t p = 0; watcher->frames && p < watcher->phases->count; p++) free(watcher->frames[p]);
    free(watcher->frames);
    free(watcher->answers);
}

/* The frames of `stack` from `frame` inwards, by id. */
static size_t path_to(const struct watcher *watcher, uint32_t stack, uint32_t frame, uint32_t *path) {
    size_t count = 0;
    const struct stack_node *node = nodes_get(watcher->nodes, stack);
    while (node && stack >= frame && count < DEPTH_MAX) {
        path[count++] = stack;
        stack = node->parent;
        node = nodes_get(watcher->nodes, stack);
    }
    for (size_t i = 0; i < count / 2; i++) {
        uint32_t swapped = path[i];
        path[i] = path[count - 1 - i];
        path[count - 1 - i] = swapped;
    }
    return count;
}

static bool may_flow(const struct watcher *watcher, uint32_t from, uint32_t to) {
    const struct stack_node *a = nodes_get(watcher->nodes, from), *b = nodes_get(watcher->nodes, to);
    if (module_of(a) != module_of(b) || (a->info | b->info) & TRACE_NODE_SIGNAL) return true;
    return symbols_may_flow(watcher->symbols, watcher->space, module_of(a), a->ip, b->ip);
}

/*
 * Level by level, from the function's own frame inwards. Where the frames differ, one call made both if its code leads
 * from the one to the other; where they are the same, that call was repeated if the code leads back to it, else the
 * answer lies further inside. An allocation at the innermost frame can't be made twice by one call of it.
 */
static bool one_call(const struct watcher *watcher, const uint32_t *from, size_t from_count, const uint32_t *to,
                     size_t to_count) {
    for (size_t i = 0; i < from_count && i < to_count; i++) {
        if (may_flow(watcher, from[i], to[i])) return true;
        if (from[i] != to[i]) return false;
    }
    return from_count != to_count;
}

static bool find_out(const struct watcher *watcher, const struct pair *pair) {
    uint32_t from[DEPTH_MAX], to[DEPTH_MAX];
    uint32_t first = watcher->frames[pair->function][pair->from], second = watcher->frames[pair->function][pair->to];
    const struct stack_node *a = nodes_get(watcher->nodes, first), *b = nodes_get(watcher->nodes, second);
    bool inlined = false;
    if (a->parent != b->parent) return false;
    if (has_function(watcher, pair->function, a, &inlined) && inlined) return true; /* its code is not told apart */
    size_t from_count = path_to(watcher, pair->from, first, from), to_count = path_to(watcher, pair->to, second, to);
    return one_call(watcher, from, from_count, to, to_count);
}

static bool same_call(void *context, size_t function, uint32_t from, uint32_t to) {
    const struct watcher *watcher = context;
    uint32_t hash = (from * 0x9e3779b1u ^ to * 0x85ebca6bu ^ (uint32_t)function) * 0xc2b2ae35u;
    struct pair *answer = &watcher->answers[hash >> 18];
    if (answer->known && answer->from == from && answer->to == to && answer->function == function) return answer->same;
    *answer = (struct pair){from, to, (uint32_t)function, .known = true};
    return answer->same = find_out(watcher, answer);
}

static int add_edges(struct subject *subject, const struct activations *found, const struct function_phases *phases,
                     struct function_calls *calls) {
    size_t count;
    const struct activation *list = activations_list(found, &count);
    struct request_record *edges = calloc(2 * count + 1, sizeof *edges);
    if (!edges) return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct request_record edge = {.stamp = list[i].begin,
                                      .command = TRACE_COMMAND_PHASE_BEGIN,
                                      .thread = list[i].thread,
                                      .depth = list[i].first,
                                      .name = phases->items[list[i].function].name};
        edges[2 * i] = edge;
        edge.stamp = list[i].end;
        edge.command = TRACE_COMMAND_PHASE_END;
        edge.depth = list[i].last;
        edges[2 * i + 1] = edge;
        calls->calls[list[i].function]++;
    }
    calls->dropped += activations_dropped(found);
    int error = tables_add_edges(&subject->trace.tables, edges, 2 * count);
    free(edges);
    return error;
}

static int find_calls(struct subject *subject, const struct function_watch *watch, const struct replay_options *options,
                      struct activations **found) {
    static const struct analysis *const analyses[] = {&activations_analysis};
    struct replay_options first = *options;
    struct replay_result result;
    void *selves[1] = {NULL};
    struct trace_damage damage = subject->trace.input.damage;
    first.watch = watch;
    int error = replay_trace(&subject->trace, analyses, selves, 1, &first, &result);
    subject->trace.input.damage = damage; /* the replay that follows meets it again */
    *found = selves[0];
    return error;
}

int by_function_add_phases(struct subject *subject, struct symbols *symbols, uint32_t space,
                           const struct function_phases *phases, const struct replay_options *options,
                           struct function_calls *calls) {
    struct watcher watcher = {.nodes = &subject->trace.nodes, .symbols = symbols, .space = space, .phases = phases};
    struct activations *found = NULL;
    int error = watch_nodes(&watcher);
    struct function_watch watch = {.frames = watcher.frames,
                                   .count = phases->count,
                                   .stack_count = watcher.nodes->count,
                                   .same_call = same_call,
                                   .context = &watcher};
    if (!error) error = find_calls(subject, &watch, options, &found);
    if (!error) error = add_edges(subject, found, phases, calls);
    activations_release(found);
    release_watcher(&watcher);
    return error;
}

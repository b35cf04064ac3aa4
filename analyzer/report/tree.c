/*
 * Finds the traces of a run. See tree.h.
 */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../input/tables.h"

#define DEPTH_MAX 8 /* folders inside folders */

struct search {
    struct tree *tree;
    struct arena *arena;
    bool named;   /* a file of the command line */
    size_t known; /* files that were found before */
    bool meant;   /* that, or below a folder of it */
};

static void refuse(struct search *search, const char *path, const char *why) {
    struct tree *tree = search->tree;
    struct tree_refused *row = ARENA_ADD(search->arena, tree->refused, tree->refused_count);
    *row = (struct tree_refused){arena_text(search->arena, path), arena_text(search->arena, why)};
    tree->unread_named += search->named;
}

/* When the process began, and its program in it, from its own record, which is among the first of the journal. */
static void set_start(struct tree_trace *trace, struct trace_input *input) {
    struct record_cursor cursor;
    struct record record;
    records_begin(&cursor, input, NULL);
    for (int i = 0; i < 64 && records_next(&cursor, &record); i++) {
        if (record.kind != TRACE_RECORD_PROCESS) continue;
        wire_get_varint(&record.body);
        wire_get_varint(&record.body);
        trace->start_ns = wire_get_varint(&record.body);
        trace->exec_count = wire_get_varint(&record.body);
        break;
    }
    records_end(&cursor);
}

/* Named twice, or beside the folder that it lies in: it is one process all the same. */
static bool is_known(const struct search *search, const struct tree_trace *trace) {
    for (size_t i = 0; i < search->tree->count; i++) {
        const struct tree_trace *other = &search->tree->traces[i];
        bool same_file = trace->inode && other->inode == trace->inode && other->device == trace->device;
        if (same_file && (!trace->bundle || strcmp(strrchr(other->path, '/'), strrchr(trace->path, '/')) == 0))
            return true;
    }
    return false;
}

static void add_file(struct search *search, const char *path, const char *bundle, bool first) {
    struct trace_input input;
    struct stat facts;
    struct reader_refusal refusal;
    if (reader_open(&input, path, &refusal)) {
        refuse(search, path, reader_explain(&refusal).text);
        return;
    }
    struct tree_trace trace = {.path = arena_text(search->arena, path),
                               .bundle = bundle,
                               .pid = input.header.pid,
                               .first = first,
                               .meant = search->meant};
    if (!stat(bundle ? bundle : path, &facts)) {
        trace.device = facts.st_dev;
        trace.inode = facts.st_ino;
    }
    memcpy(trace.run_id, input.header.run_id, sizeof trace.run_id);
    set_start(&trace, &input);
    reader_close(&input);
    if (is_known(search, &trace)) search->known++;
    else *ARENA_ADD(search->arena, search->tree->traces, search->tree->count) = trace;
}

/* Whether it is one; then its traces are added, the first of them as the one that was named. */
static bool add_bundle(struct search *search, const char *path, bool first, bool self) {
    struct bundle *bundle;
    if (bundle_open(&bundle, path)) return false;
    const char *owned = arena_text(search->arena, path);
    bool more = true;
    for (size_t i = 0; i < bundle->count && more; i++) {
        const struct bundle_member *member = &bundle->members[i];
        if (member->kind != BUNDLE_TRACE) continue;
        add_file(search, arena_format(search->arena, "%s/%s", path, member->name), owned, first);
        more = !self;
        first = false;
    }
    bundle_close(bundle);
    return true;
}

static bool is_trace_name(const char *name) {
    const char *dot = strstr(name, ".perf-map") ? NULL : strstr(name, ".tmk");
    if (!dot) dot = strstr(name, ".tmb");
    return dot && (!dot[4] || dot[4] == '.');
}

static void add_folder(struct search *search, const char *path, int depth) {
    struct dirent **entries;
    int count = depth < DEPTH_MAX ? scandir(path, &entries, NULL, alphasort) : -1, error = errno;
    for (int i = 0; i < count; i++) {
        struct stat facts;
        const char *name = entries[i]->d_name;
        char *inner = arena_format(search->arena, "%s/%s", path, name);
        bool known = strcmp(name, ".") && strcmp(name, "..") && !lstat(inner, &facts);
        if (known && S_ISDIR(facts.st_mode)) add_folder(search, inner, depth + 1);
        if (known && S_ISREG(facts.st_mode) && is_trace_name(name) && !add_bundle(search, inner, false, false))
            add_file(search, inner, NULL, false);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    else if (depth < DEPTH_MAX)
        refuse(search, path, arena_format(search->arena, "cannot be read: %s", strerror(error)));
}

static size_t found(const struct search *search) {
    return search->tree->count + search->tree->refused_count + search->known;
}

static bool is_folder(const char *path) {
    struct stat facts;
    return !stat(path, &facts) && S_ISDIR(facts.st_mode);
}

static void add_path(struct search *search, const char *path, bool self) {
    size_t before = found(search);
    const char *children = arena_format(search->arena, "%s.d", path);
    search->meant = true;
    search->named = false;
    if (is_folder(path)) {
        add_folder(search, path, 0);
        if (found(search) == before) refuse(search, path, "is a directory without traces in it");
        return;
    }
    if (!self && access(path, F_OK) && errno == ENOENT && is_folder(children)) { /* --only, or CMD was not recorded */
        add_folder(search, children, 0);
        search->tree->absent = found(search) > before ? arena_text(search->arena, path) : NULL;
        if (search->tree->absent) return;
    }
    search->named = true;
    if (add_bundle(search, path, true, self)) return;
    add_file(search, path, NULL, true);
    search->named = search->meant = false;
    if (!self && is_folder(children)) add_folder(search, children, 0);
}

static bool same_run(const struct tree_trace *a, const struct tree_trace *b) {
    return !memcmp(a->run_id, b->run_id, sizeof a->run_id);
}

/* The run that is meant: that of the first file named, else the one with most traces, the later of equals. */
static const struct tree_trace *chosen_run(const struct tree *tree) {
    const struct tree_trace *best = &tree->traces[0];
    size_t most = 0;
    if (best->first) return best;
    for (size_t i = 0; i < tree->count; i++) {
        size_t same = 0;
        for (size_t j = 0; j < tree->count; j++) same += same_run(&tree->traces[i], &tree->traces[j]);
        if (same < most || (same == most && tree->traces[i].start_ns < best->start_ns)) continue;
        most = same;
        best = &tree->traces[i];
    }
    return best;
}

static void keep_run(struct tree *tree) {
    struct tree_trace run = *chosen_run(tree);
    size_t kept = 0;
    for (size_t i = 0; i < tree->count; i++) {
        if (same_run(&tree->traces[i], &run)) {
            tree->traces[kept++] = tree->traces[i];
            continue;
        }
        tree->other_runs++;
        tree->meant_runs += tree->traces[i].meant;
    }
    tree->count = kept;
}

static int by_start(const void *a, const void *b) {
    const struct tree_trace *left = a, *right = b;
    if (left->first != right->first) return left->first ? -1 : 1;
    if (left->start_ns != right->start_ns) return left->start_ns < right->start_ns ? -1 : 1;
    if (left->pid != right->pid) return left->pid < right->pid ? -1 : 1;
    return left->exec_count < right->exec_count ? -1 : left->exec_count > right->exec_count;
}

int tree_find(struct tree *tree, struct arena *arena, char *const *paths, size_t count, bool self) {
    struct search search = {.tree = tree, .arena = arena};
    *tree = (struct tree){0};
    for (size_t i = 0; i < count; i++) add_path(&search, paths[i], self);
    if (!tree->count) return -ENOENT;
    keep_run(tree);
    qsort(tree->traces, tree->count, sizeof *tree->traces, by_start);
    return 0;
}

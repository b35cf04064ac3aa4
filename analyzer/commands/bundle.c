/*
 * tidemark bundle: a trace, or a tree of traces, with the names of its code, in one file.
 *
 * Every address of every stack is resolved once, here, where the program's files are; what is packed is the answers,
 * not the files: small, exact, and nothing that a reader has to parse as an object file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../input/bundle_write.h"
#include "../input/trace.h"
#include "../report/modules.h"
#include "../report/tree.h"
#include "../symbols/names.h"
#include "../text/file_name.h"
#include "../text/plural.h"
#include "files.h"
#include "groups.h"

struct bundle_values {
    struct common_values common;
    struct symbol_values symbols;
    const char *out;
    bool self;
};

static const struct option_row rows[] = {
    OPTION("output", 'o', OPTION_TEXT, "FILE", offsetof(struct bundle_values, out), "The bundle to write"),
    OPTION("self", 0, OPTION_FLAG, NULL, offsetof(struct bundle_values, self),
           "This trace alone, without the processes beside it in TRACE.d"),
};
static const struct option_group own_options = {NULL, OPTION_ROWS(rows)};
static const struct option_use uses[] = {
    {&own_options, 0},
    {&symbol_options, offsetof(struct bundle_values, symbols)},
    {&common_options, offsetof(struct bundle_values, common)},
    {NULL, 0},
};

struct packing {
    const char *root; /* what is cut off the paths of traces */
    struct bundle_writer *writer;
    struct symbols *symbols;
    struct trace *traces; /* open until all is written */
    size_t count;
    uint64_t addresses, named;
};

/* Names. */

static void resolve_stacks(struct packing *packing, const struct trace *trace, uint32_t space) {
    for (uint32_t id = 1; id < trace->nodes.count; id++) {
        const struct stack_node *node = nodes_get(&trace->nodes, id);
        const struct symbol_frame *frames;
        if (!node) continue;
        symbols_resolve(packing->symbols, space, node->info & TRACE_NODE_MODULE_MASK, node->ip,
                        !(node->info & TRACE_NODE_SIGNAL), &frames);
        packing->addresses++;
        packing->named += frames[0].function != NULL;
    }
}

/* A trace that was in a bundle brings its names along. */
static int take_names(struct packing *packing, const struct bundle *bundle, const struct bundle_member *member,
                      uint32_t space) {
    uint8_t *bytes;
    int error = member ? bundle_content(bundle, member, &bytes) : 0;
    if (error || !member) return error;
    error = names_read(packing->symbols, space, bytes, (size_t)member->size);
    free(bytes);
    return error;
}

static int name_stacks(struct packing *packing, const struct trace *trace, const char *path, uint32_t space) {
    const struct trace_input *input = &trace->input;
    int error = modules_add(packing->symbols, space, trace, path);
    if (!error && input->bundle) {
        error = take_names(packing, input->bundle, bundle_find(input->bundle, BUNDLE_NAMES, NULL), space);
        if (!error)
            error =
                take_names(packing, input->bundle, bundle_find(input->bundle, BUNDLE_JIT, input->member->name), space);
    }
    if (!error) resolve_stacks(packing, trace, space);
    return error;
}

/* Members. */

/* A name that is good in a bundle: the path below the root, else the file's name. */
static const char *name_of(const struct packing *packing, const struct tree_trace *trace) {
    size_t root = strlen(packing->root);
    const char *below = strncmp(trace->path, packing->root, root) ? file_name(trace->path) : trace->path + root;
    while (*below == '/') below++;
    return below;
}

static int add_jit(struct packing *packing, const char *name, uint32_t space) {
    char *bytes = NULL;
    size_t length = 0;
    int error = names_write_jit(packing->symbols, space, &bytes, &length);
    if (!error && length) error = bundle_add_names(packing->writer, BUNDLE_JIT, name, bytes, length);
    if (!error) free(bytes);
    return error;
}

static int add_trace(struct packing *packing, const struct tree_trace *found) {
    struct trace *trace = &packing->traces[packing->count];
    uint32_t space = (uint32_t)packing->count;
    struct reader_refusal refusal;
    if (trace_open(trace, found->path, &refusal)) {
        say("%s: %s", found->path, reader_explain(&refusal).text);
        return -EIO;
    }
    packing->count++;
    const char *name = name_of(packing, found);
    int error = bundle_add_trace(packing->writer, name, &trace->input);
    if (!error) error = name_stacks(packing, trace, found->path, space);
    return error ? error : add_jit(packing, name, space);
}

static int add_names(struct packing *packing) {
    char *bytes = NULL;
    size_t length = 0;
    int error = names_write(packing->symbols, &bytes, &length);
    if (error) return error;
    error = bundle_add_names(packing->writer, BUNDLE_NAMES, "names", bytes, length);
    free(bytes);
    return error;
}

static int pack_all(struct packing *packing, const struct tree *tree, const char *out) {
    uint64_t size = 0;
    int error = 0;
    packing->traces = calloc(tree->count, sizeof *packing->traces);
    if (!packing->traces) return -ENOMEM;
    for (size_t i = 0; i < tree->count && !error; i++) error = add_trace(packing, &tree->traces[i]);
    if (!error) error = add_names(packing);
    if (!error) error = bundle_write(packing->writer, out, &size);
    if (!error)
        say_unless_quiet("%s: %zu trace%s, %" PRIu64 " bytes; %" PRIu64 " of %" PRIu64 " stack frames have names", out,
                         packing->count, plural(packing->count), size, packing->named, packing->addresses);
    return error;
}

static void release(struct packing *packing) {
    for (size_t i = 0; i < packing->count; i++) trace_close(&packing->traces[i]);
    free(packing->traces);
    bundle_writer_free(packing->writer);
    symbols_close(packing->symbols);
}

static int pack(const struct bundle_values *values, const struct tree *tree, const char *root) {
    if (file_would_replace_trace(values->out)) return STATUS_INTERNAL;
    const struct symbol_options options = symbol_options_of(&values->symbols);
    struct packing packing = {.root = root, .writer = bundle_writer_new()};
    int error = packing.writer ? symbols_open(&packing.symbols, &options) : -ENOMEM;
    if (!error) error = pack_all(&packing, tree, values->out);
    if (!error && !values->common.quiet)
        for (const char *const *doubt = symbols_doubts(packing.symbols); doubt && *doubt; doubt++) say("%s", *doubt);
    release(&packing);
    if (error) say("%s: can't be written: %s", values->out, strerror(-error));
    return error ? STATUS_INTERNAL : STATUS_OK;
}

/* The folder that TRACE lies in, or TRACE where that is a folder or a bundle. */
static const char *root_of(struct arena *memory, const struct tree *tree, const char *path) {
    struct stat facts;
    char *root = arena_text(memory, path), *slash = strrchr(root, '/');
    if (tree->traces[0].bundle || (!stat(path, &facts) && S_ISDIR(facts.st_mode))) return root;
    if (slash) slash[1] = 0;
    return slash ? root : "";
}

static int run(void *own, int count, char **arguments) {
    const struct bundle_values *values = own;
    struct tree tree;
    (void)count;
    if (!values->out || !strcmp(values->out, "-")) {
        say("bundle needs -o FILE; no stream can take it");
        return STATUS_USAGE;
    }
    struct arena *memory = arena_new();
    int error = tree_find(&tree, memory, arguments, 1, values->self);
    for (size_t i = 0; i < tree.refused_count; i++) say("%s: %s", tree.refused[i].path, tree.refused[i].why);
    int status = error ? STATUS_UNREADABLE : pack(values, &tree, root_of(memory, &tree, arguments[0]));
    arena_free(memory);
    return status;
}

const struct command command_bundle = {
    .name = "bundle",
    .arguments = "TRACE",
    .summary = "Pack a trace and the names of its code into one file",
    .text = "Reads the trace, or the tree of traces, finds the names, source lines and inlined calls of every stack "
            "here, where the program's files are, and writes both to FILE. Every command that takes a TRACE takes the "
            "bundle instead, on a machine that has none of these files.\n\n"
            "Exit status: 0; 3 when no trace can be read.",
    .values_size = sizeof(struct bundle_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

/*
 * The resolver: which image an address belongs to, its answers so far, and what could not be answered.
 *
 * Images are shared by all modules with the same build-id (without one, the same path), so a tree of processes reads
 * its libraries once. Lookups are trees of the C library (tsearch): there are thousands of answers, not millions.
 */
#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "../text/printable.h"
#include "names.h"
#include "perf_map.h"
#include "resolver.h"
#include "source_path.h"

struct module_entry {
    uint64_t space;
    uint32_t id;
    uint64_t bias;
    struct image_entry *image;
};

struct jit_entry {
    uint64_t space;
    struct perf_map *map;
};

struct flow { /* what is known of the way from one call to another */
    const struct image_entry *image;
    uint64_t from, to;
    bool may;
};

/* Trees. */

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_strings(const void *a, const void *b) { return strcmp(a, b); }

static int compare_images(const void *a, const void *b) {
    const struct image_entry *x = a, *y = b;
    if (x->build_id_length != y->build_id_length) return ORDER(x->build_id_length, y->build_id_length);
    if (x->build_id_length) return memcmp(x->build_id, y->build_id, x->build_id_length);
    return x->turn != y->turn ? ORDER(x->turn, y->turn) : strcmp(x->path, y->path);
}

static int compare_modules(const void *a, const void *b) {
    const struct module_entry *x = a, *y = b;
    return x->space != y->space ? ORDER(x->space, y->space) : ORDER(x->id, y->id);
}

static int compare_jits(const void *a, const void *b) {
    const struct jit_entry *x = a, *y = b;
    return ORDER(x->space, y->space);
}

static int compare_answers(const void *a, const void *b) {
    const struct answer *x = a, *y = b;
    if (x->image != y->image) return ORDER((uintptr_t)x->image, (uintptr_t)y->image);
    return x->offset != y->offset ? ORDER(x->offset, y->offset) : ORDER(x->space, y->space);
}

static int compare_flows(const void *a, const void *b) {
    const struct flow *x = a, *y = b;
    if (x->image != y->image) return ORDER((uintptr_t)x->image, (uintptr_t)y->image);
    return x->from != y->from ? ORDER(x->from, y->from) : ORDER(x->to, y->to);
}

static void *find(const void *key, void *const *tree, int (*compare)(const void *, const void *)) {
    void *node = tfind(key, tree, compare);
    return node ? *(void **)node : NULL;
}

/* A copy of `key` in the tree, which has none that is equal; NULL: out of memory. */
static void *insert(const void *key, size_t size, void **tree, int (*compare)(const void *, const void *)) {
    void *copy = malloc(size);
    if (!copy) return NULL;
    memcpy(copy, key, size);
    if (tsearch(copy, tree, compare)) return copy;
    free(copy);
    return NULL;
}

static const char *intern_path(struct symbols *symbols, const char *text) {
    const char *known = find(text, &symbols->strings, compare_strings);
    return known ? known : insert(text, strlen(text) + 1, &symbols->strings, compare_strings);
}

const char *resolver_intern(struct symbols *symbols, const char *text) {
    char *clean = text ? printable(text, strlen(text), PRINTABLE_CODE) : NULL;
    const char *known = clean ? intern_path(symbols, clean) : NULL;
    free(clean);
    return known;
}

/* Modules. */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static struct image_entry *add_image(struct symbols *symbols, struct image_entry *image) {
    const struct image_source source = {image->path, image->build_id, image->build_id_length};
    if (!list_make_room(&symbols->images, symbols->image_count, sizeof *symbols->images)) return NULL;
    image->index = symbols->image_count;
    image->path = intern_path(symbols, image->path);
    image->name = image->path ? resolver_intern(symbols, base_name(image->path)) : NULL;
    struct image_entry *copy = image->name ? insert(image, sizeof *image, &symbols->image_tree, compare_images) : NULL;
    if (!copy || worker_add(symbols->worker, &source)) return NULL;
    return symbols->images[symbols->image_count++] = copy;
}

struct image_entry *resolver_image(struct symbols *symbols, const struct symbol_module *module) {
    struct image_entry key = {.path = module->path};
    if (module->build_id_length <= BUILD_ID_MAX) key.build_id_length = module->build_id_length;
    if (key.build_id_length) memcpy(key.build_id, module->build_id, key.build_id_length);
    else key.turn = symbols->turn;
    struct image_entry *known = find(&key, &symbols->image_tree, compare_images);
    return known ? known : add_image(symbols, &key);
}

int symbols_add_module(struct symbols *symbols, uint32_t space, const struct symbol_module *module) {
    struct module_entry key = {resolver_space(symbols, space), module->id, module->bias,
                               resolver_image(symbols, module)};
    if (!key.image) return -ENOMEM;
    struct module_entry *known = find(&key, &symbols->modules, compare_modules);
    if (!known) return insert(&key, sizeof key, &symbols->modules, compare_modules) ? 0 : -ENOMEM;
    *known = key;
    return 0;
}

int symbols_add_perf_map(struct symbols *symbols, uint32_t space, const char *path, uint64_t since) {
    struct jit_entry key = {resolver_space(symbols, space), NULL};
    if (find(&key, &symbols->jits, compare_jits)) return -EEXIST;
    int error = perf_map_read(&key.map, path, since);
    if (error) return error;
    if (insert(&key, sizeof key, &symbols->jits, compare_jits)) return 0;
    perf_map_free(key.map);
    return -ENOMEM;
}

/* Answers. */

struct gathering {
    struct symbols *symbols;
    struct answer *answer;
};

static void add_frame(struct gathering *gathering, const struct symbol_frame *frame) {
    struct answer *answer = gathering->answer;
    struct symbol_frame *added = LIST_ADD(answer->frames, answer->count);
    if (added) *added = *frame;
}

static const char *intern_source(struct symbols *symbols, const char *file) {
    char *tidied = file ? strdup(file) : NULL;
    if (tidied) source_path_tidy(tidied);
    const char *kept = resolver_intern(symbols, tidied);
    free(tidied);
    return kept;
}

static void gather(void *context, const struct image_frame *found) {
    struct gathering *gathering = context;
    struct symbols *symbols = gathering->symbols;
    const struct answer *answer = gathering->answer;
    add_frame(gathering, &(struct symbol_frame){.function = resolver_intern(symbols, found->function),
                                                .file = intern_source(symbols, found->file),
                                                .line = found->line,
                                                .module = answer->image->name,
                                                .offset = answer->offset,
                                                .inlined = found->inlined});
}

/* What is kept of an image, if that was made from the files that are here now. */
static struct cache_key cache_key(struct symbols *symbols, const struct image_entry *image) {
    return (struct cache_key){image->build_id, image->build_id_length,
                              worker_fingerprint(symbols->worker, image->index)};
}

static void read_cache(struct symbols *symbols, struct image_entry *image) {
    size_t length;
    image->cache_read = true;
    if (!symbols->cache || !image->build_id_length) return;
    struct cache_key key = cache_key(symbols, image);
    uint8_t *bytes = key.fingerprint ? cache_read(symbols->cache, &key, &length) : NULL;
    if (bytes) names_read_image(symbols, image, bytes, length);
    free(bytes);
}

static void write_cache(struct symbols *symbols, struct image_entry *image) {
    char *bytes;
    size_t length;
    struct cache_key key = cache_key(symbols, image);
    if (!key.fingerprint || names_write_image(symbols, image, false, &bytes, &length)) return;
    if (length > CACHE_FILE_MAX) {
        free(bytes);
        if (names_write_image(symbols, image, true, &bytes, &length)) return;
    }
    cache_write(symbols->cache, &key, bytes, length);
    free(bytes);
}

static void ask_image(struct gathering *gathering, struct image_entry *image) {
    struct answer *answer = gathering->answer;
    if (!image->cache_read) read_cache(gathering->symbols, image);
    if (answer->count) return;
    worker_lookup(gathering->symbols->worker, image->index, answer->offset, gather, gathering);
    image->fresh++;
    if (answer->count == 0)
        add_frame(gathering, &(struct symbol_frame){.module = image->name, .offset = answer->offset});
    if (answer->count) answer->frames[answer->count - 1].inlined = false;
}

static void ask_jit(struct gathering *gathering) {
    struct symbols *symbols = gathering->symbols;
    const struct answer *answer = gathering->answer;
    const struct jit_entry *jit = find(&(struct jit_entry){.space = answer->space}, &symbols->jits, compare_jits);
    const char *name = jit ? perf_map_find(jit->map, answer->offset) : NULL;
    add_frame(gathering, &(struct symbol_frame){.function = resolver_intern(symbols, name), .offset = answer->offset});
}

struct answer *resolver_answer(struct symbols *symbols, const struct answer *key) {
    struct answer *known = find(key, &symbols->answers, compare_answers);
    return known ? known : insert(key, sizeof *key, &symbols->answers, compare_answers);
}

/* An answer that was read without a name may have one in a file that is here. */
static void use_packed(struct symbols *symbols, struct answer *answer) {
    answer->packed = false;
    if (!answer->image || answer->frames[0].function) return;
    if (worker_state(symbols->worker, answer->image->index) != IMAGE_OPEN) return;
    free(answer->frames);
    answer->frames = NULL;
    answer->count = 0;
    answer->foreign = false;
}

/* Once in each turn. */
static void count(const struct symbols *symbols, struct answer *answer, struct image_entry *image) {
    if (answer->counted == symbols->turn) return;
    answer->counted = symbols->turn;
    image->asked++;
    if (!answer->count || !answer->frames[0].function) image->unnamed++;
}

size_t symbols_resolve(struct symbols *symbols, uint32_t space, uint32_t module, uint64_t address, bool returning,
                       const struct symbol_frame **frames) {
    static const struct symbol_frame unknown;
    const struct module_entry *found =
        find(&(struct module_entry){.space = resolver_space(symbols, space), .id = module}, &symbols->modules,
             compare_modules);
    struct answer key = {.image = found ? found->image : NULL,
                         .space = found ? 0 : resolver_space(symbols, space),
                         .offset = address - (found ? found->bias : 0) - (returning && address)};
    struct answer *answer = resolver_answer(symbols, &key);
    if (answer && answer->packed) use_packed(symbols, answer);
    if (answer && !answer->count) {
        struct gathering gathering = {symbols, answer};
        if (found) ask_image(&gathering, found->image);
        else ask_jit(&gathering);
    }
    if (answer && found) count(symbols, answer, found->image);
    *frames = answer && answer->count ? answer->frames : &unknown;
    return answer && answer->count ? answer->count : 1;
}

bool symbols_may_flow(struct symbols *symbols, uint32_t space, uint32_t module, uint64_t from, uint64_t to) {
    const struct module_entry *found =
        find(&(struct module_entry){.space = resolver_space(symbols, space), .id = module}, &symbols->modules,
             compare_modules);
    if (!found) return true;
    struct flow key = {.image = found->image, .from = from - found->bias, .to = to - found->bias, .may = true};
    struct flow *flow = find(&key, &symbols->flows, compare_flows);
    if (!flow && (flow = insert(&key, sizeof key, &symbols->flows, compare_flows)))
        flow->may = worker_may_flow(symbols->worker, found->image->index, key.from, key.to);
    return !flow || flow->may;
}

/* Doubts. */

__attribute__((format(printf, 2, 3))) static void doubt(struct symbols *symbols, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&symbols->doubts[symbols->doubt_count], format, arguments) >= 0) symbols->doubt_count++;
    va_end(arguments);
}

static const char *build_id_text(const struct image_entry *image, char *text, size_t size) {
    text[0] = 0;
    for (size_t i = 0; i < image->build_id_length && i < 8 && 2 * i + 2 < size; i++)
        snprintf(text + 2 * i, size - 2 * i, "%02x", image->build_id[i]);
    return text;
}

static void doubt_image(struct symbols *symbols, const struct image_entry *image) {
    char id[20];
    if (!image->asked) return;
    switch (image->packed ? IMAGE_OPEN : worker_state(symbols->worker, image->index)) {
    case IMAGE_MISSING:
        doubt(symbols, "%s is not here (%s, build-id %s): its functions have no names", image->name, image->path,
              image->build_id_length ? build_id_text(image, id, sizeof id) : "unknown");
        return;
    case IMAGE_MISMATCH:
        doubt(symbols,
              "%s is another build than the one recorded (%s, recorded build-id %s): its functions have no names",
              image->name, image->path, build_id_text(image, id, sizeof id));
        return;
    case IMAGE_BAD: doubt(symbols, "%s could not be read as an object file (%s)", image->name, image->path); return;
    case IMAGE_OPEN: break;
    }
    if (image->unnamed)
        doubt(symbols, "%s has no symbols for %zu of %zu address%s (stripped? install its debug symbols)", image->name,
              image->unnamed, image->asked, image->asked == 1 ? "" : "es");
}

static void forget_doubts(struct symbols *symbols) {
    for (size_t i = 0; i < symbols->doubt_count; i++) free(symbols->doubts[i]);
    free(symbols->doubts);
    symbols->doubts = NULL;
    symbols->doubt_count = 0;
}

const char *const *symbols_doubts(struct symbols *symbols) {
    forget_doubts(symbols);
    symbols->doubts = calloc(symbols->image_count + 1, sizeof *symbols->doubts);
    for (size_t i = 0; symbols->doubts && i < symbols->image_count; i++) doubt_image(symbols, symbols->images[i]);
    if (symbols->doubts) symbols->doubts[symbols->doubt_count] = NULL;
    return (const char *const *)symbols->doubts;
}

/* Life. */

void symbols_next(struct symbols *symbols) {
    symbols->turn++;
    for (size_t i = 0; i < symbols->image_count; i++) symbols->images[i]->asked = symbols->images[i]->unnamed = 0;
}

int symbols_open(struct symbols **out, const struct symbol_options *options) {
    struct symbols *symbols = calloc(1, sizeof *symbols);
    if (!symbols) return -ENOMEM;
    symbols->turn = 1;
    if (options)
        symbols->places = (struct image_search){options->sysroot && *options->sysroot ? options->sysroot : NULL,
                                                options->debug_paths, options->debug_path_count};
    bool in_process = options && options->in_process;
    if (!in_process && !(options && options->no_cache)) symbols->cache = cache_open();
    symbols->worker = worker_new(&symbols->places, in_process, symbols->cache);
    if (!symbols->worker) {
        cache_close(symbols->cache);
        free(symbols);
        return -ENOMEM;
    }
    *out = symbols;
    return 0;
}

static void free_answer(void *entry) {
    struct answer *answer = entry;
    free(answer->frames);
    free(answer);
}

static void free_jit(void *entry) {
    struct jit_entry *jit = entry;
    perf_map_free(jit->map);
    free(jit);
}

void symbols_close(struct symbols *symbols) {
    if (!symbols) return;
    forget_doubts(symbols);
    for (size_t i = 0; i < symbols->image_count && symbols->cache; i++)
        if (symbols->images[i]->fresh && symbols->images[i]->build_id_length) write_cache(symbols, symbols->images[i]);
    cache_close(symbols->cache);
    worker_free(symbols->worker);
    tdestroy(symbols->answers, free_answer);
    tdestroy(symbols->flows, free);
    tdestroy(symbols->modules, free);
    tdestroy(symbols->jits, free_jit);
    tdestroy(symbols->image_tree, free);
    tdestroy(symbols->strings, free);
    free(symbols->images);
    free(symbols);
}

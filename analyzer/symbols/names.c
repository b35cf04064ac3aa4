/*
 * Names as bytes, both ways. See names.h. A text is written once, where it is first used; what comes in is bounded by
 * the bytes that hold it.
 */
#include "names.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/trace_wire.h"
#include "../list.h"
#include "resolver.h"

enum { VERSION = 1, INLINED_MAX = 1000, TEXT_MAX = 64 << 10 };

/* Writing. */

struct number { /* of a text, from 1 */
    const char *text;
    uint64_t number;
};

struct writing {
    FILE *out;
    void *numbers; /* of texts that were written; by pointer, since the resolver has one copy of each */
    uint64_t count;
    bool failed;
};

struct list {
    const struct answer **items;
    size_t count;
    uint64_t space; /* of those wanted, if jit */
    bool jit, failed;
    const struct image_entry *image; /* NULL: all */
    uint32_t turn;                   /* 0: whenever they were asked for */
};

static void put_varint(FILE *out, uint64_t value) {
    uint8_t bytes[10];
    struct wire_writer w = wire_writer(bytes, sizeof bytes);
    wire_put_varint(&w, value);
    fwrite(bytes, 1, sizeof bytes - wire_room(&w), out);
}

static int by_pointer(const void *a, const void *b) {
    const struct number *x = a, *y = b;
    return ((uintptr_t)x->text > (uintptr_t)y->text) - ((uintptr_t)x->text < (uintptr_t)y->text);
}

/* 0: absent. A number that is one more than the last is a new text, which follows. */
static void put_text(struct writing *w, const char *text) {
    struct number key = {text, w->count + 1};
    void *node = text ? tfind(&key, &w->numbers, by_pointer) : NULL;
    put_varint(w->out, !text ? 0 : node ? (*(struct number **)node)->number : key.number);
    if (!text || node) return;
    struct number *copy = malloc(sizeof *copy);
    if (copy) *copy = key;
    w->failed |= !copy || !tsearch(copy, &w->numbers, by_pointer);
    w->count++;
    put_varint(w->out, strlen(text));
    fwrite(text, 1, strlen(text), w->out);
}

static bool is_wanted(const struct list *list, const struct answer *answer) {
    if (!answer->count) return false;
    if (list->jit) return !answer->image && answer->space == list->space && answer->frames[0].function;
    if (!answer->image) return false;
    if (list->image && (answer->image != list->image || answer->foreign)) return false;
    return !list->turn || answer->counted == list->turn;
}

static void collect(const void *node, VISIT visit, void *context) {
    struct list *list = context;
    const struct answer *answer = *(const struct answer *const *)node;
    if ((visit != postorder && visit != leaf) || !is_wanted(list, answer)) return;
    const struct answer **added = LIST_ADD(list->items, list->count);
    if (added) *added = answer;
    list->failed |= !added;
}

static size_t image_of(const struct answer *answer) { return answer->image ? answer->image->index : 0; }

static int in_order(const void *a, const void *b) {
    const struct answer *x = *(const struct answer *const *)a, *y = *(const struct answer *const *)b;
    if (image_of(x) != image_of(y)) return image_of(x) < image_of(y) ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static void put_answer(struct writing *w, const struct answer *answer, uint64_t before) {
    put_varint(w->out, answer->offset - before);
    put_varint(w->out, answer->count);
    for (size_t i = 0; i < answer->count; i++) {
        const struct symbol_frame *frame = &answer->frames[i];
        put_text(w, frame->function);
        put_text(w, frame->file);
        put_varint(w->out, (uint64_t)(frame->line > 0 ? frame->line : 0) << 1 | frame->inlined);
    }
}

/* A group: the answers in one image, or those in none. */
static void put_group(struct writing *w, struct symbols *symbols, const struct answer *const *answers, size_t count) {
    const struct image_entry *image = answers[0]->image;
    put_text(w, image ? image->path : NULL);
    if (image) {
        bool open = image->packed || worker_state(symbols->worker, image->index) == IMAGE_OPEN;
        put_varint(w->out, image->build_id_length);
        fwrite(image->build_id, 1, image->build_id_length, w->out);
        put_varint(w->out, open);
    }
    put_varint(w->out, count);
    for (size_t i = 0; i < count; i++) put_answer(w, answers[i], i ? answers[i - 1]->offset : 0);
}

static void put_list(struct writing *w, struct symbols *symbols, const struct list *list) {
    put_varint(w->out, VERSION);
    for (size_t from = 0, to; from < list->count; from = to) {
        for (to = from + 1; to < list->count && list->items[to]->image == list->items[from]->image;) to++;
        put_group(w, symbols, list->items + from, to - from);
    }
}

static int write_list(struct symbols *symbols, struct list *list, char **bytes, size_t *length) {
    struct writing w = {.out = open_memstream(bytes, length)};
    if (!w.out) return -ENOMEM;
    twalk_r(symbols->answers, collect, list);
    if (list->count) qsort(list->items, list->count, sizeof *list->items, in_order);
    if (list->count || !list->jit) put_list(&w, symbols, list);
    bool failed = fclose(w.out) || w.failed || list->failed;
    tdestroy(w.numbers, free);
    free(list->items);
    if (failed) free(*bytes);
    return failed ? -ENOMEM : 0;
}

int names_write(struct symbols *symbols, char **bytes, size_t *length) {
    return write_list(symbols, &(struct list){.jit = false}, bytes, length);
}

int names_write_jit(struct symbols *symbols, uint32_t space, char **bytes, size_t *length) {
    return write_list(symbols, &(struct list){.jit = true, .space = resolver_space(symbols, space)}, bytes, length);
}

int names_write_image(struct symbols *symbols, const struct image_entry *image, bool asked_only, char **bytes,
                      size_t *length) {
    return write_list(symbols, &(struct list){.image = image, .turn = asked_only ? symbols->turn : 0}, bytes, length);
}

/* Reading. */

struct reading {
    struct symbols *symbols;
    struct wire_reader in;
    uint64_t space;
    const struct image_entry *only; /* NULL: any, and these may be asked for again where files are at hand */
    const char **texts;             /* by number, from 1 */
    size_t count;
    bool no_memory;
};

static const char *new_text(struct reading *r) {
    size_t length;
    const char *bytes = wire_get_string(&r->in, &length);
    if (r->in.failed || length > TEXT_MAX) {
        r->in.failed = true;
        return NULL;
    }
    char *copy = strndup(bytes, length);
    const char *text = copy ? resolver_intern(r->symbols, copy) : NULL, **added = LIST_ADD(r->texts, r->count);
    free(copy);
    if (added) *added = text;
    r->no_memory |= !text || !added;
    return text;
}

static const char *get_text(struct reading *r) {
    uint64_t number = wire_get_varint(&r->in);
    if (!number || r->in.failed) return NULL;
    if (number == r->count + 1) return new_text(r);
    if (number <= r->count) return r->texts[number - 1];
    r->in.failed = true;
    return NULL;
}

static bool get_frame(struct reading *r, const struct answer *answer, struct symbol_frame *frame) {
    frame->function = get_text(r);
    frame->file = get_text(r);
    uint64_t line = wire_get_varint(&r->in);
    frame->line = (int64_t)(line >> 1);
    frame->inlined = line & 1;
    frame->offset = answer->offset;
    frame->module = answer->image ? answer->image->name : NULL;
    return !r->in.failed && !r->no_memory;
}

/* The frames are read in any case; they are kept where nothing is known. */
static bool get_answer(struct reading *r, const struct answer *key) {
    uint64_t count = wire_get_varint(&r->in);
    if (r->in.failed || !count || count > INLINED_MAX || count > wire_left(&r->in) / 3) return false;
    struct symbol_frame *frames = calloc(count, sizeof *frames);
    struct answer *answer = frames ? resolver_answer(r->symbols, key) : NULL;
    r->no_memory |= !answer;
    bool good = answer != NULL;
    for (size_t i = 0; good && i < count; i++) good = get_frame(r, key, &frames[i]);
    if (!good || answer->count) {
        free(frames);
        return good;
    }
    answer->frames = frames;
    answer->count = (size_t)count;
    answer->packed = answer->foreign = !r->only;
    return true;
}

/* NULL with nothing failed: the answers lie in no module. */
static struct image_entry *get_image(struct reading *r) {
    struct symbol_module module = {.path = get_text(r)};
    if (!module.path) return NULL;
    module.build_id_length = (size_t)wire_get_varint(&r->in);
    module.build_id = module.build_id_length <= BUILD_ID_MAX ? wire_get_bytes(&r->in, module.build_id_length) : NULL;
    bool open = wire_get_varint(&r->in) == 1;
    if (r->in.failed || !module.build_id) {
        r->in.failed = true;
        return NULL;
    }
    struct image_entry *image = resolver_image(r->symbols, &module);
    r->no_memory |= !image;
    if (image) image->packed |= open;
    return image;
}

static bool get_group(struct reading *r) {
    struct answer key = {.image = get_image(r), .space = r->space};
    if (key.image) key.space = 0;
    if (r->only && key.image != r->only) return false;
    uint64_t count = wire_get_varint(&r->in);
    for (uint64_t i = 0; i < count && !r->in.failed && !r->no_memory; i++) {
        key.offset += wire_get_varint(&r->in);
        if (!get_answer(r, &key)) return false;
    }
    return !r->in.failed && !r->no_memory;
}

static int read_groups(struct reading *r) {
    bool good = wire_get_varint(&r->in) == VERSION;
    while (good && wire_left(&r->in)) good = get_group(r);
    free(r->texts);
    return good ? 0 : r->no_memory ? -ENOMEM : -EBADMSG;
}

int names_read(struct symbols *symbols, uint32_t space, const void *bytes, size_t length) {
    struct reading r = {.symbols = symbols, .in = wire_reader(bytes, length), .space = resolver_space(symbols, space)};
    return read_groups(&r);
}

int names_read_image(struct symbols *symbols, const struct image_entry *image, const void *bytes, size_t length) {
    struct reading r = {.symbols = symbols, .in = wire_reader(bytes, length), .only = image};
    return read_groups(&r);
}

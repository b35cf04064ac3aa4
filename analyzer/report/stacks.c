/*
 * Names stacks. See stacks.h.
 */
#include "stacks.h"

#include <stdlib.h>
#include <string.h>

#include "../must.h"
#include "../verdict/owners.h"

#define NODES_MAX 4096u /* the outer frames of deeper stacks count as unknown */
#define OWNER_FRAMES 64u

static void add_frame(struct stacks *stacks, size_t *count, const struct symbol_frame *frame) {
    if (*count == stacks->capacity) {
        size_t capacity = stacks->capacity ? 2 * stacks->capacity : 512;
        stacks->frames = must(realloc(stacks->frames, capacity * sizeof *stacks->frames));
        stacks->capacity = capacity;
    }
    stacks->frames[(*count)++] = *frame;
}

static struct named_node resolve(const struct stacks *stacks, const struct stack_node *node) {
    struct named_node named;
    uint32_t module = node->info & TRACE_NODE_MODULE_MASK;
    bool returning = !(node->info & TRACE_NODE_SIGNAL);
    named.count = symbols_resolve(stacks->symbols, stacks->space, module, node->ip, returning, &named.frames);
    return named;
}

static struct named_node named_node(struct stacks *stacks, uint32_t id, const struct stack_node *node) {
    if (!stacks->named) stacks->named = calloc(stacks->nodes->count, sizeof *stacks->named);
    if (!stacks->named || id >= stacks->nodes->count) return resolve(stacks, node);
    if (!stacks->named[id].frames) stacks->named[id] = resolve(stacks, node);
    return stacks->named[id];
}

static void add_node(struct stacks *stacks, size_t *count, uint32_t id, const struct stack_node *node) {
    uint32_t module = node->info & TRACE_NODE_MODULE_MASK;
    if (module && module == stacks->recorder) return;
    struct named_node named = named_node(stacks, id, node);
    for (size_t i = 0; i < named.count; i++) add_frame(stacks, count, &named.frames[i]);
}

/* All frames of the stack, innermost first. */
static size_t collect(struct stacks *stacks, uint32_t stack, bool *guessed) {
    size_t count = 0;
    uint32_t id = stack;
    const struct stack_node *node = nodes_get(stacks->nodes, id);
    *guessed = false;
    for (unsigned depth = 0; node && depth < NODES_MAX; depth++) {
        add_node(stacks, &count, id, node);
        *guessed |= (node->info & TRACE_NODE_GUESSED) != 0;
        id = node->parent;
        node = nodes_get(stacks->nodes, id);
    }
    if (!count) add_frame(stacks, &count, &(struct symbol_frame){0});
    return count;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++) hash = (hash ^ at[i]) * 1099511628211u; /* FNV-1a */
    return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text) { return text ? mix(hash, text, strlen(text) + 1) : hash; }

#define HASH_START 14695981039346656037u

static uint64_t key_of(const struct symbol_frame *frames, size_t count) {
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < count; i++) {
        if (frames[i].inlined) continue; /* the same address again */
        hash = mix_text(hash, frames[i].module);
        hash = mix(hash, &frames[i].offset, sizeof frames[i].offset);
    }
    return hash;
}

static uint64_t function_of(const struct symbol_frame *frame) {
    uint64_t hash = mix_text(HASH_START, frame->module);
    return frame->function ? mix_text(hash, frame->function) : mix(hash, &frame->offset, sizeof frame->offset);
}

static enum growth_owner owner_of(const struct symbol_frame *frames, size_t count) {
    struct owner_frame owners[OWNER_FRAMES];
    size_t used = count < OWNER_FRAMES ? count : OWNER_FRAMES;
    for (size_t i = 0; i < used; i++) owners[i] = (struct owner_frame){frames[i].function, frames[i].module};
    return growth_owner_of(owners, used, false);
}

void stacks_name(struct stacks *stacks, uint32_t stack, struct named_stack *out) {
    size_t count = collect(stacks, stack, &out->guessed);
    size_t site = call_site(stacks->frames, count, stacks->wrappers);
    out->owner = owner_of(stacks->frames, count);
    out->frames = stacks->frames + site;
    out->count = site_fold(out->frames, count - site);
    out->key = key_of(out->frames, out->count);
    out->function = function_of(&out->frames[0]);
}

void stacks_release(struct stacks *stacks) {
    free(stacks->frames);
    free(stacks->named);
    stacks->frames = NULL;
    stacks->named = NULL;
    stacks->capacity = 0;
}

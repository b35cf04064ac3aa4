/* A hash table with linear probing; what is taken out leaves no gap. See open_ops.h. */
#include "open_ops.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t key_of(const struct control *control, const struct moment *now) {
    bool async = control->kind == TRACE_EVENT_OP_START || control->kind == TRACE_EVENT_OP_FINISH;
    uint64_t mixed = 14695981039346656037u;
    for (const char *c = control->name; *c && !async; c++) mixed = (mixed ^ (uint8_t)*c) * 1099511628211u;
    mixed ^= async ? control->value * 0x9e3779b97f4a7c15u : (uint64_t)now->thread << 32;
    return mixed | 1;
}

static size_t slot_of(const struct open_ops *ops, uint64_t key) {
    size_t at = (size_t)(key >> 20) & (ops->capacity - 1);
    while (ops->slots[at].key && ops->slots[at].key != key) at = (at + 1) & (ops->capacity - 1);
    return at;
}

static int grow(struct open_ops *ops) {
    struct open_op *old = ops->slots;
    size_t count = ops->capacity, capacity = count ? 2 * count : 64;
    struct open_op *grown = calloc(capacity, sizeof *grown);
    if (!grown) return -ENOMEM;
    ops->slots = grown;
    ops->capacity = capacity;
    for (size_t i = 0; i < count; i++)
        if (old[i].key) ops->slots[slot_of(ops, old[i].key)] = old[i];
    free(old);
    return 0;
}

static void drop(struct open_ops *ops, size_t gap) {
    size_t mask = ops->capacity - 1;
    for (size_t at = (gap + 1) & mask; ops->slots[at].key; at = (at + 1) & mask) {
        size_t home = (size_t)(ops->slots[at].key >> 20) & mask;
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        ops->slots[gap] = ops->slots[at];
        gap = at;
    }
    ops->slots[gap].key = 0;
    ops->used--;
}

int open_ops_begin(struct open_ops *ops, const struct control *control, const struct moment *now, uint32_t path) {
    if (ops->used >= ops->capacity / 2 && grow(ops)) return -ENOMEM;
    struct open_op op = {key_of(control, now), control->name, now->ns, path};
    struct open_op *slot = &ops->slots[slot_of(ops, op.key)];
    ops->used += !slot->key;
    *slot = op;
    return 0;
}

bool open_ops_end(struct open_ops *ops, const struct control *control, const struct moment *now, struct open_op *out) {
    if (!ops->capacity) return false;
    size_t slot = slot_of(ops, key_of(control, now));
    if (!ops->slots[slot].key) return false;
    *out = ops->slots[slot];
    drop(ops, slot);
    return true;
}

void open_ops_release(struct open_ops *ops) { free(ops->slots); }

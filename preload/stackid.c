/*
 * The stack trie as one lock-free hash table over nodes in the trace file.
 *
 * A slot of the table is the high half of the key's path, which is its hash, and a node id. A new table has room for
 * all that the old one holds at once, at random, so large ones may have huge pages, and smaller ones get all theirs at
 * once. Keys live in a window of two cache lines, or in one of three more where it is full; a key whose windows are all
 * full makes a table of twice the size. Nodes move there bit by bit, a few with each new node. A key is looked for in
 * the newest table, then in the older ones; whoever adds to a table, or finds in it, looks afterwards whether a newer
 * one has appeared and goes there, so two threads can't settle on two ids. Nothing is freed.
 */
#include "stackid.h"

#include "../include/trace_format.h"
#include "machine_x86_64.h"
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

enum {
    WINDOW = 16,
    WINDOWS = 4,
    MOVED_AT_ONCE = 4,
    FIRST_SLOTS = 2048,
    EXTENTS = 65536,
    HUGE_PAGE = 2 << 20,
    AHEAD = TRACE_NODES_PER_SLOT / 2
};

struct table {
    _Atomic(struct table *) older;
    struct table *before; /* the table that was outgrown, also when it is no longer looked at */
    uint64_t windows;     /* a power of two */
    uint64_t bytes;
    _Atomic uint64_t taken, moved; /* windows of this table that movers have begun with, and are done with */
    _Alignas(128) _Atomic uint64_t slots[];
};

struct node {
    _Alignas(2 * sizeof(uint64_t)) _Atomic uint64_t ip;
    uint32_t parent;
    uint32_t info;
};
_Static_assert(sizeof(struct node) == TRACE_NODE_SIZE, "a node in memory is a node in the file");
_Static_assert(offsetof(struct node, ip) == TRACE_NODE_AT_IP && offsetof(struct node, parent) == TRACE_NODE_AT_PARENT &&
                   offsetof(struct node, info) == TRACE_NODE_AT_MODULE,
               "a node in memory is a node in the file");

struct key {
    uint64_t ip;
    uint32_t parent;
    uint32_t info;
};

static stackid_extent more;
static _Atomic(struct table *) newest;
static _Atomic(struct node *) *extents;
static _Atomic uint32_t count;

static struct node *node_of(uint32_t id) {
    struct node *extent = atomic_load_explicit(&extents[id / TRACE_NODES_PER_SLOT], memory_order_acquire);
    return extent ? &extent[id % TRACE_NODES_PER_SLOT] : NULL;
}

static inline bool is(uint32_t id, const struct key *key) {
    const struct node *node = node_of(id);
    return atomic_load_explicit(&node->ip, memory_order_relaxed) == key->ip && node->parent == key->parent &&
           node->info == key->info;
}

/* The n-th slot where a key may be. In a window it begins at a place of its own, so that a look ends soon. */
static inline _Atomic uint64_t *slot_of(struct table *table, uint32_t hash, unsigned n) {
    uint64_t window = hash + n / WINDOW * (uint64_t)(hash >> 8 | 1);
    return &table->slots[(window & (table->windows - 1)) * WINDOW + (n + (hash >> 28)) % WINDOW];
}

/* The key's id in one table, or 0. Pairs with the exchange in settle: the node is written. */
static inline uint32_t look(struct table *table, const struct key *key, uint32_t hash) {
    for (unsigned n = 0; n < WINDOW * WINDOWS; n++) {
        uint64_t slot = atomic_load(slot_of(table, hash, n));
        if (!slot) return 0;
        if (slot >> 32 == hash && is((uint32_t)slot, key)) return (uint32_t)slot;
    }
    return 0;
}

/* Adds `id`, or finds the one that another thread added. 0: no room for this key. */
static uint32_t settle(struct table *table, const struct key *key, uint32_t hash, uint32_t id) {
    uint64_t mine = (uint64_t)hash << 32 | id;
    for (unsigned n = 0; n < WINDOW * WINDOWS; n++) {
        _Atomic uint64_t *at = slot_of(table, hash, n);
        uint64_t slot = atomic_load(at); /* an exchange of each taken slot would cost more than all else */
        if (!slot && atomic_compare_exchange_strong(at, &slot, mine)) return id;
        if (slot >> 32 == hash && is((uint32_t)slot, key)) return (uint32_t)slot;
    }
    return 0;
}

static struct table *new_table(struct table *older, uint64_t windows) {
    size_t bytes = sizeof(struct table) + (size_t)windows * WINDOW * sizeof(uint64_t);
    struct table *table = sys_table_memory(bytes);
    if (!table) return NULL;
    if (bytes >= HUGE_PAGE) sys_madvise(table, bytes, MADV_HUGEPAGE);
    else if (older) sys_madvise(table, bytes, MADV_POPULATE_WRITE);
    atomic_init(&table->older, older);
    table->before = older;
    table->windows = windows;
    table->bytes = bytes;
    return table;
}

static bool grow(struct table *full) {
    struct table *table = new_table(full, full->windows * 2);
    if (!table) return false;
    struct table *expected = full;
    if (!atomic_compare_exchange_strong(&newest, &expected, table)) sys_munmap(table, table->bytes);
    return true;
}

static void extend(uint32_t index) {
    struct node *extent = index < EXTENTS ? more(index * TRACE_NODES_PER_SLOT) : NULL, *none = NULL;
    if (extent) atomic_compare_exchange_strong(&extents[index], &none, extent);
}

static bool has_memory(uint32_t id) {
    if (!node_of(id)) extend(id / TRACE_NODES_PER_SLOT);
    return node_of(id);
}

/* One step writes the node and so takes its id; then whoever comes by moves the count on. 0: no memory. */
static uint32_t new_node(const struct key *key) {
    for (;;) {
        uint32_t id = atomic_load(&count), still = id;
        if (!has_memory(id)) return 0;
        bool taken = machine_write_once(node_of(id), key->ip, (uint64_t)key->info << 32 | key->parent);
        atomic_compare_exchange_strong(&count, &still, id + 1);
        if (!taken) continue;
        if (id % TRACE_NODES_PER_SLOT == AHEAD) extend(id / TRACE_NODES_PER_SLOT + 1);
        return id;
    }
}

static bool move_window(struct table *from, struct table *to, uint64_t window) {
    for (unsigned i = 0; i < WINDOW; i++) {
        uint64_t slot = atomic_load(&from->slots[window * WINDOW + i]);
        if (!slot) continue;
        struct node *node = node_of((uint32_t)slot);
        struct key key = {node->ip, node->parent, node->info};
        if (!settle(to, &key, (uint32_t)(slot >> 32), (uint32_t)slot)) return false;
    }
    return true;
}

/*
 * Moves a little of the outgrown table to the newest. What is added to it later is added to the newest too, so once all
 * windows are moved nobody needs to look there. What found no room, or came after a still newer table, does not count:
 * the old table stays in use then.
 */
static void move_some(struct table *table) {
    struct table *older = atomic_load(&table->older);
    if (!older) return;
    uint64_t window = atomic_fetch_add_explicit(&older->taken, MOVED_AT_ONCE, memory_order_relaxed);
    if (window >= older->windows) return;
    for (unsigned i = 0; i < MOVED_AT_ONCE; i++)
        if (!move_window(older, table, window + i)) return;
    if (atomic_load(&newest) != table) return;
    if (atomic_fetch_add(&older->moved, MOVED_AT_ONCE) + MOVED_AT_ONCE == older->windows)
        atomic_store(&table->older, atomic_load(&older->older));
}

static uint32_t look_in_older(struct table *table, const struct key *key, uint32_t hash) {
    for (table = atomic_load(&table->older); table; table = atomic_load(&table->older)) {
        uint32_t id = look(table, key, hash);
        if (id) return id;
    }
    return 0;
}

/*
 * Accesses to slots and `newest` are sequentially consistent: who adds to a table that is not the newest any more
 * either sees the newer one, or was seen by all that went to it. Of two ids the one in the newer table counts.
 */
static __attribute__((noinline)) uint32_t add(const struct key *key, uint32_t hash) {
    uint32_t mine = 0;
    for (;;) {
        struct table *table = atomic_load(&newest);
        move_some(table);
        uint32_t id = look_in_older(table, key, hash);
        if (!id) id = mine = mine ? mine : new_node(key);
        if (!id) return 0;
        uint32_t settled = settle(table, key, hash, id);
        if (settled && atomic_load(&newest) == table) return settled;
        if (!settled && !grow(table)) return id;
    }
}

void stackid_expect(uint64_t path) {
    struct table *table = atomic_load_explicit(&newest, memory_order_acquire);
    __builtin_prefetch(slot_of(table, (uint32_t)(path >> 32), 0));
}

/* An id met in a table that is no longer the newest may be the loser of a race for the newest: add() decides. */
uint32_t stackid_child(uint32_t parent, uint64_t ip, uint32_t info, uint64_t path) {
    struct key key = {ip, parent, info};
    uint32_t hash = (uint32_t)(path >> 32);
    struct table *table = atomic_load(&newest);
    uint32_t id = look(table, &key, hash);
    return id && atomic_load(&newest) == table ? id : add(&key, hash);
}

static void release_tables(void) {
    for (struct table *table = atomic_load(&newest), *older; table; table = older) {
        older = table->before;
        sys_munmap(table, table->bytes);
    }
    atomic_store(&newest, NULL);
}

void stackid_forget(void) {
    release_tables();
    if (extents) sys_munmap(extents, EXTENTS * sizeof *extents);
    extents = NULL;
    atomic_store(&count, 1);
}

int stackid_start(stackid_extent extent) {
    stackid_forget();
    extents = sys_memory(EXTENTS * sizeof *extents);
    struct table *table = new_table(NULL, FIRST_SLOTS / WINDOW);
    if (!extents || !table) return -ENOMEM;
    more = extent;
    atomic_store(&newest, table);
    extend(0);
    return node_of(0) ? 0 : -ENOMEM;
}

uint32_t stackid_count(void) { return atomic_load(&count); }

int stackid_node(uint32_t id, uint64_t *ip, uint32_t *parent, uint32_t *info) {
    struct node *node = id < stackid_count() ? node_of(id) : NULL;
    if (!id || !node) return -ENOENT;
    *ip = atomic_load_explicit(&node->ip, memory_order_relaxed);
    *parent = node->parent;
    *info = node->info;
    return 0;
}

/* Interned names (strings.h): open addressing, entries published by one release store and never changed. */
#include "strings.h"

#include "journal.h"
#include "lock.h"

#include <string.h>

enum { SLOTS = 1 << 16, ARENA = 4 << 20 };

struct entry {
    uint32_t id;
    uint32_t length;
    char name[];
};

static struct {
    struct lock lock;
    struct entry *_Atomic *slots;
    uint8_t *arena;
    size_t used;
    uint32_t count;
} strings;

void strings_start(void) {
    if (strings.slots) sys_munmap((void *)(uintptr_t)strings.slots, SLOTS * sizeof *strings.slots);
    if (strings.arena) sys_munmap(strings.arena, ARENA);
    memset(&strings, 0, sizeof strings);
    strings.slots = sys_memory(SLOTS * sizeof *strings.slots);
    strings.arena = sys_memory(ARENA);
}

/* FNV-1a (Fowler, Noll, Vo). */
static uint32_t hash(const char *name, size_t length) {
    uint32_t value = 2166136261u;
    for (size_t i = 0; i < length; i++) value = (value ^ (uint8_t)name[i]) * 16777619u;
    return value;
}

/* The slot that holds the name, or the free one where it belongs. */
static struct entry *_Atomic *find(const char *name, size_t length) {
    for (uint32_t at = hash(name, length);; at++) {
        struct entry *_Atomic *slot = &strings.slots[at % SLOTS];
        struct entry *entry = atomic_load_explicit(slot, memory_order_acquire); /* pairs with add()'s release */
        if (!entry || (entry->length == length && memcmp(entry->name, name, length) == 0)) return slot;
    }
}

static uint32_t add(struct entry *_Atomic *slot, const char *name, size_t length) {
    size_t size = (sizeof(struct entry) + length + 7) & ~(size_t)7;
    if (strings.count >= SLOTS / 2 || strings.used + size > ARENA) return 0;
    struct entry *entry = (struct entry *)(strings.arena + strings.used);
    uint8_t body[300];
    entry->id = strings.count + 1;
    entry->length = (uint32_t)length;
    memcpy(entry->name, name, length);
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, entry->id);
    wire_put_string(&w, name, length);
    if (journal_put(TRACE_RECORD_STRING, body, (size_t)(w.at - body)) != 0) return 0;
    strings.used += size;
    strings.count++;
    atomic_store_explicit(slot, entry, memory_order_release);
    return entry->id;
}

uint32_t strings_id(const char *name, size_t length) {
    if (!strings.slots || !strings.arena || length > 255) return 0;
    struct entry *entry = atomic_load_explicit(find(name, length), memory_order_acquire);
    if (entry) return entry->id;
    if (lock_is_mine(&strings.lock)) return 0;
    uint64_t signals = signals_block();
    lock_take(&strings.lock);
    struct entry *_Atomic *slot = find(name, length);
    entry = atomic_load_explicit(slot, memory_order_acquire);
    uint32_t id = entry ? entry->id : add(slot, name, length);
    lock_give(&strings.lock);
    signals_restore(signals);
    return id;
}

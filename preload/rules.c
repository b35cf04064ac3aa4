/*
 * The table of unwind rules: open addressing, filled lock-free, shared by all threads.
 *
 * An entry is claimed by a compare-and-swap of its key, filled, and published by a release store of the key; it never
 * changes again but for the epoch under which it was last known good. Entries of modules that are gone stay, unmatched.
 * A crowded table makes one of twice the size, whose pages, met at random, it asks for all at once; rules move there as
 * they are met.
 */
#include "rules.h"

#include "machine_x86_64.h"
#include "modules.h"
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

enum { FIRST_ENTRIES = 1024, MAX_ENTRIES = 1 << 20, PROBES = 16, FILLING = 1 };
enum { REGISTER_BP = 6, REGISTER_SP = 7 };

struct entry {
    _Atomic uint64_t key; /* ip and exactness; 0 free, FILLING */
    struct rule rule;
    _Atomic uint32_t epoch;
};
_Static_assert(sizeof(struct entry) == 32, "two entries share a cache line");

struct table {
    struct table *older;
    uint64_t entries; /* a power of two */
    unsigned shift;
    _Atomic uint32_t used;
    _Alignas(64) struct entry at[];
};

static _Atomic(struct table *) newest;

static inline uint64_t key_of(uintptr_t ip, bool exact) { return (uint64_t)ip << 1 | exact; }

static inline uint64_t first_of(const struct table *table, uint64_t key) {
    return key * 0x9e3779b97f4a7c15ull >> table->shift;
}

/* An entry of an older epoch is good if its module still is. */
static bool still_good(struct entry *entry, uint32_t epoch) {
    const struct module *module = modules_by_id(entry->rule.module);
    if (!module || module->gone) return false;
    atomic_store_explicit(&entry->epoch, epoch, memory_order_relaxed);
    return true;
}

/* The acquire pairs with the release in keep(). */
static inline struct entry *look(struct table *table, uint64_t key, uint32_t epoch) {
    uint64_t index = first_of(table, key);
    for (unsigned i = 0; i < PROBES; i++) {
        struct entry *entry = &table->at[(index + i) & (table->entries - 1)];
        uint64_t found = atomic_load_explicit(&entry->key, memory_order_acquire);
        if (found == 0) return NULL;
        if (found != key) continue;
        if (atomic_load_explicit(&entry->epoch, memory_order_relaxed) == epoch || still_good(entry, epoch))
            return entry;
    }
    return NULL;
}

static struct table *new_table(struct table *older, uint64_t entries) {
    struct table *table = sys_table_memory(sizeof *table + entries * sizeof table->at[0]);
    if (!table) return NULL;
    if (older) sys_madvise(table, sizeof *table + entries * sizeof table->at[0], MADV_POPULATE_WRITE);
    table->older = older;
    table->entries = entries;
    table->shift = 64u - (unsigned)__builtin_ctzll(entries);
    return table;
}

static void release(struct table *table) { sys_munmap(table, sizeof *table + table->entries * sizeof table->at[0]); }

static bool grow(struct table *full) {
    struct table *expected = full;
    if (full->entries >= MAX_ENTRIES) return false;
    struct table *table = new_table(full, full->entries * 2);
    if (!table) return false;
    if (!atomic_compare_exchange_strong_explicit(&newest, &expected, table, memory_order_acq_rel, memory_order_acquire))
        release(table);
    return true;
}

/* Adds a rule; two threads may add the same one twice. NULL: no room in reach. */
static struct entry *keep_in(struct table *table, uint64_t key, const struct rule *rule, uint32_t epoch) {
    uint64_t index = first_of(table, key);
    if (atomic_load_explicit(&table->used, memory_order_relaxed) > table->entries / 2) return NULL;
    for (unsigned i = 0; i < PROBES; i++) {
        struct entry *entry = &table->at[(index + i) & (table->entries - 1)];
        uint64_t expected = 0;
        if (!atomic_compare_exchange_strong_explicit(&entry->key, &expected, FILLING, memory_order_relaxed,
                                                     memory_order_relaxed))
            continue;
        entry->rule = *rule;
        atomic_store_explicit(&entry->epoch, epoch, memory_order_relaxed);
        atomic_store_explicit(&entry->key, key, memory_order_release);
        atomic_fetch_add_explicit(&table->used, 1, memory_order_relaxed);
        return entry;
    }
    return NULL;
}

static struct entry *keep(uint64_t key, const struct rule *rule, uint32_t epoch) {
    for (;;) {
        struct table *table = atomic_load_explicit(&newest, memory_order_acquire);
        struct entry *entry = keep_in(table, key, rule, epoch);
        if (entry || !grow(table)) return entry;
    }
}

static bool fits(int64_t value, int64_t limit) { return value >= -limit && value < limit; }

static bool place_return_address(struct rule *rule, const struct cfi_place *ra) {
    if (ra->where != CFI_SAVED || !fits(ra->offset, INT16_MAX)) return false;
    if (ra->base != CFI_CFA && ra->base != REGISTER_SP) return false;
    if (ra->base == REGISTER_SP) rule->kind |= RULE_RA_FROM_SP;
    rule->ra_offset = (int16_t)ra->offset;
    return true;
}

static bool place_frame_pointer(struct rule *rule, const struct cfi_place *bp) {
    if (bp->where == CFI_SAME) return true;
    if (bp->where != CFI_SAVED || !fits(bp->offset, INT16_MAX)) return false;
    if (bp->base != CFI_CFA && bp->base != REGISTER_SP && bp->base != REGISTER_BP) return false;
    rule->kind |= RULE_BP_SAVED;
    if (bp->base == REGISTER_SP) rule->kind |= RULE_BP_FROM_SP;
    if (bp->base == REGISTER_BP) rule->kind |= RULE_BP_FROM_BP;
    rule->bp_offset = (int16_t)bp->offset;
    return true;
}

static bool place_cfa(struct rule *rule, const struct cfi_row *row) {
    if (!row->cfa_known || !fits(row->cfa_offset, INT32_MAX)) return false;
    if (row->cfa_base != REGISTER_SP && row->cfa_base != REGISTER_BP) return false;
    if (row->cfa_base == REGISTER_BP) rule->kind |= RULE_CFA_FROM_BP;
    if (row->cfa_deref) rule->kind |= RULE_CFA_DEREF;
    rule->cfa_offset = (int32_t)row->cfa_offset;
    return true;
}

/* An undefined return address ends the stack; so does, in libunwind's reading of the ABI, an undefined rbp. */
static void compact(const struct cfi_row *row, struct rule *rule) {
    if (row->signal) rule->kind |= RULE_SIGNAL;
    if (row->ra.where == CFI_UNDEFINED || row->bp.where == CFI_UNDEFINED) rule->kind |= RULE_OUTERMOST;
    else if (!place_cfa(rule, row) || !place_return_address(rule, &row->ra) || !place_frame_pointer(rule, &row->bp))
        rule->kind |= RULE_COMPLEX;
}

/*
 * Code whose stack libunwind knows by its looks: jmp *disp(%rip), push $n, jmp (a linkage stub), and mov $15, %rax,
 * syscall (the end of a signal handler).
 */
static bool is_stub(uintptr_t ip) {
    uint64_t first = machine_load(ip), second = machine_load(ip + sizeof first);
    bool linkage = (first & 0xffff) == 0x25ff && (first >> 48 & 0xff) == 0x68 && (second >> 24 & 0xff) == 0xe9;
    return linkage || (first == 0x0f0000000fc0c748 && (second & 0xff) == 0x05);
}

/* Does a call end before `ip`? call rel32, or call through a register or memory, with 2 to 7 bytes. */
static bool follows_call(uintptr_t ip) {
    uint64_t before = machine_load(ip - sizeof before);
    bool found = (before >> 24 & 0xff) == 0xe8;
    for (unsigned length = 2; length <= 7; length++) found |= (before >> (64 - 8 * length) & 0x38ff) == 0x10ff;
    return found;
}

/*
 * A return address that nobody's call has left, at the first byte of a function: makecontext(3) makes one, of what runs
 * when the context's function returns. Nothing is outside of it, and rbp is whatever it was where the context was
 * taken.
 */
static bool starts_context(const struct module *module, uintptr_t ip, struct cfi_program *program) {
    return ip - module->start >= sizeof(uint64_t) && !follows_call(ip) && cfi_find(module, ip, program) == 0;
}

static void guess(const struct module *module, uintptr_t ip, bool exact, struct rules_room *room) {
    const struct rule guessed = RULE_GUESS;
    struct rule *rule = &room->rule;
    if (module->end - ip < 2 * sizeof(uint64_t) || is_stub(ip)) {
        rule->kind = RULE_COMPLEX;
        return;
    }
    *rule = guessed;
    rule->module = module->id;
    if (!exact && starts_context(module, ip, &room->program)) rule->kind = RULE_OUTERMOST | RULE_CONTEXT;
}

int rules_read(uintptr_t ip, bool exact, struct rules_room *room) {
    uintptr_t address = exact ? ip : ip - 1;
    struct rule *rule = &room->rule;
    const struct module *module = modules_find(address);
    if (!module) return -ENOENT;
    *rule = (struct rule){.module = module->id};
    int error = cfi_find(module, address, &room->program);
    if (!error) compact(&room->program.now, rule);
    else if (error == -ENOENT) guess(module, ip, exact, room);
    else rule->kind = RULE_COMPLEX;
    return 0;
}

static __attribute__((noinline)) const struct rule *learn(uintptr_t ip, bool exact, uint32_t epoch,
                                                          struct rules_room *room) {
    uint64_t key = key_of(ip, exact);
    for (struct table *table = atomic_load_explicit(&newest, memory_order_acquire)->older; table;
         table = table->older) {
        struct entry *known = look(table, key, epoch);
        struct entry *moved = known ? keep(key, &known->rule, epoch) : NULL;
        if (known) return moved ? &moved->rule : &known->rule;
    }
    if (rules_read(ip, exact, room)) return NULL;
    struct entry *entry = keep(key, &room->rule, epoch);
    return entry ? &entry->rule : &room->rule;
}

const struct rule *rules_find(uintptr_t ip, bool exact, uint32_t epoch, struct rules_room *room) {
    struct table *table = atomic_load_explicit(&newest, memory_order_acquire);
    if (!table || !ip) return NULL;
    struct entry *entry = look(table, key_of(ip, exact), epoch);
    return entry ? &entry->rule : learn(ip, exact, epoch, room);
}

int rules_start(void) {
    for (struct table *table = atomic_load(&newest), *older; table; table = older) {
        older = table->older;
        release(table);
    }
    struct table *table = new_table(NULL, FIRST_ENTRIES);
    atomic_store(&newest, table);
    return table ? 0 : -ENOMEM;
}

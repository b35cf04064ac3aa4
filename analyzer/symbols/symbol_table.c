/*
 * Symbols sorted by address. See symbol_table.h. Symbols may lie inside each other: with each goes the highest end so
 * far, which says where looking back is of no use any more.
 */
#include "symbol_table.h"

#include <errno.h>
#include <stdlib.h>

#include "../list.h"

static int append(struct symbol_list *list, const struct symbol *symbol) {
    struct symbol *added = LIST_ADD(list->items, list->count);
    if (added) *added = *symbol;
    return added ? 0 : -ENOMEM;
}

int symbol_table_add(struct symbol_table *table, const struct symbol *symbol, bool local) {
    table->sorted = false;
    return append(!symbol->size ? &table->labels : local ? &table->local : &table->global, symbol);
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* Of those at one address the smallest last, and of these the strongest. */
static int compare(const void *a, const void *b) {
    const struct symbol *x = a, *y = b;
    if (x->start != y->start) return ORDER(x->start, y->start);
    if (x->size != y->size) return ORDER(y->size, x->size);
    if (x->strength != y->strength) return ORDER(x->strength, y->strength);
    return ORDER((uintptr_t)y->name, (uintptr_t)x->name);
}

static uint64_t end_of(const struct symbol *symbol) {
    return symbol->start + symbol->size < symbol->start ? UINT64_MAX : symbol->start + symbol->size;
}

static bool sort(struct symbol_list *list) {
    uint64_t reach = 0;
    if (!list->count) return true;
    free(list->reach);
    list->reach = calloc(list->count, sizeof *list->reach);
    if (!list->reach) return false;
    qsort(list->items, list->count, sizeof *list->items, compare);
    for (size_t i = 0; i < list->count; i++) {
        if (end_of(&list->items[i]) > reach) reach = end_of(&list->items[i]);
        list->reach[i] = reach;
    }
    return true;
}

/* How many symbols begin at or before the address. */
static size_t begun(const struct symbol_list *list, uint64_t address) {
    size_t from = 0, to = list->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (list->items[middle].start <= address) from = middle + 1;
        else to = middle;
    }
    return from;
}

static const struct symbol *around(const struct symbol_list *list, uint64_t address) {
    for (size_t at = begun(list, address); at-- > 0 && list->reach[at] > address;)
        if (end_of(&list->items[at]) > address) return &list->items[at];
    return NULL;
}

static uint64_t reach_at(const struct symbol_list *list, uint64_t address) {
    size_t count = begun(list, address);
    return count ? list->reach[count - 1] : 0;
}

static const struct symbol *label_before(const struct symbol_table *table, uint64_t address) {
    size_t count = begun(&table->labels, address);
    const struct symbol *label = count ? &table->labels.items[count - 1] : NULL;
    bool covered =
        label && (reach_at(&table->global, address) > label->start || reach_at(&table->local, address) > label->start);
    return covered ? NULL : label;
}

const struct symbol *symbol_table_find(struct symbol_table *table, uint64_t address) {
    if (!table->sorted && (!sort(&table->global) || !sort(&table->local) || !sort(&table->labels))) return NULL;
    table->sorted = true;
    const struct symbol *found = around(&table->global, address);
    if (!found) found = around(&table->local, address);
    return found ? found : label_before(table, address);
}

static void release(struct symbol_list *list) {
    free(list->items);
    free(list->reach);
}

void symbol_table_release(struct symbol_table *table) {
    release(&table->global);
    release(&table->local);
    release(&table->labels);
    *table = (struct symbol_table){.sorted = false};
}

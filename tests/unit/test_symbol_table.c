/*
 * Symbols by address: against a search that looks at every symbol, for tables of symbols that lie inside each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../analyzer/symbols/symbol_table.h"

enum { SYMBOLS = 60, ADDRESSES = 500 };

static uint64_t random_below(uint64_t *state, uint64_t limit) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state >> 33) % limit;
}

struct sample {
    struct symbol symbol;
    bool local;
};

static bool holds(const struct symbol *s, uint64_t address) {
    return s->start <= address && address - s->start < s->size;
}

/* Whether a is the better name for an address that both hold. */
static bool better(const struct sample *a, const struct sample *b) {
    if (a->local != b->local) return !a->local;
    if (a->symbol.start != b->symbol.start) return a->symbol.start > b->symbol.start;
    return a->symbol.size < b->symbol.size;
}

static const struct symbol *slow_find(const struct sample *samples, size_t count, uint64_t address) {
    const struct sample *best = NULL;
    const struct symbol *label = NULL;
    uint64_t reach = 0;
    for (size_t i = 0; i < count; i++) {
        const struct symbol *s = &samples[i].symbol;
        if (s->start > address) continue;
        if (s->size && s->start + s->size > reach) reach = s->start + s->size;
        if (!s->size && (!label || s->start > label->start)) label = s;
        if (holds(s, address) && (!best || better(&samples[i], best))) best = &samples[i];
    }
    if (best) return &best->symbol;
    return label && reach <= label->start ? label : NULL;
}

static void finds_what_a_look_at_every_symbol_finds(void **state) {
    uint64_t random = 1;
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct sample samples[SYMBOLS];
        struct symbol_table table = {.sorted = false};
        for (size_t i = 0; i < SYMBOLS; i++) {
            uint64_t size = random_below(&random, 4) ? random_below(&random, 60) : 0;
            samples[i] = (struct sample){{.start = random_below(&random, ADDRESSES), .size = size, .name = "s"},
                                         random_below(&random, 2)};
            assert_int_equal(symbol_table_add(&table, &samples[i].symbol, samples[i].local), 0);
        }
        for (uint64_t address = 0; address < ADDRESSES; address++) {
            const struct symbol *wanted = slow_find(samples, SYMBOLS, address);
            const struct symbol *found = symbol_table_find(&table, address);
            assert_int_equal(!wanted, !found);
            if (!found) continue;
            assert_int_equal(found->start, wanted->start);
            assert_int_equal(found->size, wanted->size);
        }
        symbol_table_release(&table);
    }
}

static void of_two_names_the_stronger_counts(void **state) {
    (void)state;
    struct symbol_table table = {.sorted = false};
    const struct symbol weak = {.start = 16, .size = 8, .name = "weak", .strength = 2};
    const struct symbol strong = {.start = 16, .size = 8, .name = "strong", .strength = 3};
    assert_int_equal(symbol_table_add(&table, &strong, false), 0);
    assert_int_equal(symbol_table_add(&table, &weak, false), 0);
    assert_string_equal(symbol_table_find(&table, 20)->name, "strong");
    assert_null(symbol_table_find(&table, 24));
    assert_null(symbol_table_find(&table, 15));
    symbol_table_release(&table);
}

static void the_end_of_the_address_space_is_no_end(void **state) {
    (void)state;
    struct symbol_table table = {.sorted = false};
    const struct symbol last = {.start = UINT64_MAX - 10, .size = 100, .name = "last"};
    assert_null(symbol_table_find(&table, 0));
    assert_int_equal(symbol_table_add(&table, &last, true), 0);
    assert_string_equal(symbol_table_find(&table, UINT64_MAX - 1)->name, "last");
    symbol_table_release(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_a_look_at_every_symbol_finds),
        cmocka_unit_test(of_two_names_the_stronger_counts),
        cmocka_unit_test(the_end_of_the_address_space_is_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

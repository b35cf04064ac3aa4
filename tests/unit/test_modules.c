/* links: preload/modules.c preload/stamp.c preload/stacks.c preload/sys.c libs: -ldl */
/*
 * A module is told once, whatever another thread's sweep finds of it meanwhile, and again by a sweep where the journal
 * had no room.
 */
#include "../../preload/journal.h"
#include "../../preload/modules.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct {
    unsigned told, gone;
    bool sweeps; /* while a module is told, as another thread may */
    bool full;
} journal;

int journal_put(enum trace_record_kind kind, const void *body, size_t length) {
    (void)body, (void)length;
    journal.told += kind == TRACE_RECORD_MODULE;
    journal.gone += kind == TRACE_RECORD_MODULE_GONE;
    bool sweeps = journal.sweeps;
    journal.sweeps = false;
    if (sweeps) modules_sweep();
    return journal.full ? -ENOSPC : 0;
}

static int start(void **state) {
    (void)state;
    memset(&journal, 0, sizeof journal);
    return modules_start();
}

static void test_a_module_that_is_being_told_is_none_of_a_sweep(void **state) {
    (void)state;
    journal.sweeps = true;
    const struct module *module = modules_find((uintptr_t)qsort);
    assert_non_null(module);
    assert_false(module->gone);
    assert_int_equal(journal.told, 1);
    assert_int_equal(journal.gone, 0);
    assert_ptr_equal(modules_find((uintptr_t)qsort), module);
}

static void test_a_sweep_tells_what_the_journal_had_no_room_for(void **state) {
    (void)state;
    journal.full = true;
    assert_non_null(modules_find((uintptr_t)qsort));
    journal.full = false;
    modules_sweep();
    assert_int_equal(journal.told, 2);
    modules_sweep();
    assert_int_equal(journal.told, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_module_that_is_being_told_is_none_of_a_sweep, start),
        cmocka_unit_test_setup(test_a_sweep_tells_what_the_journal_had_no_room_for, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

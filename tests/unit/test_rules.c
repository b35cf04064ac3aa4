/* links: preload/rules.c preload/cfi.c preload/modules.c preload/stamp.c preload/stacks.c preload/sys.c libs: -ldw -lelf -ldl */
/*
 * Unwind rows of every function of libc and libunwind equal those of libdw; damaged tables give an error, never a
 * crash.
 */
#include "../../preload/cfi.h"
#include "../../preload/journal.h"
#include "../../preload/rules.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { REGISTER_BP = 6, REGISTER_SP = 7, REGISTER_RA = 16 };

int journal_put(enum trace_record_kind kind, const void *body, size_t length) {
    (void)kind, (void)body, (void)length;
    return 0;
}

static int start(void **state) {
    (void)state;
    return modules_start() || rules_start();
}

/* An object on disk as libdw reads it, and as it is loaded here. */
struct object {
    int fd;
    Elf *elf;
    Dwarf_CFI *cfi;
    uintptr_t bias;
    const struct module *module;
};

static struct object open_object(const char *name, const char *symbol) {
    struct object object;
    struct link_map *map;
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL), *address = dlsym(handle, symbol);
    assert_non_null(address);
    assert_int_equal(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
    elf_version(EV_CURRENT);
    object.fd = open(map->l_name, O_RDONLY);
    object.elf = elf_begin(object.fd, ELF_C_READ, NULL);
    object.cfi = dwarf_getcfi_elf(object.elf);
    object.bias = map->l_addr;
    object.module = modules_find((uintptr_t)address);
    assert_non_null(object.cfi);
    assert_non_null(object.module);
    return object;
}

static void close_object(struct object *object) {
    dwarf_cfi_end(object->cfi);
    elf_end(object->elf);
    close(object->fd);
}

/* libdw's answer for one register, in our terms. */
static struct cfi_place oracle_place(Dwarf_Frame *frame, int number) {
    struct cfi_place place = {CFI_OTHER, 0, 0};
    Dwarf_Op memory[3], *ops;
    size_t count;
    assert_int_equal(dwarf_frame_register(frame, number, memory, &ops, &count), 0);
    if (count == 0) place.where = ops == memory ? CFI_UNDEFINED : CFI_SAME;
    else if (ops[0].atom != DW_OP_call_frame_cfa || count > 2) return place;
    else if (count == 1 || ops[1].atom == DW_OP_plus_uconst)
        place = (struct cfi_place){CFI_SAVED, CFI_CFA, count == 2 ? (int64_t)ops[1].number : 0};
    else if (ops[1].atom >= DW_OP_breg0 &&
             ops[1].atom <= DW_OP_breg31) /* an expression starts with the CFA on its stack */
        place = (struct cfi_place){CFI_SAVED, (uint8_t)(ops[1].atom - DW_OP_breg0), (int64_t)ops[1].number};
    return place;
}

static void compare_place(struct cfi_place ours, struct cfi_place theirs, uintptr_t at) {
    bool same = ours.where == theirs.where &&
                (ours.where != CFI_SAVED || (ours.base == theirs.base && ours.offset == theirs.offset));
    if (!same)
        fail_msg("at %#lx: %d %d%+ld, libdw %d %d%+ld", at, ours.where, ours.base, ours.offset, theirs.where,
                 theirs.base, theirs.offset);
}

static void compare_cfa(const struct cfi_row *row, Dwarf_Frame *frame, uintptr_t at) {
    Dwarf_Op *ops;
    size_t count;
    assert_int_equal(dwarf_frame_cfa(frame, &ops, &count), 0);
    unsigned atom = count ? ops[0].atom : 0;
    bool simple = atom >= DW_OP_breg0 && atom <= DW_OP_breg31 && count == 1;
    bool bregx = atom == DW_OP_bregx && count == 1;
    bool deref = atom >= DW_OP_breg0 && atom <= DW_OP_breg31 && count == 2 && ops[1].atom == DW_OP_deref;
    if (row->cfa_known != (simple || bregx || deref))
        fail_msg("at %#lx: CFA %d, libdw %zu ops", at, row->cfa_known, count);
    if (!row->cfa_known) return;
    assert_int_equal(row->cfa_base, bregx ? ops[0].number : atom - DW_OP_breg0);
    assert_int_equal(row->cfa_offset, bregx ? ops[0].number2 : ops[0].number);
    assert_int_equal(row->cfa_deref, deref);
}

/* Returns whether there was something to compare. */
static bool compare_at(const struct object *object, uintptr_t offset) {
    Dwarf_Frame *frame = NULL;
    struct cfi_program program;
    const struct cfi_row *row = &program.now;
    int found = cfi_find(object->module, object->bias + offset, &program);
    bool known = dwarf_cfi_addrframe(object->cfi, offset, &frame) == 0;
    if ((found == 0) != known) fail_msg("at %#lx: %d, libdw %d", offset, found, known);
    if (!known) return false;
    bool signal;
    Dwarf_Addr begin, end;
    assert_int_equal(dwarf_frame_info(frame, &begin, &end, &signal), REGISTER_RA);
    assert_int_equal(row->signal, signal);
    compare_cfa(row, frame, offset);
    compare_place(row->bp, oracle_place(frame, REGISTER_BP), offset);
    compare_place(row->ra, oracle_place(frame, REGISTER_RA), offset);
    free(frame);
    return true;
}

/* Every 7th byte of the mapped code. */
static void compare_object(const char *name, const char *symbol, unsigned at_least) {
    struct object object = open_object(name, symbol);
    unsigned compared = 0;
    for (uintptr_t at = object.module->start; at < object.module->end; at += 7)
        compared += compare_at(&object, at - object.bias);
    assert_true(compared > at_least);
    close_object(&object);
}

static void rows_of_libc(void **state) {
    (void)state;
    compare_object("libc.so.6", "malloc", 100000);
}

static void rows_of_libunwind(void **state) {
    (void)state;
    compare_object("libunwind-x86_64.so.8", "_Ux86_64_step", 5000);
}

/* --- rules --- */

static void rule_of_a_signal_trampoline(void **state) {
    (void)state;
    struct object object = open_object("libc.so.6", "malloc");
    struct rules_room room;
    unsigned signals = 0;
    for (uintptr_t ip = object.module->start; ip < object.module->end; ip++) {
        struct cfi_program program;
        if (cfi_find(object.module, ip, &program) || !program.now.signal) continue;
        assert_int_equal(rules_read(ip, true, &room), 0);
        assert_true(room.rule.kind & RULE_SIGNAL);
        assert_false(room.rule.kind & RULE_COMPLEX);
        signals++;
    }
    assert_true(signals > 0);
    close_object(&object);
}

static void rules_are_kept(void **state) {
    (void)state;
    struct rules_room room, again;
    uintptr_t malloc_address = (uintptr_t)dlsym(RTLD_DEFAULT, "qsort");
    for (uintptr_t ip = malloc_address; ip < malloc_address + 20000; ip++) {
        const struct rule *rule = rules_find(ip, false, modules_epoch(), &room);
        if (rule == &room.rule || !rule) fail_msg("%#lx is not kept", ip);
        assert_ptr_equal(rules_find(ip, false, modules_epoch(), &room), rule);
        assert_int_equal(rules_read(ip, false, &again), 0);
        assert_memory_equal(rule, &again.rule, sizeof again.rule);
    }
}

static void no_rule_outside_modules(void **state) {
    (void)state;
    struct rules_room room;
    char *block = malloc(100);
    assert_null(rules_find((uintptr_t)block, false, modules_epoch(), &room));
    assert_null(rules_find(0, false, modules_epoch(), &room));
    assert_null(rules_find(1, true, modules_epoch(), &room));
    assert_null(rules_find(~0ul >> 1, false, modules_epoch(), &room));
    free(block);
}

/* --- damage --- */

static uint32_t random_state = 12345;
static uint32_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
}

static void damaged_tables(void **state) {
    (void)state;
    const struct module *whole = modules_find((uintptr_t)dlsym(RTLD_DEFAULT, "malloc"));
    size_t offset = (uintptr_t)whole->eh_frame_hdr - whole->tables_start;
    size_t length = whole->tables_end - whole->tables_start;
    uint8_t *copy = malloc(length);
    struct module module = *whole;
    struct cfi_program program;
    unsigned found = 0, refused = 0;
    module.tables_start = (uintptr_t)copy;
    module.tables_end = (uintptr_t)copy + length;
    module.eh_frame_hdr = copy + offset;
    for (int round = 0; round < 300; round++) {
        memcpy(copy, (const void *)whole->tables_start, length); // NOLINT(performance-no-int-to-ptr)
        for (int i = 0; i < 2000; i++) copy[offset + next_random() % (length - offset)] = (uint8_t)next_random();
        for (int i = 0; i < 4 && round & 1; i++) copy[offset + (unsigned)i] = ((const uint8_t *)whole->eh_frame_hdr)[i];
        for (int i = 0; i < 200; i++) {
            uintptr_t address = (uintptr_t)copy + next_random() % (2 * length);
            if (cfi_find(&module, address, &program)) refused++;
            else found++;
        }
    }
    assert_true(found > 100);
    assert_true(refused > 100);
    free(copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_libc),
        cmocka_unit_test(rows_of_libunwind),
        cmocka_unit_test(rule_of_a_signal_trampoline),
        cmocka_unit_test(rules_are_kept),
        cmocka_unit_test(no_rule_outside_modules),
        cmocka_unit_test(damaged_tables),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

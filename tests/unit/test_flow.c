/*
 * Small functions written in assembly, with labels behind their calls; what can follow what is read off the source.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "symbols/flow.h"

/* clang-format off */
__asm__(".text\n"
        "straight: call elsewhere\n straight_1: nop\n call elsewhere\n straight_2: ret\n straight_end:\n"
        /* one call before a loop with one inside, one after it, which jumps out of the function */
        "looping: call elsewhere\n looping_1: nopw 0x0(%rax,%rax,1)\n 1: call elsewhere\n looping_2: dec %ebx\n jne 1b\n"
        "call elsewhere\n looping_3: jmp elsewhere\n looping_end:\n"
        /* two branches of which each makes a call */
        "branching: test %edi, %edi\n je 1f\n call elsewhere\n branching_1: ret\n 1: call elsewhere\n branching_2: ret\n"
        "branching_end:\n"
        /* the code behind the return is entered by an exception, and goes back to before the second call */
        "throwing: call elsewhere\n throwing_1: nop\n 1: call elsewhere\n throwing_2: ret\n mov %rax, %rdi\n jmp 1b\n"
        "throwing_end:\n"
        "switching: call elsewhere\n switching_1: jmp *%rax\n call elsewhere\n switching_2: ret\n switching_end:\n"
        "splitting: call elsewhere\n splitting_1: je cold_part\n call elsewhere\n splitting_2: ret\n splitting_end:\n"
        "elsewhere: ret\n cold_part: ret\n");
/* clang-format on */

extern const uint8_t cold_part[];

static bool is_cold(void *context, uint64_t address) {
    (void)context;
    return address == (uint64_t)(uintptr_t)cold_part;
}

static struct code code_between(const uint8_t *begin, const uint8_t *end) {
    return (struct code){begin, (size_t)(end - begin), (uint64_t)(uintptr_t)begin, is_cold, NULL};
}

#define FLOWS(name, from, to)                                                                                          \
    ({                                                                                                                 \
        extern const uint8_t name[], name##_end[], name##_##from[], name##_##to[];                                     \
        struct code code = code_between(name, name##_end);                                                             \
        flow_may_reach(&code, (uint64_t)(uintptr_t)name##_##from, (uint64_t)(uintptr_t)name##_##to);                   \
    })

static void test_straight_code_goes_forwards_only(void **state) {
    (void)state;
    assert_true(FLOWS(straight, 1, 2));
    assert_false(FLOWS(straight, 2, 1));
    assert_false(FLOWS(straight, 1, 1));
}

static void test_a_loop_leads_back_to_what_it_holds(void **state) {
    (void)state;
    assert_true(FLOWS(looping, 2, 2));
    assert_true(FLOWS(looping, 1, 3));
    assert_false(FLOWS(looping, 2, 1));
    assert_false(FLOWS(looping, 3, 1));
    assert_false(FLOWS(looping, 3, 2));
}

static void test_branches_exclude_each_other(void **state) {
    (void)state;
    assert_false(FLOWS(branching, 1, 2));
    assert_false(FLOWS(branching, 2, 1));
}

static void test_an_exception_may_lead_back(void **state) {
    (void)state;
    assert_true(FLOWS(throwing, 2, 2));
    assert_false(FLOWS(throwing, 2, 1));
}

static void test_where_code_is_unknown_anything_may_follow(void **state) {
    (void)state;
    assert_true(FLOWS(switching, 1, 1));
    assert_false(FLOWS(switching, 2, 1));
    assert_true(FLOWS(splitting, 1, 1));
    assert_false(FLOWS(splitting, 2, 1));
}

static void test_bytes_that_are_no_code(void **state) {
    (void)state;
    static const uint8_t junk[] = {0x06, 0xff, 0xff, 0x0f};
    struct code code = {junk, sizeof junk, 0x1000, is_cold, NULL};
    assert_true(flow_may_reach(&code, 0x1001, 0x1001));
    code.size = 0;
    assert_true(flow_may_reach(&code, 0x1001, 0x1001));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_straight_code_goes_forwards_only),
        cmocka_unit_test(test_a_loop_leads_back_to_what_it_holds),
        cmocka_unit_test(test_branches_exclude_each_other),
        cmocka_unit_test(test_an_exception_may_lead_back),
        cmocka_unit_test(test_where_code_is_unknown_anything_may_follow),
        cmocka_unit_test(test_bytes_that_are_no_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

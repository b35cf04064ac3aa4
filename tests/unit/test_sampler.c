/* links: preload/beside/sampler.c */
/*
 * Samples from outside, of this process itself: which process is meant, when a sample is worth it, how often is looked.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../include/trace_format.h"
#include "../../include/trace_wire.h"
#include "../../preload/beside/sampler.h"

enum { SIZE = 8 << 20 };

static char path[] = "/tmp/test_sampler.XXXXXX";
static void *mapped;
static struct sampler sampler;

static int map_trace(void **state) {
    (void)state;
    strcpy(path + sizeof path - 7, "XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0 && ftruncate(fd, TRACE_PAGE) == 0);
    mapped = mmap(NULL, TRACE_PAGE, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    close(fd);
    sampler_begin(&sampler, path, 10);
    sampler.pid = getpid();
    return 0;
}

static int unmap_trace(void **state) {
    (void)state;
    sampler_end(&sampler);
    munmap(mapped, TRACE_PAGE);
    return unlink(path);
}

/* What the process itself has between two looks is a few pages. */
static void look_until_settled(void) {
    uint8_t body[SAMPLER_BODY_MAX];
    for (int i = 0; i < 4; i++)
        if (sampler_look(&sampler, 10)) assert_true(sampler_take(&sampler, 1, body) > 0);
}

static void test_what_is_touched_is_worth_a_sample(void **state) {
    (void)state;
    uint8_t body[SAMPLER_BODY_MAX];
    look_until_settled();
    uint64_t before = sampler.told;
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    memset(memory, 1, SIZE);
    assert_true(sampler_look(&sampler, 10));
    size_t length = sampler_take(&sampler, 4711, body);
    struct wire_reader r = wire_reader(body, length);
    uint64_t fields[9];
    for (size_t i = 0; i < 9; i++) fields[i] = wire_get_varint(&r);
    assert_false(r.failed);
    assert_int_equal(wire_left(&r), 0);
    assert_int_equal(fields[0], 4711);
    assert_true(fields[1] >= fields[2] && fields[2] >= before * TRACE_PAGE + SIZE);
    assert_true(fields[5] > 0);
    assert_int_equal(fields[8], TRACE_MEMORY_OUTSIDE);
    munmap(memory, SIZE);
    assert_true(sampler_look(&sampler, 10));
}

static void test_looks_grow_rare_while_nothing_happens(void **state) {
    (void)state;
    look_until_settled();
    for (int i = 0; i < 10; i++) assert_false(sampler_look(&sampler, 10));
    assert_int_equal(sampler.wait_ms, 200);
    sampler_wait(&sampler);
    assert_true(sampler.wait_ms < 50);
}

static void test_no_more_often_than_asked(void **state) {
    (void)state;
    sampler_begin(&sampler, path, 1000);
    sampler.pid = getpid();
    for (int i = 0; i < 9; i++) assert_false(sampler_look(&sampler, 100));
    assert_true(sampler_look(&sampler, 100));
    assert_int_equal(sampler.wait_ms, 200); /* the target's end is looked for all the same */
}

static void test_a_process_without_the_trace_is_another(void **state) {
    (void)state;
    sampler_begin(&sampler, "folder/another.tmk", 10);
    sampler.pid = getpid();
    for (int i = 0; i < 3; i++) assert_false(sampler_look(&sampler, 10));
}

static void test_one_that_has_gone_has_no_sample(void **state) {
    (void)state;
    sampler_begin(&sampler, path, 10);
    sampler.pid = 0x7ffffff0;
    assert_false(sampler_look(&sampler, 10));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_touched_is_worth_a_sample, map_trace, unmap_trace),
        cmocka_unit_test_setup_teardown(test_looks_grow_rare_while_nothing_happens, map_trace, unmap_trace),
        cmocka_unit_test_setup_teardown(test_no_more_often_than_asked, map_trace, unmap_trace),
        cmocka_unit_test_setup_teardown(test_a_process_without_the_trace_is_another, map_trace, unmap_trace),
        cmocka_unit_test_setup_teardown(test_one_that_has_gone_has_no_sample, map_trace, unmap_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* links: preload/stackid.c preload/sys.c flags: -pthread */
/*
 * The trie gives one id to one path, to all threads, and never another path's; without memory it gives 0.
 */
#include "../../include/trace_format.h"
#include "../../preload/stackid.h"
#include "../../preload/sys.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS = 4, PATHS = 60000, LEVELS = 6, MAX_EXTENTS = 64 };

static void *extents[MAX_EXTENTS];
static unsigned extents_given, extents_allowed;

/* Slow, as on a busy machine: whoever asks meanwhile gets the same. */
static void *extent(uint32_t first) {
    static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;
    unsigned index = first / TRACE_NODES_PER_SLOT;
    if (index >= extents_allowed) return NULL;
    assert_int_equal(first % TRACE_NODES_PER_SLOT, 0);
    pthread_mutex_lock(&asking);
    if (!extents[index]) {
        usleep(20000);
        assert_int_equal(index, extents_given);
        extents_given++;
        extents[index] = sys_memory((size_t)TRACE_NODES_PER_SLOT * TRACE_NODE_SIZE);
    }
    pthread_mutex_unlock(&asking);
    return extents[index];
}

static int start(void **state) {
    (void)state;
    extents_given = 0;
    extents_allowed = MAX_EXTENTS;
    return stackid_start(extent);
}

static int finish(void **state) {
    (void)state;
    for (unsigned i = 0; i < extents_given; i++) sys_munmap(extents[i], (size_t)TRACE_NODES_PER_SLOT * TRACE_NODE_SIZE);
    memset(extents, 0, sizeof extents);
    return 0;
}

static void assert_node(uint32_t id, uint32_t parent, uint64_t ip, uint32_t info) {
    uint64_t node_ip;
    uint32_t node_parent, node_info;
    assert_int_equal(stackid_node(id, &node_ip, &node_parent, &node_info), 0);
    assert_int_equal(node_ip, ip);
    assert_int_equal(node_parent, parent);
    assert_int_equal(node_info, info);
}

static uint64_t path_of(uint32_t id) {
    uint64_t ip;
    uint32_t parent, info;
    return stackid_node(id, &ip, &parent, &info) == 0 ? stackid_path(path_of(parent), ip) : 0;
}

static uint32_t child(uint32_t parent, uint64_t ip, uint32_t info) {
    uint64_t path = stackid_path(path_of(parent), ip);
    stackid_expect(path);
    return stackid_child(parent, ip, info, path);
}

static void ids_are_dense_and_stable(void **state) {
    (void)state;
    assert_int_equal(stackid_count(), 1);
    assert_int_equal(child(0, 100, 7), 1);
    assert_int_equal(child(1, 100, 7), 2);
    assert_int_equal(child(1, 101, 7), 3);
    assert_int_equal(child(0, 100, 7), 1);
    assert_int_equal(child(1, 101, 7), 3);
    assert_node(1, 0, 100, 7);
    assert_node(3, 1, 101, 7);
    uint64_t ip;
    uint32_t parent, info;
    assert_int_equal(stackid_node(4, &ip, &parent, &info), -ENOENT);
    assert_int_equal(stackid_node(0, &ip, &parent, &info), -ENOENT);
}

/* The same address in another loading of a module, or with a flag, is another node. */
static void another_module_another_node(void **state) {
    (void)state;
    uint32_t old = child(0, 4096, 1), new = child(0, 4096, 2);
    uint32_t flagged = child(0, 4096, 2 | TRACE_NODE_PARTIAL);
    assert_int_not_equal(old, new);
    assert_int_not_equal(new, flagged);
    assert_int_equal(child(0, 4096, 1), old);
    assert_int_equal(child(0, 4096, 2), new);
}

/* As FORMAT.md §4 says: an array of nodes of 16 bytes from the first id on. */
static void nodes_are_written_as_the_format_says(void **state) {
    (void)state;
    uint32_t id = child(0, 0x123456789abcull, 0x20000003u);
    const uint8_t expected[] = {0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0x20};
    assert_memory_equal((const uint8_t *)extents[0] + (size_t)id * TRACE_NODE_SIZE, expected, sizeof expected);
}

static void add_resident(void *argument, struct sys_range range) {
    uint64_t *bytes = argument, pages = (range.end - range.start) / TRACE_PAGE;
    uint8_t *in_core = malloc(pages);
    assert_int_equal(sys_mincore(range.start, pages * TRACE_PAGE, in_core), 0);
    for (uint64_t i = 0; i < pages; i++) *bytes += (in_core[i] & 1u) * TRACE_PAGE;
    free(in_core);
}

static uint64_t resident(void) {
    uint64_t bytes = 0;
    sys_each_memory(add_resident, &bytes);
    return bytes;
}

static void a_million_nodes(void **state) {
    (void)state;
    enum { NODES = 1000000 };
    uint64_t before = resident();
    for (uint32_t i = 1; i <= NODES; i++) assert_int_equal(child(i / 3, i * 5ull, 1), i);
    for (uint32_t i = 1; i <= NODES; i++) assert_int_equal(child(i / 3, i * 5ull, 1), i);
    assert_int_equal(stackid_count(), NODES + 1);
    assert_true(resident() - before < NODES * 64ull);
}

static void without_memory(void **state) {
    (void)state;
    extents_allowed = 1;
    for (uint32_t i = 1; i < TRACE_NODES_PER_SLOT; i++) assert_int_equal(child(0, i, 1), i);
    for (uint32_t i = 0; i < 10; i++) assert_int_equal(child(0, TRACE_NODES_PER_SLOT + i, 1), 0);
    assert_int_equal(child(0, 77, 1), 77);
    extents_allowed = 2;
    assert_int_equal(child(0, TRACE_NODES_PER_SLOT, 1), TRACE_NODES_PER_SLOT);
}

/* --- threads --- */

static uint32_t ids[THREADS][PATHS];
static pthread_barrier_t barrier;

static uint64_t ip_of(uint32_t path, unsigned level) { return 0x1000 + (path >> (LEVELS - 1 - level) * 3) * 16ull; }

static void *insert_paths(void *argument) {
    unsigned self = (unsigned)(uintptr_t)argument;
    pthread_barrier_wait(&barrier);
    for (uint32_t i = 0; i < PATHS; i++) {
        uint32_t path = self & 1 ? PATHS - 1 - i : i, node = 0;
        for (unsigned level = 0; level < LEVELS; level++) node = child(node, ip_of(path, level), 3);
        ids[self][path] = node;
    }
    return NULL;
}

static void threads_agree(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, insert_paths, (void *)i);
    for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (unsigned i = 1; i < THREADS; i++) assert_memory_equal(ids[0], ids[i], sizeof ids[0]);
    for (uint32_t path = 0; path < PATHS; path++) {
        uint32_t at = ids[0][path], parent = 0, info;
        uint64_t ip;
        for (unsigned level = LEVELS; level-- > 0; at = parent) {
            assert_int_equal(stackid_node(at, &ip, &parent, &info), 0);
            assert_int_equal(ip, ip_of(path, level));
        }
        assert_int_equal(at, 0);
    }
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, start, finish)
    const struct CMUnitTest tests[] = {
        ROW(ids_are_dense_and_stable),
        ROW(another_module_another_node),
        ROW(nodes_are_written_as_the_format_says),
        ROW(a_million_nodes),
        ROW(without_memory),
        ROW(threads_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

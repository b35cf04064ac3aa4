/* links: tests/unit/unwind_stage.c preload/unwind.c preload/stack_names.c preload/stack_range.c preload/tails.c preload/rules.c preload/cfi.c preload/reference.c preload/image.c preload/text.c preload/stackid.c preload/stacks.c preload/modules.c preload/stamp.c preload/sys.c libs: -lgcc_s -lunwind -ldl flags: -fexceptions */
/*
 * Stacks beyond the depth limit, and beyond what can be walked at all: which frames they keep, and how many nodes that
 * costs.
 */
#include "unwind_stage.h"

#include <stdlib.h>
#include <string.h>

#include "../../preload/stackid.h"

static uint32_t deep_nodes[FRAMES];
static NOINLINE void recurse_deep(int depth) {
    deep_nodes[depth] = capture_only();
    if (depth) recurse_deep(depth - 1);
    sink++;
}

struct node {
    uint64_t ip;
    uint32_t parent, info;
};

static int compare_nodes(const void *a, const void *b) { return memcmp(a, b, sizeof(struct node)); }

/* One thread never makes two nodes for one path. */
static void assert_no_node_twice(void) {
    uint32_t count = stackid_count();
    struct node *nodes = calloc(count, sizeof *nodes);
    assert_non_null(nodes);
    for (uint32_t id = 1; id < count; id++)
        assert_int_equal(stackid_node(id, &nodes[id].ip, &nodes[id].parent, &nodes[id].info), 0);
    qsort(nodes, count, sizeof *nodes, compare_nodes);
    for (uint32_t i = 1; i < count; i++) assert_int_not_equal(compare_nodes(&nodes[i - 1], &nodes[i]), 0);
    free(nodes);
}

/* Captures on the way in at every `in`th level, on the way out at every `out`th. */
static NOINLINE void recurse_in_steps(int depth, int in, int out) {
    if (depth % in == 0) capture_only();
    if (depth) recurse_in_steps(depth - 1, in, out);
    if (depth % out == 0) capture_only();
    sink++;
}

static void nodes_of_cut_stacks_are_those_of_their_paths(void **state) {
    (void)state;
    static const int steps[][2] = {{1, 1}, {7, 3}, {DEPTH / 4, 1}, {DEPTH / 2 + 1, 5}, {301, 299}, {2, 1000}};
    for (volatile size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        recurse_in_steps(700, steps[i][0], steps[i][1]);
        assert_no_node_twice();
    }
}

static void beyond_the_depth_limit(void **state) {
    (void)state;
    enum { DEEP = 2000 };
    unsigned cuts, partial;
    uint32_t first = 0, nodes = 0;
    for (volatile int round = 0; round < 2; round++) {
        recurse_deep(DEEP);
        if (round) assert_int_equal(deep_nodes[0], first);
        if (round) assert_int_equal(stackid_count(), nodes);
        first = deep_nodes[0];
        nodes = stackid_count();
    }
    for (int i = 0; i <= DEEP; i++) {
        unsigned length = length_of(deep_nodes[i], &cuts, &partial);
        assert_true(length <= DEPTH && length > 0);
        assert_int_equal(cuts, i < DEEP - DEPTH ? 1 : cuts);
        assert_int_equal(partial, 0);
        if (cuts) assert_true(length > DEPTH - DEPTH / 4);
    }
    /* Each level adds one node, each block that is left out at most a limit of them. */
    assert_true(stackid_count() < DEEP + DEEP / (DEPTH / 4) * DEPTH);
}

static void deeper_than_can_be_walked(void **state) {
    (void)state;
    enum { DEEP = 12000 };
    unsigned cuts, partial;
    recurse_deep(DEEP);
    unsigned length = length_of(deep_nodes[0], &cuts, &partial);
    assert_true(length <= DEPTH && length >= DEPTH / 2);
    assert_int_equal(cuts, 1);
    assert_int_equal(partial, 1);
    assert_true(stackid_count() < DEEP * 8);
    recurse(2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ROW(beyond_the_depth_limit),
        ROW(deeper_than_can_be_walked),
        ROW(nodes_of_cut_stacks_are_those_of_their_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

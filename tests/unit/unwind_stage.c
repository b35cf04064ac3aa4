/* Stacks to be captured and compared (unwind_stage.h). */
#define UNW_LOCAL_ONLY
#include "unwind_stage.h"

#include <libunwind.h>

#include "../../preload/journal.h"
#include "../../preload/modules.h"
#include "../../preload/stackid.h"
#include "../../preload/sys.h"

struct unwind_thread *thread;
static uintptr_t expected[FRAMES];
static unsigned expected_count;
volatile unsigned sink;

int journal_put(enum trace_record_kind kind, const void *body, size_t length) {
    (void)kind, (void)body, (void)length;
    return 0;
}

static void *extent(uint32_t first) {
    (void)first;
    return sys_memory((size_t)TRACE_NODES_PER_SLOT * TRACE_NODE_SIZE);
}

int start(void **state) {
    (void)state;
    unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_NONE);
    if (modules_start() || stackid_start(extent) || unwind_start(DEPTH, 0)) return -1;
    thread = sys_memory(unwind_thread_size());
    unwind_thread_start(thread);
    return 0;
}

int finish(void **state) {
    (void)state;
    return sys_munmap(thread, unwind_thread_size());
}

/* Return addresses from the caller of our caller outward, by libunwind itself. */
static void expect(unw_context_t *context) {
    unw_cursor_t cursor;
    unw_word_t ip;
    unw_init_local(&cursor, context);
    for (expected_count = 0; expected_count < FRAMES && unw_step(&cursor) > 0; expected_count++) {
        unw_get_reg(&cursor, UNW_REG_IP, &ip);
        if (!ip) break;
        expected[expected_count] = ip;
    }
}

struct unwind_counters counters(void) {
    struct unwind_counters out;
    unwind_thread_counters(thread, &out);
    return out;
}

NOINLINE uint32_t capture(void) {
    HERE(registers);
    unw_context_t context;
    uint32_t node = unwind_capture(thread, &registers), at = node, info = 0, parent = 0;
    uint64_t ip = 0;
    unw_getcontext(&context);
    expect(&context);
    assert_true(expected_count > 0);
    for (unsigned i = 0; i < expected_count; i++, at = parent) {
        assert_int_equal(stackid_node(at, &ip, &parent, &info), 0);
        if (ip != expected[i])
            fail_msg("frame %u of %u: %#lx, libunwind says %#lx", i, expected_count, ip, expected[i]);
        assert_int_equal(info & (TRACE_NODE_PARTIAL | TRACE_NODE_CUT), 0);
    }
    assert_int_equal(at, 0);
    sink++;
    return node;
}

NOINLINE uint32_t capture_only(void) {
    HERE(registers);
    return unwind_capture(thread, &registers);
}
NOINLINE void recurse(int depth) {
    capture();
    if (depth) recurse(depth - 1);
    capture();
    sink++;
}

unsigned length_of(uint32_t node, unsigned *cuts, unsigned *partial) {
    uint64_t ip;
    uint32_t parent, info;
    unsigned length = 0;
    for (*cuts = *partial = 0; node && !stackid_node(node, &ip, &parent, &info); node = parent, length++) {
        *cuts += (info & TRACE_NODE_CUT) != 0;
        *partial += (info & TRACE_NODE_PARTIAL) != 0;
    }
    return length;
}

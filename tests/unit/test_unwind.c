/* links: tests/unit/unwind_stage.c preload/unwind.c preload/stack_names.c preload/stack_range.c preload/tails.c preload/rules.c preload/cfi.c preload/reference.c preload/image.c preload/text.c preload/stackid.c preload/stacks.c preload/modules.c preload/stamp.c preload/sys.c libs: -lgcc_s -lunwind -ldl flags: -fexceptions */
/*
 * The walk gives the stack that libunwind's own local unwinder gives, whatever the stack went through.
 */
#include "unwind_stage.h"

#include "../../include/trace_format.h"
#include "../../preload/modules.h"
#include "../../preload/stackid.h"

#include <alloca.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static void plain_recursion(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) recurse(100);
    assert_int_equal(counters().partial, 0);
    assert_int_equal(counters().fallbacks, 0);
}

static void same_stack_same_node(void **state) {
    (void)state;
    uint32_t nodes[3];
    for (volatile int i = 0; i < 3; i++) nodes[i] = capture();
    assert_int_equal(nodes[0], nodes[1]);
    assert_int_equal(nodes[1], nodes[2]);
}

static NOINLINE uint32_t leaf_of_callers(void) {
    uint32_t node = capture();
    sink++;
    return node;
}
static NOINLINE uint32_t left_caller(void) {
    uint32_t node = leaf_of_callers();
    sink++;
    return node;
}
static NOINLINE uint32_t right_caller(void) {
    uint32_t node = leaf_of_callers();
    sink += 2;
    return node;
}

/* The same frames at the same place, called by another function: only a return address on the stack differs. */
static void changed_return_address(void **state) {
    (void)state;
    uint32_t nodes[4];
    for (volatile int i = 0; i < 4; i++) nodes[i] = (i & 1 ? right_caller : left_caller)();
    assert_int_equal(nodes[0], nodes[2]);
    assert_int_equal(nodes[1], nodes[3]);
    assert_int_not_equal(nodes[0], nodes[1]);
}

static NOINLINE __attribute__((optimize("omit-frame-pointer"))) int no_frame_pointer(int n) {
    volatile int local[16];
    local[n & 15] = n;
    capture();
    int result = n > 0 ? no_frame_pointer(n - 1) : 0;
    capture();
    return result + local[n & 15];
}

static NOINLINE void variable_frame(size_t n) {
    char *bytes = alloca(n * 100 + 1);
    memset(bytes, 1, n * 100 + 1);
    capture();
    if (n) variable_frame(n - 1);
    capture();
    sink += (unsigned)bytes[n];
}

/* An aligned variable makes the compiler find the CFA through memory. */
static NOINLINE void aligned_frame(int n) {
    _Alignas(64) volatile char bytes[128];
    char *more = alloca((size_t)n + 64);
    bytes[n & 127] = 1;
    memset(more, 1, 64);
    capture();
    if (n) aligned_frame(n - 1);
    capture();
    sink += (unsigned)bytes[n & 127] + (unsigned)more[1];
}

static void frame_shapes(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        no_frame_pointer(20);
        variable_frame(20);
        aligned_frame(20);
    }
    assert_int_equal(counters().partial, 0);
}

static jmp_buf back;
static NOINLINE void jump_from(int depth) {
    capture();
    if (depth <= 0) longjmp(back, 1);
    if (sink) jump_from(depth - 1);
    sink++;
}

static void after_longjmp(void **state) {
    (void)state;
    for (volatile int i = 0; i < 5; i++) {
        if (!setjmp(back)) jump_from(10 + i);
        capture();
        recurse(i);
    }
}

static int compare_ints(const void *a, const void *b) {
    capture();
    return *(const int *)a - *(const int *)b;
}

static void through_libc(void **state) {
    (void)state;
    int numbers[64];
    for (int i = 0; i < 64; i++) numbers[i] = i * 37 % 64;
    qsort(numbers, 64, sizeof numbers[0], compare_ints);
    for (int i = 0; i < 64; i++) assert_int_equal(numbers[i], i);
}

static ucontext_t scheduler, coroutines[2];
static NOINLINE void coroutine(int which) {
    for (int i = 0; i < 4; i++) {
        recurse(3 + which);
        swapcontext(&coroutines[which], &scheduler);
        capture();
    }
}

static void coroutine_switches(void **state) {
    (void)state;
    enum { SIZE = 256 << 10 };
    char *stacks = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (volatile int i = 0; i < 2; i++) {
        getcontext(&coroutines[i]);
        coroutines[i].uc_stack.ss_sp = stacks + (size_t)i * SIZE;
        coroutines[i].uc_stack.ss_size = SIZE;
        coroutines[i].uc_link = &scheduler;
        makecontext(&coroutines[i], (void (*)(void))coroutine, 1, i);
    }
    for (int i = 0; i < 8; i++) {
        swapcontext(&scheduler, &coroutines[i & 1]);
        capture();
    }
    munmap(stacks, 2 * SIZE);
    recurse(5);
    assert_int_equal(counters().partial, 0);
}

/* A context's outermost frame is what makecontext put there, also where its rbp, as here, could be a frame pointer. */
static uint64_t outermost;
static NOINLINE void note_outermost(void) {
    HERE(registers);
    uint32_t at = unwind_capture(thread, &registers), info;
    while (at) stackid_node(at, &outermost, &at, &info);
    swapcontext(&coroutines[0], &scheduler);
}

static void beginning_of_a_context(void **state) {
    (void)state;
    static char stack[64 << 10];
    uintptr_t frame[2] = {0, (uintptr_t)capture};
    uintptr_t *above = (uintptr_t *)(stack + sizeof stack - sizeof frame);
    assert_int_equal(unwind_start(DEPTH, 1), 0);
    memcpy(above, frame, sizeof frame);
    getcontext(&coroutines[0]);
    coroutines[0].uc_stack.ss_sp = stack;
    coroutines[0].uc_stack.ss_size = sizeof stack - sizeof frame;
    coroutines[0].uc_link = &scheduler;
    coroutines[0].uc_mcontext.gregs[REG_RBP] = (greg_t)above;
    makecontext(&coroutines[0], note_outermost, 0);
    uintptr_t begin = *(uintptr_t *)coroutines[0].uc_mcontext.gregs[REG_RSP]; // NOLINT(performance-no-int-to-ptr)
    swapcontext(&scheduler, &coroutines[0]);
    assert_int_equal(outermost, begin);
    assert_int_equal(counters().different, 0);
}

static bool saw_signal_frame;
static void handler(int number) {
    (void)number;
    uint32_t at = capture(), parent, info;
    uint64_t ip;
    recurse(3);
    for (; at && !stackid_node(at, &ip, &parent, &info); at = parent) saw_signal_frame |= info & TRACE_NODE_SIGNAL;
}

static NOINLINE void raise_at(int depth) {
    capture();
    if (depth) raise_at(depth - 1);
    else raise(SIGUSR1);
    capture();
}

static void handle_on(int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    saw_signal_frame = false;
    for (int i = 0; i < 3; i++) raise_at(5);
    signal(SIGUSR1, SIG_DFL);
#ifndef __SANITIZE_THREAD__ /* that sanitizer calls handlers itself, later, and not from a signal's frame */
    assert_true(saw_signal_frame);
#endif
    assert_int_equal(counters().partial, 0);
}

static void in_a_signal_handler(void **state) {
    (void)state;
    handle_on(0);
}

static void on_an_alternate_stack(void **state) {
    (void)state;
    static char memory[256 << 10];
    stack_t alternate = {.ss_sp = memory, .ss_size = sizeof memory}, before;
    sigaltstack(&alternate, &before);
    handle_on(SA_ONSTACK);
    sigaltstack(&before, NULL);
}

static void *run_thread(void *argument) {
    recurse(*(int *)argument);
    return NULL;
}

static void in_another_thread(void **state) {
    (void)state;
    pthread_t id;
    int depth = 30;
    for (int i = 0; i < 3; i++) {
        unwind_thread_start(thread);
        pthread_create(&id, NULL, run_thread, &depth);
        pthread_join(id, NULL);
    }
    unwind_thread_start(thread);
    assert_int_equal(counters().partial, 0);
}

/* Forced unwinding runs cleanups on a stack that is being taken down, as a C++ exception does. */
static void clean_up(int *depth) {
    capture();
    recurse(*depth % 3);
}
static NOINLINE void leave_from(int depth) {
    __attribute__((cleanup(clean_up))) int copy = depth;
    capture();
    if (depth <= 0) pthread_exit(NULL);
    if (sink) leave_from(depth - 1);
    capture();
}
static void *run_leaver(void *argument) {
    leave_from(*(int *)argument);
    return NULL;
}

static void while_unwinding(void **state) {
    (void)state;
    pthread_t id;
    int depth = 10;
    sink = 1;
    pthread_create(&id, NULL, run_leaver, &depth);
    pthread_join(id, NULL);
    assert_int_equal(counters().partial, 0);
}

/* --- objects that come and go --- */

typedef void through_function(void (*)(void));

/* An object with one function, whose frame is as large as we say and whose code is the same but for that number. */
static void build_object(const char *directory, const char *name, int frame) {
    char command[1024];
    snprintf(command, sizeof command,
             "cat >%s/%s.s <<'END'\n.globl through\n.type through,@function\nthrough:\n.cfi_startproc\nsub $%d,%%rsp\n"
             ".cfi_adjust_cfa_offset %d\ncall *%%rdi\nadd $%d,%%rsp\n.cfi_adjust_cfa_offset -%d\nret\n.cfi_endproc\n"
             ".section .note.GNU-stack\nEND\ncc -shared -o %s/%s.so %s/%s.s",
             directory, name, frame, frame, frame, frame, directory, name, directory, name);
    assert_int_equal(system(command), 0);
}

static uint32_t seen_module;
static void *seen_base;
static void note_module(void) {
    uint32_t at = capture(), parent, info;
    uint64_t ip;
    Dl_info found;
    for (; at && !stackid_node(at, &ip, &parent, &info); at = parent)
        if (dladdr((void *)ip, &found) && strstr(found.dli_fname, "/through-")) {
            seen_module = info & TRACE_NODE_MODULE_MASK;
            seen_base = found.dli_fbase;
        }
}

static void call_through(const char *directory, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.so", directory, name);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(object);
    through_function *through;
    *(void **)&through = dlsym(object, "through");
    seen_module = 0;
    through(note_module);
    dlclose(object);
    modules_sweep();
}

static void address_used_again(void **state) {
    (void)state;
    char directory[] = "/tmp/test-unwind-XXXXXX", command[64];
    assert_non_null(mkdtemp(directory));
    build_object(directory, "through-a", 8);
    build_object(directory, "through-b", 24);
    uint32_t modules[4];
    void *bases[4];
    for (volatile int i = 0; i < 4; i++) {
        call_through(directory, i & 1 ? "through-b" : "through-a");
        modules[i] = seen_module;
        bases[i] = seen_base;
        assert_int_not_equal(modules[i], 0);
        assert_true(modules_by_id(modules[i])->gone);
    }
    for (int i = 1; i < 4; i++) assert_int_not_equal(modules[i], modules[i - 1]);
    if (bases[0] != bases[1]) print_message("the loader did not use the address again\n");
    snprintf(command, sizeof command, "rm -r %s", directory);
    assert_int_equal(system(command), 0);
}

/* Bits of the open descriptors, as libunwind's own set-up in this test has not run yet. */
static uint64_t descriptors_before, descriptors_after;
static uint64_t open_descriptors(void) {
    uint64_t bits = 0;
    for (int fd = 0; fd < 64; fd++) bits |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
    return bits;
}

static int open_reference(void **state) {
    (void)state;
    descriptors_before = open_descriptors();
    unwind_open_reference();
    descriptors_after = open_descriptors();
    return 0;
}

static void no_descriptor_is_kept(void **state) {
    (void)state;
    assert_int_equal(descriptors_before, descriptors_after);
}

/* --- comparison, and what cannot be walked --- */

static void cross_check_agrees(void **state) {
    (void)state;
    assert_int_equal(unwind_start(DEPTH, 1), 0);
    recurse(50);
    aligned_frame(10);
    handle_on(0);
    assert_int_equal(counters().checked, counters().stacks);
    assert_int_equal(counters().different, 0);
}

__attribute__((noinline)) static uint32_t call_plainly(uint32_t (*function)(void)) {
    uint32_t node = function();
    __asm__ volatile("");
    return node;
}

/* Code without unwind information, as a JIT compiler makes it: push rbp; mov rbp, rsp; call *rdi; pop rbp; ret. */
static void code_without_rules(void **state) {
    (void)state;
    unsigned cuts, partial;
    static const uint8_t code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t (*call)(uint32_t(*)(void));
    memcpy(page, code, sizeof code);
    memcpy(&call, &page, sizeof page);
    assert_int_equal(unwind_start(DEPTH, 1), 0);
    unsigned plain = length_of(call_plainly(capture), &cuts, &partial);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(length_of(call(capture), &cuts, &partial), plain);
        assert_int_equal(partial, 0);
        recurse(3);
    }
    assert_int_equal(counters().fallbacks, 0);
    assert_int_equal(counters().different, 0);
    munmap(page, 4096);
}

/* Registers that lead nowhere must give a short partial stack, not a crash. */
static void bad_registers(void **state) {
    (void)state;
    uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
    char *guarded = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(guarded + 4096, 4096, PROT_NONE);
    struct unwind_registers bad[] = {
        {0x1234, sp, 0},
        {(uintptr_t)recurse + 8, sp, 8},
        {(uintptr_t)recurse + 8, (uintptr_t)guarded + 4096, 0},
        {(uintptr_t)variable_frame + 40, sp, (uintptr_t)guarded + 4090},
        {0, sp, 0},
        {~0ul, sp, ~0ul},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        unwind_capture(thread, &bad[i]);
        capture();
    }
    assert_true(counters().partial > 0);
    munmap(guarded, 8192);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ROW(plain_recursion),       ROW(same_stack_same_node),   ROW(changed_return_address),
        ROW(frame_shapes),          ROW(after_longjmp),          ROW(through_libc),
        ROW(coroutine_switches),    ROW(beginning_of_a_context), ROW(in_a_signal_handler),
        ROW(on_an_alternate_stack), ROW(in_another_thread),      ROW(cross_check_agrees),
        ROW(code_without_rules),    ROW(bad_registers),          ROW(while_unwinding),
        ROW(address_used_again),    ROW(no_descriptor_is_kept),
    };
    return cmocka_run_group_tests(tests, open_reference, NULL);
}

/* expect: 0; case: stack_use; flags: -Wl,-z,now */
/* expect: 0; case: stack_use_checked; flags: -Wl,-z,now; env: TIDEMARK_CHECK_STACKS=100 */
/*
 * How much of the target's stack our hooks take: each runs on a painted one. Allocations and frees take less than 512
 * bytes where nothing is new; 1536 where a ring fills up, a thread begins or ends, or another program takes over.
 */
#include "target.h"
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>

enum { SIZE = 1 << 16, PAINT = 0xa5, SMALL = 512, LARGE = 1536 };

struct measured {
    ucontext_t caller, own;
    void (*work)(void);
    uintptr_t top;
    size_t without; /* what a function takes that calls nothing */
    unsigned char *stack;
};
static __thread struct measured now;
static __thread void *block;

static void entry(void) {
    now.top = (uintptr_t)__builtin_frame_address(0);
    now.work();
}

static void run(void (*work)(void)) {
    now.work = work;
    getcontext(&now.own);
    now.own.uc_stack.ss_sp = now.stack;
    now.own.uc_stack.ss_size = SIZE;
    now.own.uc_link = &now.caller;
    makecontext(&now.own, entry, 0);
    swapcontext(&now.caller, &now.own);
}

static void paint(void) { memset(now.stack, PAINT, SIZE); }

static size_t used_now(void) {
    size_t at = 0;
    while (now.stack[at] == PAINT) at++;
    return now.top - (uintptr_t)(now.stack + at) - now.without;
}

static void check(const char *what, size_t used, size_t most) {
    if (used >= most) dprintf(2, "%s: %zu bytes of stack\n", what, used);
    CHECK(used < most);
}

static void within(const char *what, size_t most) { check(what, used_now(), most); }

static size_t use_of(void (*work)(void)) {
    paint();
    run(work);
    return used_now();
}
static void measure(const char *what, void (*work)(void), size_t most) { check(what, use_of(work), most); }

/* The first ones may be new; later ones are not, and of two in a row only one is a sample's. */
static void measure_both(const char *what, void (*work)(void)) {
    measure(what, work, LARGE);
    run(work);
    size_t once = use_of(work), again = use_of(work);
    check(what, once < again ? once : again, SMALL);
}

static void nothing(void) { keep(&block); }
static void allocate(void) { block = keep(malloc(100)); }
static void release(void) { free(block); }
static void allocate_and_release(void) {
    allocate();
    release();
}
static void resize(void) { block = keep(realloc(block, 200)); }
static void map(void) {
    void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(keep(p), 4096);
}
static void start(void) {
    extern char **environ;
    pid_t child = vfork();
    if (!child) {
        execve("/bin/true", (char *[]){"true", NULL}, environ);
        _exit(1);
    }
    CHECK(waitpid(child, NULL, 0) == child);
}
static void fail_to_become(void) { execl("/no/such/program", "program", (char *)NULL); }
static void finish(void) { _exit(3); }

/* Ring after ring, sample after sample. */
static void for_long(void) {
    paint();
    for (int i = 0; i < 200000; i++) run(allocate_and_release);
    within("200 000 of each", LARGE);
}

static void end_a_child(void) {
    int status;
    paint();
    pid_t child = fork();
    if (!child) run(finish);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
    now.top = (uintptr_t)now.stack + SIZE;
    within("_exit", LARGE);
}

static void *all(void *stack) {
    now.stack = stack;
    paint();
    run(nothing);
    now.without = used_now();
    measure_both("malloc and free", allocate_and_release);
    run(allocate);
    measure_both("realloc", resize);
    run(release);
    measure("mapping", map, LARGE);
    for_long();
    return NULL;
}

int main(void) {
    pthread_t thread;
    void *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    all(stack);
    measure("a child's exec", start, LARGE);
    measure("a failed exec", fail_to_become, LARGE);
    end_a_child();
    CHECK(!pthread_create(&thread, NULL, all, stack));
    CHECK(!pthread_join(thread, NULL));
    puts("within bounds");
    return 0;
}

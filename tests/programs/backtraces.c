/* expect: 0; flags: -rdynamic; sees: 73001x1000 */
/* expect: 0; case: backtraces_checked; flags: -rdynamic; sees: 73001x1000; env: TIDEMARK_CHECK_STACKS=1 */
/* The program walks its own stack, in the middle of its work and in a handler: as many frames as without us. */
#include "target.h"
#include <execinfo.h>
#include <signal.h>
#include <unwind.h>

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context, void *count) {
    (void)context;
    ++*(int *)count;
    return _URC_NO_REASON;
}
static volatile int in_handler;
static void on_signal(int signal) {
    (void)signal;
    void *frames[50];
    in_handler = backtrace(frames, 50);
}
static __attribute__((noinline)) int down(int level) {
    if (level) return down(level - 1) + 1;
    void *frames[100];
    int count = 0, listed = backtrace(frames, 100);
    _Unwind_Backtrace(count_frame, &count);
    free(backtrace_symbols(frames, listed));
    blocks(73001, 1);
    raise(SIGUSR1);
    CHECK(count < 1000);
    return listed * 1000 + count;
}

int main(void) {
    signal(SIGUSR1, on_signal);
    int first = down(20);
    for (int i = 0; i < 999; i++) CHECK(down(20) == first);
    printf("%d by backtrace, %d by the unwinder, %d in a handler\n", first / 1000, first % 1000 - 20, in_handler);
    return 0;
}

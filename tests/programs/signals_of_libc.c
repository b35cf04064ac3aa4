/* expect: 0; env: TIDEMARK_CHECK_STACKS=1; sees: 48001x1000 */
/* expect: 0; case: signals_of_libc_unchecked; sees: 48001x1000 */
/*
 * libc's own signals, which sigprocmask(3) never blocks: SIGTIMER, 32, is blocked in the thread behind timers with
 * SIGEV_THREAD, and kills where it is not. It stays pending while blocks are made there.
 */
#include "target.h"
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

static uint64_t signals(long call, const uint64_t *set) {
    uint64_t answer = 0;
    if (call == SYS_rt_sigpending) CHECK(!syscall(call, &answer, sizeof answer));
    else CHECK(!syscall(call, SIG_SETMASK, set, &answer, sizeof answer));
    return answer;
}

static void *holds_back(void *unused) {
    const uint64_t timer = 1ull << 31, none = 0;
    (void)unused;
    signals(SYS_rt_sigprocmask, &timer);
    CHECK(!syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 32));
    for (int i = 0; i < 1000; i++) {
        blocks(48001, 1);
        CHECK(signals(SYS_rt_sigpending, NULL) == timer);
    }
    CHECK(signals(SYS_rt_sigprocmask, &timer) == timer);
    const struct timespec now = {0};
    CHECK(syscall(SYS_rt_sigtimedwait, &timer, NULL, &now, sizeof timer) == 32);
    signals(SYS_rt_sigprocmask, &none);
    return NULL;
}

static atomic_int expired;
static void on_timer(union sigval unused) {
    (void)unused;
    free(keep(malloc(100)));
    expired++;
}

int main(void) {
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, holds_back, NULL) && !pthread_join(thread, NULL));
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_timer};
    const struct itimerspec often = {{0, 500000}, {0, 500000}};
    CHECK(!timer_create(CLOCK_MONOTONIC, &event, &timer) && !timer_settime(timer, 0, &often, NULL));
    while (expired < 100) blocks(100, 10);
    CHECK(!timer_delete(timer));
    puts("not killed");
    return 0;
}

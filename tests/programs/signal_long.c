/* expect: 0; case: signal_long; preload: sigsafe; sees: 1345x200000 */
/* expect: 0; case: signal_long_threads; args: 4; preload: sigsafe; sees: 1345x200000 */
/* expect: SIGABRT; case: signal_long_abort; args: 1 abort; preload: sigsafe; sees: 1345x200000; trace: open */
/* Handlers that make far more events than fit in the queue of those that interrupt a hook; one that never returns. */
#include "target.h"
#include <signal.h>
#include <sys/time.h>

enum { HANDLED = 100, EACH = 2000 };
static atomic_int begun, handled;
static bool aborts;

static void on_timer(int signal) {
    (void)signal;
    int saved = errno, number = atomic_fetch_add(&begun, 1);
    if (number < HANDLED) {
        blocks(1345, EACH);
        if (atomic_fetch_add(&handled, 1) + 1 == HANDLED && aborts) abort();
    }
    errno = saved;
}

static void *work(void *unused) {
    void *kept[16] = {0};
    for (unsigned i = 0; atomic_load(&handled) < HANDLED; i++) {
        free(kept[i % 16]);
        kept[i % 16] = keep(malloc(1346));
    }
    return unused;
}

int main(int argc, char **argv) {
    int threads = argument_or(argc, argv, 1);
    aborts = argc > 2;
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 5000}, {0, 5000}}, NULL);
    pthread_t others[CHURN_MOST];
    for (int i = 1; i < threads; i++) CHECK(!pthread_create(&others[i], NULL, work, NULL));
    work(NULL);
    for (int i = 1; i < threads; i++) CHECK(!pthread_join(others[i], NULL));
    puts("done");
    return 0;
}

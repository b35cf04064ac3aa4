/* expect: 0; sees: 48001x30000 */
/* The program forbids itself and its threads to read the cycle counter, which kills with SIGSEGV who does. */
#include "target.h"
#include <sys/prctl.h>

static void *work(void *argument) {
    blocks(48001, 10000);
    return argument;
}

int main(void) {
    pthread_t thread;
    blocks(48001, 10000);
    CHECK(prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) == 0);
    CHECK(!pthread_create(&thread, NULL, work, NULL));
    work(NULL);
    CHECK(!pthread_join(thread, NULL));
    CHECK(prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0) == 0);
    return 0;
}

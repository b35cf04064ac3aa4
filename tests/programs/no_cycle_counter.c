/* expect: 0; sees: 48001x40000 */
/*
 * The program forbids itself, its threads and its child to read the cycle counter, which kills with SIGSEGV who does.
 */
#include "target.h"
#include <sys/prctl.h>
#include <sys/wait.h>

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
    pid_t child = fork();
    CHECK(child >= 0);
    if (!child) {
        work(NULL);
        return 0;
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0) == 0);
    return 0;
}

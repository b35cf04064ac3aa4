/* expect: 0; count: 20; sees: 40001x20 40002x40 */
/* Handlers of fork that allocate and take a lock of the program's, while other threads allocate. */
#include "target.h"
#include <sys/wait.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void prepare(void) {
    CHECK(!pthread_mutex_lock(&lock));
    blocks(40002, 1);
}
static void in_parent(void) {
    blocks(40002, 1);
    CHECK(!pthread_mutex_unlock(&lock));
}
static void in_child(void) {
    blocks(40001, 1);
    CHECK(!pthread_mutex_unlock(&lock));
}

int main(void) {
    CHECK(!pthread_atfork(prepare, in_parent, in_child));
    churn_start(3);
    for (int i = 0; i < 20; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) _exit(0);
        CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    }
    churn_end(3);
    return 0;
}

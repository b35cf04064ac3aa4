/* expect: 21; count: 2; sees: 47001x1 47002x1; trace: any */
/* exec from a thread that is not the first, while others allocate; and one exec that failed before it. */
#include "target.h"

static void *executes(void *path) {
    char *nothing[] = {"none", NULL};
    CHECK(execv("/no/such/program", nothing) == -1 && errno == ENOENT);
    char *arguments[] = {path, "second", NULL};
    execv("/proc/self/exe", arguments);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc > 1) {
        blocks(47002, 1);
        puts("second image");
        return 21;
    }
    blocks(47001, 1);
    churn_start(4);
    pthread_t thread;
    pthread_create(&thread, NULL, executes, argv[0]);
    pthread_join(thread, NULL);
    return 1;
}

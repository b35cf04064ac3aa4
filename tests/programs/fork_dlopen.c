/* expect: 0; args: 25; soak: 2000; libs: plug_a plug_b; count: 25; sees: 41002x25 */
/* fork while another thread loads and unloads libraries. */
#include "target.h"
#include <dlfcn.h>
#include <sys/wait.h>

static void *load(void *unused) {
    (void)unused;
    char path[4096];
    for (int i = 0; !__atomic_load_n(&churn_stop, __ATOMIC_RELAXED); i++) {
        snprintf(path, sizeof path, "%s/libplug_%c.so", getenv("TEST_PLUGINS"), "ab"[i % 2]);
        void *library = dlopen(path, RTLD_NOW);
        CHECK(library);
        dlclose(library);
    }
    return NULL;
}

int main(int argc, char **argv) {
    int forks = argument_or(argc, argv, 60);
    pthread_t loader;
    churn_start(2);
    pthread_create(&loader, NULL, load, NULL);
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (!child) {
            blocks(41002, 1);
            blocks(333, 50);
            _exit(5);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5);
    }
    churn_end(2);
    pthread_join(loader, NULL);
    puts("forked");
    return 0;
}

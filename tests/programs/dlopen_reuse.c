/* expect: 0; args: 200; soak: 10000; libs: plug_a plug_b; sites: alpha_allocates=100 bravo_allocates=100 */
/* Two libraries take turns at one address: each allocation must be named by the one that was there. */
#include "target.h"
#include <dlfcn.h>

int main(int argc, char **argv) {
    int rounds = argument_or(argc, argv, 200);
    char path[4096];
    void *last = NULL; /* not the first: what is mapped meanwhile may take the place that they begin at */
    int reused = 0;
    for (int i = 0; i < rounds; i++) {
        snprintf(path, sizeof path, "%s/libplug_%c.so", getenv("TEST_PLUGINS"), "ab"[i % 2]);
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        CHECK(library);
        void *(*work)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_work");
        reused += last == (void *)work;
        last = (void *)work;
        free(work(100));
        dlclose(library);
    }
    CHECK(rounds < 100 || reused > rounds / 2);
    puts("done");
    return 0;
}

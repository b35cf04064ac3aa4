/* expect: 0; libs: plug_a; sees: 48001x50 48002x50 */
/* A plug-in with RTLD_DEEPBIND looks in libc before the preloaded hooks, and is seen all the same. */
#include "target.h"
#include <dlfcn.h>

int main(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/libplug_a.so", getenv("TEST_PLUGINS"));
    void *library = dlopen(path, RTLD_NOW | RTLD_DEEPBIND);
    CHECK(library);
    void *(*work)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_work");
    for (int i = 0; i < 50; i++) {
        void *theirs = work(48001), *ours = malloc(48002);
        free(theirs);
        free(ours);
    }
    dlclose(library);
    puts("done");
    return 0;
}

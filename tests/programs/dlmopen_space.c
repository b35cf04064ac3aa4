/* expect: 0; libs: plug_a; sees: 49002x50 */
/* A second name space has a libc of its own, whose heap is not the one that is recorded. */
#include "target.h"
#include <dlfcn.h>

int main(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/libplug_a.so", getenv("TEST_PLUGINS"));
    for (int i = 0; i < 5; i++) {
        void *library = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
        CHECK(library);
        void *(*work)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_work");
        for (int k = 0; k < 10; k++) {
            CHECK(keep(work(49001)));
            blocks(49002, 1);
        }
        dlclose(library);
    }
    puts("done");
    return 0;
}

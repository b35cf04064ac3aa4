/* expect: 0; libs: plug_throw; sees: 50001x100 */
/* A C host opens a C++ plug-in with RTLD_LOCAL that throws and catches; libgcc's unwinder must stay its own. */
#include "target.h"
#include <dlfcn.h>

int main(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/libplug_throw.so", getenv("TEST_PLUGINS"));
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) printf("%s\n", dlerror());
    CHECK(library);
    int (*throws)(int) = (int (*)(int))dlsym(library, "plugin_throws");
    for (int i = 0; i < 100; i++) CHECK(throws(i % 20) == 50);
    dlclose(library);
    puts("caught");
    return 0;
}

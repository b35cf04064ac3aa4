/* Libraries that are loaded late; see library.h. Called once for each library, under the caller's pthread_once. */
#include "library.h"

#include <dlfcn.h>
#include <string.h>

bool library_load(const char *name, const struct library_call *calls, size_t count) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    bool whole = library != NULL;
    for (size_t i = 0; i < count && whole; i++) {
        void *call = dlsym(library, calls[i].name);
        memcpy(calls[i].to, &call, sizeof call);
        whole = call != NULL;
    }
    return whole;
}

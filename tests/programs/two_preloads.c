/* expect: 0; case: two_preloads_before; preload: wrapper trace; trace: any */
/* expect: 0; case: two_preloads_after; preload: trace wrapper; sees: 69001x20000 */
/* expect: 0; case: preload_heaptrack; preload: trace /usr/lib/heaptrack/libheaptrack_preload.so; trace: none; needs: heaptrack; env: DUMP_HEAPTRACK_OUTPUT=/dev/null */
/* expect: 0; case: preload_missing; preload: trace /no/such/library.so; stderr: any; sees: 69001x20000 */
/* Another preloaded library that wraps malloc and calls dlsym in it stands before or behind the recorder. */
#include "target.h"
#include <dlfcn.h>

int main(void) {
    (void)dlsym(RTLD_DEFAULT, "nothing_of_that_name");
    (void)dlerror();
    blocks(69001, 20000);
    churn_start(2);
    blocks(100, 20000);
    churn_end(2);
    puts("done");
    return 0;
}

/* expect: 0; case: sanitized_clang; cc: clang; needs: clang; flags: -fsanitize=address -DQUIET; trace: any; stderr: any */
/* expect: 0; case: sanitized_gcc; flags: -fsanitize=address; env: ASAN_OPTIONS=verify_asan_link_order=0; trace: any; stderr: any */
/* expect: 0; case: sanitized_undefined; flags: -fsanitize=undefined; sees: 70001x100 */
/* expect: 0; case: sanitized_thread; cc: clang; needs: clang; flags: -fsanitize=thread; trace: any; stderr: any */
/* expect: 1; case: sanitized_leak; args: fault; cc: clang; needs: clang; flags: -fsanitize=address; trace: any; stderr: any */
/*
 * A program built with a sanitizer has that one's malloc: the recorder steps aside, and what the sanitizer finds it
 * still finds.
 */
#include "target.h"

int main(int argc, char **argv) {
    (void)argv;
    blocks(70001, 100);
    churn_start(2);
    blocks(100, 1000);
    churn_end(2);
    char *p = keep(malloc(10));
    free(p);
    if (argc > 1) p[3] = 1;
    puts("done");
    return 0;
}

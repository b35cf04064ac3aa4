/* expect: 0; case: under_strace; wrap: strace; needs: strace; trace: closed; sees: 71001x100 */
/* expect: 0; case: under_gdb; wrap: gdb; needs: gdb; sees: 71001x100; stderr: any */
/* expect: 0; case: watched_not; sees: 71001x100 */
/* A program that somebody traces with ptrace already. */
#include "target.h"
#include <sys/wait.h>

int main(void) {
    blocks(71001, 100);
    churn_start(2);
    blocks(100, 10000);
    churn_end(2);
    puts("=done");
    return 0;
}

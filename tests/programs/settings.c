/* expect: 0; case: setting_level_0; env: TIDEMARK_LEVEL=0; sees: 76001x40000 */
/* expect: 0; case: setting_level_9; env: TIDEMARK_LEVEL=9; sees: 76001x40000 */
/* expect: 0; case: setting_depth_1; env: TIDEMARK_DEPTH=1; sees: 76001x40000 */
/* expect: 0; case: setting_interval; env: TIDEMARK_INTERVAL=1ms; sees: 76001x40000 */
/* expect: 0; case: setting_off; env: TIDEMARK_START=off; sees: 76001x0 */
/* expect: 0; case: setting_follow; env: TIDEMARK_FOLLOW=0; sees: 76001x40000 76002x0 */
/* expect: 0; case: setting_stacks; env: TIDEMARK_CHECK_STACKS=1; sees: 76001x40000 */
/* expect: 0; case: setting_bad; env: TIDEMARK_DEPTH=many TIDEMARK_LEVEL=77 TIDEMARK_INTERVAL=soon; stderr: any; sees: 76001x40000 */
/* expect: 0; case: setting_verbose; env: TIDEMARK_VERBOSE=1; stderr: any; sees: 76001x40000 */
/* The recorder's settings at their ends change nothing for the program. */
#include "target.h"
#include <sys/wait.h>

static void *work(void *unused) {
    blocks(76001, 10000);
    return unused;
}

int main(int argc, char **argv) {
    pthread_t threads[4];
    if (argc > 1) {
        blocks(76002, 10);
        return 0;
    }
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    pid_t child = fork();
    if (!child) {
        execl("/proc/self/exe", argv[0], "child", (char *)NULL);
        _exit(9);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    puts("done");
    return 0;
}

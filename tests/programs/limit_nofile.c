/* expect: 0; case: limit_nofile; args: here; sees: 61001x1000 */
/* expect: 0; case: limit_nofile_exec; args: exec; trace: any */
/* With eight descriptors allowed, all five that are left must be had by the program. */
#include "target.h"
#include <fcntl.h>
#include <sys/resource.h>

static void use_all(void) {
    int count = 0, fds[16];
    while (count < 16 && (fds[count] = open("/dev/null", O_RDONLY)) >= 0) count++;
    CHECK(errno == EMFILE);
    blocks(61001, 1000);
    blocks(100, 300000);
    for (int i = 0; i < count; i++) CHECK(!close(fds[i]));
    printf("%d descriptors\n", count);
}

int main(int argc, char **argv) {
    (void)argc;
    if (!strcmp(argv[1], "second")) {
        use_all();
        return 0;
    }
    blocks(100, 1000);
    struct rlimit limit = {8, 8};
    CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
    if (!strcmp(argv[1], "exec")) execl("/proc/self/exe", argv[0], "second", (char *)NULL);
    use_all();
    return 0;
}

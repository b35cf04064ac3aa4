/* expect: 0; sees: 62001x20; flags: -Wl,-z,now; count: 1; trace: any */
/* A stack of 64 KB from the start, used up to its last 8 KB. */
#include "target.h"
#include <sys/resource.h>

static __attribute__((noinline)) void down(char *top, int *left) {
    volatile char frame[512];
    frame[0] = 1;
    if (top - (char *)frame < 40000) down(top, left);
    else
        while ((*left)--) blocks(62001, 1);
    frame[1] = 1;
}

int main(int argc, char **argv) {
    char here;
    int left = 20;
    if (argc > 1) {
        down(&here, &left);
        puts("shallow");
        return 0;
    }
    struct rlimit limit = {65536, 65536};
    CHECK(!setrlimit(RLIMIT_STACK, &limit));
    execl("/proc/self/exe", argv[0], "second", (char *)NULL);
    return 1;
}

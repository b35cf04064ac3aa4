/* expect: 0; modes: bare inline record */
/* The program's table of descriptors is as without the recorder: the same numbers come out of open, in any order. */
#include "target.h"
#include <dirent.h>
#include <fcntl.h>

int main(void) {
    blocks(100, 1000);
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory);
    int count = 0;
    while (readdir(directory)) count++;
    closedir(directory);
    printf("%d entries\n", count);
    blocks(100, 100000);
    for (int i = 0; i < 20; i++) printf("%d ", open("/dev/null", O_RDONLY));
    puts("");
    return 0;
}

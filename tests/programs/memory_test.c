/* expect: 0; env: GLIBC_TUNABLES=glibc.pthread.rseq=0; flags: -fno-stack-protector; sees: 48001x20000 */
/*
 * A program tests its memory: inverts all that is anonymous but the stack, waits, and inverts it back, as redis-server
 * does piece by piece when it has crashed. Nobody else may use that memory meanwhile. (The kernel reads rseq's part of
 * it.)
 */
#include "target.h"
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>

struct region {
    uint64_t *start, *end;
};

static int anonymous(struct region *out, int most) {
    char line[512], permissions[8], device[16], name[256];
    FILE *maps = fopen("/proc/self/maps", "r");
    int count = 0;
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        name[0] = 0;
        CHECK(sscanf(line, "%lx-%lx %7s %*s %15s %*s %255s", &start, &end, permissions, device, name) >= 4);
        if (strncmp(permissions, "rw", 2) != 0 || strcmp(device, "00:00") != 0 || strcmp(name, "[stack]") == 0)
            continue;
        CHECK(count < most);
        out[count++] = (struct region){(uint64_t *)start, (uint64_t *)end};
    }
    fclose(maps);
    return count;
}

static void invert(const struct region *regions, int count) {
    for (int i = 0; i < count; i++)
        for (uint64_t *word = regions[i].start; word < regions[i].end; word++) *word = ~*word;
}

/* Without libc, whose memory is inverted too. */
static void wait_a_while(void) {
    struct timespec time = {0, 50000000};
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_nanosleep), "D"(&time), "S"(NULL) : "rcx", "r11", "memory");
}

int main(void) {
    struct region regions[256];
    blocks(48001, 10000);
    for (int i = 0; i < 10; i++) {
        int count = anonymous(regions, 256);
        invert(regions, count);
        wait_a_while();
        invert(regions, count);
        blocks(48001, 1000);
    }
    return 0;
}

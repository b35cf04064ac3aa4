/* expect: 0; case: limit_as; args: here; trace: lossy */
/* expect: 0; case: limit_as_exec; args: exec; trace: any */
/* expect: 0; case: limit_as_threads; args: threads; trace: lossy */
/* The address space ends: malloc fails as it should, the program goes on, also when it starts under the limit. */
#include "target.h"
#include <sys/resource.h>

static long pages(void) {
    long total = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%ld", &total) == 1);
    fclose(file);
    return total;
}

static void use_all(void) {
    static void *held[100000];
    int count = 0;
    while (count < 100000 && (held[count] = malloc(20000))) count++;
    CHECK(count > 10 && count < 100000 && errno == ENOMEM);
    for (int i = 0; i < 1000; i++) CHECK(!malloc(200000000));
    while (count) free(held[--count]);
    blocks(1000, 100000);
    puts("got some, then none, then some");
}

int main(int argc, char **argv) {
    (void)argc;
    blocks(100, 1000);
    bool exec = !strcmp(argv[1], "exec");
    rlim_t bytes = exec ? 40 << 20 : (rlim_t)(pages() * 4096 + (16 << 20));
    if (!strcmp(argv[1], "second")) {
        use_all();
        return 0;
    }
    if (!strcmp(argv[1], "threads")) churn_start(4), usleep(20000), bytes = (rlim_t)(pages() * 4096 + (16 << 20));
    struct rlimit limit = {bytes, bytes};
    CHECK(!setrlimit(RLIMIT_AS, &limit));
    if (exec) execl("/proc/self/exe", argv[0], "second", (char *)NULL);
    use_all();
    if (!strcmp(argv[1], "threads")) _exit(0);
    return 0;
}

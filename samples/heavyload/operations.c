/*
 * Operations of the heavyload workload; see operations.h.
 */
#include "heavyload/operations.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <tidemark.h>

static void *crew_member(void *argument) {
    struct crew *crew = argument;
    if (crew->enter) crew->enter(crew->context);
    for (uint64_t n; (n = atomic_fetch_add(&crew->next, 1)) < crew->count;) {
        tidemark_op_begin("operation");
        bool ok = crew->operation(crew->context, n);
        tidemark_op_end("operation", ok);
        if (ok) atomic_fetch_add(&crew->succeeded, 1);
    }
    return NULL;
}

struct tally crew_run(struct crew *crew, unsigned threads) {
    pthread_t members[MOST_THREADS];
    uint64_t begin = clock_ns();
    atomic_store(&crew->next, 0);
    atomic_store(&crew->succeeded, 0);
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&members[i], NULL, crew_member, crew) != 0) die("pthread_create");
    for (unsigned i = 0; i < threads; i++) pthread_join(members[i], NULL);
    return (struct tally){crew->count, atomic_load(&crew->succeeded), clock_ns() - begin};
}

bool operate_memory(void *context, uint64_t n) {
    size_t size = 1024 + n * 7919 % (63 * 1024);
    unsigned char *block = malloc(size);
    (void)context;
    if (!block) return false;
    memset(block, (int)n, size);
    bool ok = block[size / 2] == (unsigned char)n && crc32(0, block, 1024) != 0;
    free(block);
    return ok;
}

bool operate_processor(void *context, uint64_t n) {
    double sum = 0;
    (void)context;
    for (unsigned i = 1; i < 2000; i++) sum += sqrt((double)(n + i)) / i;
    return sum > 0;
}

bool operate_request(void *context, uint64_t n) {
    void *block = malloc(1024 + n % 4096);
    bool ok = block && operate_processor(context, n);
    sleep_until(clock_ns() + 300000);
    free(block);
    return ok;
}

bool operate_file(void *context, uint64_t n) {
    char name[32], bytes[4096];
    if (n % 10 == 9) return false;
    snprintf(name, sizeof name, "load-%llu", (unsigned long long)n);
    char *path = path_in(context, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    memset(bytes, (int)n, sizeof bytes);
    bool ok =
        fd >= 0 && write(fd, bytes, sizeof bytes) == sizeof bytes && pread(fd, bytes, sizeof bytes, 0) == sizeof bytes;
    if (fd >= 0) close(fd);
    unlink(path);
    free(path);
    return ok;
}

uint64_t resident_bytes(void) {
    unsigned long size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    if (fscanf(file, "%lu %lu", &size, &resident) != 2) resident = 0;
    fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

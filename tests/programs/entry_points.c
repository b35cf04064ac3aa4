/* expect: 0; sees: 53001x1 53002x1 53003x2 53004x1 53005x1 53006x1 53007x1 53008x1 53009x1 53010x1 53011x1 */
/*
 * Every entry point of the malloc family: results, alignment, zeros, usable sizes, errors and errno as libc gives them.
 */
#include "target.h"
#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>

static void check(void *block, size_t alignment, size_t size) {
    CHECK(block && (uintptr_t)block % alignment == 0 && malloc_usable_size(block) >= size);
    memset(keep(block), 0xa5, malloc_usable_size(block));
    free(block);
}

static void check_zero(unsigned char *block, size_t size) {
    for (size_t i = 0; i < size; i++) CHECK(block[i] == 0);
    free(block);
}

static void failures(void) {
    volatile size_t huge = SIZE_MAX / 2 + 1;
    void *block = NULL;
    errno = 0, CHECK(!malloc(huge) && errno == ENOMEM);
    errno = 0, CHECK(!calloc(huge, 2) && errno == ENOMEM);
    errno = 0, CHECK(!reallocarray(NULL, huge, 4) && errno == ENOMEM);
    errno = 0, CHECK(!memalign(64, huge) && errno == ENOMEM);
    errno = 0, CHECK(!aligned_alloc(64, huge) && errno == ENOMEM);
    errno = 7, CHECK(posix_memalign(&block, 24, 100) == EINVAL && block == NULL);
    CHECK(posix_memalign(&block, 64, huge) == ENOMEM && block == NULL);
}

/* Frees that newer C libraries have. */
static void newer_frees(void) {
    void (*sized)(void *, size_t) = (void (*)(void *, size_t))dlvsym(RTLD_DEFAULT, "free_sized", "GLIBC_2.43");
    void (*aligned)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlvsym(RTLD_DEFAULT, "free_aligned_sized", "GLIBC_2.43");
    if (sized) sized(malloc(100), 100);
    if (aligned) aligned(aligned_alloc(64, 128), 64, 128);
}

int main(void) {
    void *block;
    check(malloc(53001), 16, 53001);
    check_zero(keep(calloc(1, 53002)), 53002);
    check(realloc(NULL, 53003), 16, 53003);
    check(realloc(malloc(10), 53003), 16, 53003);
    check(reallocarray(NULL, 1, 53004), 16, 53004);
    CHECK(!posix_memalign(&block, 4096, 53005));
    check(block, 4096, 53005);
    check(aligned_alloc(128, 53006), 128, 53006);
    check(memalign(1024, 53007), 1024, 53007);
    check(valloc(53008), 4096, 53008);
    check(memalign(1, 53009), 16, 53009);
    block = pvalloc(100);
    CHECK(block && (uintptr_t)block % 4096 == 0 && malloc_usable_size(block) >= 4096);
    free(block);
    for (size_t size = 0; size < 300; size++) check(malloc(size), 16, size);
    for (size_t alignment = 8; alignment <= 65536; alignment *= 2) {
        CHECK(!posix_memalign(&block, alignment, alignment * 3 + 1));
        check(block, alignment, alignment * 3 + 1);
    }
    CHECK((block = calloc(0, 8)) && (free(block), 1));
    CHECK((block = malloc(0)) && (free(block), 1));
    CHECK(!posix_memalign(&block, 16, 0));
    free(block);
    free(NULL);
    CHECK(malloc_usable_size(NULL) == 0);
    failures();
    newer_frees();
    blocks(53010, 1);
    mallopt(M_TRIM_THRESHOLD, 65536), malloc_trim(0), (void)mallinfo2();
    blocks(53011, 1);
    puts("done");
    return 0;
}

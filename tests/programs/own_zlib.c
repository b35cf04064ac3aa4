/* expect: 0; flags: -rdynamic; sees: 68001x100000 */
/*
 * A program that has functions with zlib's and libunwind's names, which mean something else: nobody else may call them.
 */
#include "target.h"

#define FOREIGN(name)                                                                                                  \
    int name(void);                                                                                                    \
    int name(void) { _exit(96); }
FOREIGN(deflate)
FOREIGN(deflateInit_)
FOREIGN(deflateInit2_)
FOREIGN(deflateEnd)
FOREIGN(deflateReset)
FOREIGN(crc32)
FOREIGN(adler32)
FOREIGN(compress2)
FOREIGN(zcalloc)
FOREIGN(zcfree)
FOREIGN(unw_backtrace)
FOREIGN(unw_step)
FOREIGN(ring_init)
FOREIGN(writer_start)
FOREIGN(sys_mmap)

int main(void) {
    blocks(68001, 100000);
    for (size_t i = 0; i < 200000; i++) free(keep(malloc(16 + i * 7919 % 5000)));
    puts("done");
    return 0;
}

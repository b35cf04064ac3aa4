/* expect: 0; modes: bare inline record */
/* The same numbers come out of open as without the recorder. */
#include "target.h"
#include <fcntl.h>

int main(void) {
    blocks(100, 1000);
    blocks(100, 100000);
    for (int i = 0; i < 20; i++) printf("%d ", open("/dev/null", O_RDONLY));
    puts("");
    return 0;
}

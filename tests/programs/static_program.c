/* expect: 0; flags: -static; trace: none */
/* A static program loads nothing: it runs as ever, and there is no trace. */
#include "target.h"

int main(void) {
    blocks(100, 100);
    puts("static");
    return 0;
}

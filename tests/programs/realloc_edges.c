/* expect: 0; sees: 54001x1 54002x1 54004x1 54006x1 */
/* realloc: of NULL, to zero, in place, moved, growing 100 times, and failing, which leaves the old block whole. */
#include "target.h"
#include <malloc.h>

int main(void) {
    char *p = realloc(NULL, 54001);
    CHECK(p);
    strcpy(p, "text");
    CHECK((p = realloc(keep(p), 54002)) && !strcmp(p, "text"));
    volatile size_t huge = SIZE_MAX / 2;
    for (int i = 0; i < 5; i++) {
        errno = 0;
        CHECK(!realloc(p, huge) && errno == ENOMEM && !strcmp(p, "text"));
        errno = 0;
        CHECK(!reallocarray(p, huge, 3) && errno == ENOMEM && !strcmp(p, "text"));
    }
    errno = 5;
    CHECK(!realloc(keep(p), 0) && errno == 5);
    p = malloc(54004);
    for (int i = 0; i < 100; i++) {
        p[i * 1000] = (char)i;
        CHECK((p = realloc(keep(p), 55000 + (size_t)i * 1000)));
        for (int k = 0; k <= i; k += 7) CHECK(p[k * 1000] == (char)k);
    }
    CHECK((p = realloc(keep(p), 24)));
    CHECK((p = realloc(keep(p), 24)));
    char *neighbour = malloc(24);
    CHECK((p = realloc(keep(p), 54006)));
    free(neighbour);
    free(p);
    puts("done");
    return 0;
}

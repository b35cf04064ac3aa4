/* expect: SIGABRT; case: free_twice; args: twice; trace: open; sees: 48001x5 */
/* expect: SIGABRT; case: free_inside; args: inside; trace: open; sees: 48001x5 */
/* expect: SIGABRT; case: free_stack; args: stack; trace: open; sees: 48001x5 */
/* A heap used wrongly: the allocator says so in its own words, and the trace holds all until then. */
#include "target.h"

int main(int argc, char **argv) {
    char place[64] = "what free takes for the size of a block";
    char *volatile block = malloc(100);
    blocks(48001, 5);
    CHECK(argc > 1);
    if (!strcmp(argv[1], "twice")) free(block);
    if (!strcmp(argv[1], "inside")) block += 24;
    if (!strcmp(argv[1], "stack")) block = place + 8;
    free(block);
    return 0;
}

/* expect: 0; case: set_ids; args: 0; needs: root; sees: 64001x20000 */
/* expect: 0; case: set_ids_threads; args: 4; needs: root; sees: 64001x20000 */
/* setgid and setuid, which libc carries to every thread that it knows: all must have changed, none may hang. */
#include "target.h"
#include <dirent.h>
#include <sys/stat.h>

static void check_thread(const char *tid) {
    char path[300], line[200];
    snprintf(path, sizeof path, "/proc/self/task/%s/status", tid);
    FILE *file = fopen(path, "r");
    unsigned ids[2] = {0, 0};
    while (file && fgets(line, sizeof line, file)) sscanf(line, "Uid: %u %u", &ids[0], &ids[1]);
    if (file) fclose(file);
    CHECK(ids[0] == 65534 && ids[1] == 65534);
}

int main(int argc, char **argv) {
    int threads = argument_or(argc, argv, 0);
    churn_start(threads);
    blocks(100, 1000);
    CHECK(!setgid(65534) && !setuid(65534));
    CHECK(getuid() == 65534 && geteuid() == 65534 && setuid(0) == -1);
    blocks(64001, 20000);
    blocks(100, 300000);
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir(tasks));)
        if (task->d_name[0] != '.') check_thread(task->d_name);
    if (tasks) closedir(tasks);
    churn_end(threads);
    puts("nobody");
    return 0;
}

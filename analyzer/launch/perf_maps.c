/*
 * Copies perf maps (perf_maps.h). They lie in a folder where anyone may write: only regular files of this user count.
 */
#include "perf_maps.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../nanoseconds.h"
#include "traces.h"

#define MAP_MAX ((off_t)256 << 20)

static int open_map(const struct place *place, uint32_t pid, off_t *size) {
    char path[64];
    struct stat facts;
    snprintf(path, sizeof path, "/tmp/perf-%u.map", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return -1;
    bool good = !fstat(fd, &facts) && S_ISREG(facts.st_mode) && facts.st_uid == geteuid() && facts.st_size <= MAP_MAX &&
                ns_of(facts.st_mtim) >= place->began_ns;
    *size = good ? facts.st_size : 0;
    if (good && facts.st_size) return fd;
    close(fd);
    return -1;
}

static void copy(int from, off_t size, const char *path) {
    off_t done = 0;
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0) return;
    while (done < size)
        if (sendfile(to, from, &done, (size_t)(size - done)) <= 0) break;
    close(to);
    if (done < size) unlink(path);
}

static void keep(void *self, const char *trace) {
    const struct place *place = self;
    struct trace_identity identity;
    char path[PATH_MAX + NAME_MAX + 16];
    off_t size;
    int fd = open(trace, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    bool ours = trace_identify(fd, &identity) == 0 && strcmp(identity.run_id, place->run_id) == 0;
    close(fd);
    int map = ours ? open_map(place, identity.pid, &size) : -1;
    if (map < 0) return;
    snprintf(path, sizeof path, "%s.perf-map", trace);
    copy(map, size, path);
    close(map);
}

void perf_maps_keep(const struct place *place) { traces_of_run(place, keep, (void *)(uintptr_t)place); }

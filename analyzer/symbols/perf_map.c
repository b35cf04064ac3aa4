/*
 * Reads a perf map whole. It lies in a folder where anyone may write, so only regular files of this user or root count.
 */
#include "perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../list.h"
#include "../nanoseconds.h"
#include "ranges.h"

enum { NAME_MAX_BYTES = 4096 };
#define FILE_MAX_BYTES (256 << 20)

struct perf_map {
    struct ranges ranges; /* values: indices of names */
    char **names;
    size_t count;
};

/* A descriptor, or -errno. */
static int open_trusted(const char *path, uint64_t since) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat facts;
    if (fd < 0) return -errno;
    int error = fstat(fd, &facts) ? -errno : 0;
    if (!error && (!S_ISREG(facts.st_mode) || (facts.st_uid != geteuid() && facts.st_uid != 0))) error = -EPERM;
    if (!error && facts.st_size > FILE_MAX_BYTES) error = -EFBIG;
    if (!error && (uint64_t)ns_of(facts.st_mtim) < since) error = -ESTALE;
    if (!error) return fd;
    close(fd);
    return error;
}

static int add_name(struct perf_map *map, uint64_t start, uint64_t size, const char *name) {
    char **kept = LIST_ADD(map->names, map->count);
    if (!kept) return -ENOMEM;
    *kept = strndup(name, NAME_MAX_BYTES);
    return *kept ? ranges_add(&map->ranges, start, start + size, map->count - 1) : -ENOMEM;
}

static int add_line(struct perf_map *map, char *line) {
    char *at;
    line[strcspn(line, "\n")] = 0;
    uint64_t start = strtoull(line, &at, 16);
    uint64_t size = at > line && *at == ' ' ? strtoull(at, &at, 16) : 0;
    bool good = size && *at == ' ' && at[1] && start + size > start;
    return good ? add_name(map, start, size, at + 1) : 0;
}

static int read_lines(struct perf_map *map, FILE *in) {
    char *line = NULL;
    size_t room = 0;
    int error = 0;
    while (!error && getline(&line, &room, in) >= 0) error = add_line(map, line);
    if (!error && ferror(in)) error = -EIO;
    free(line);
    return error;
}

int perf_map_read(struct perf_map **out, const char *path, uint64_t since) {
    int fd = open_trusted(path, since);
    if (fd < 0) return fd;
    struct perf_map *map = calloc(1, sizeof *map);
    FILE *in = map ? fdopen(fd, "r") : NULL;
    int error = in ? read_lines(map, in) : -ENOMEM;
    if (in) fclose(in);
    else close(fd);
    if (error) perf_map_free(map);
    else *out = map;
    return error;
}

const char *perf_map_find(struct perf_map *map, uint64_t address) {
    size_t index = ranges_find(&map->ranges, address);
    return index < map->count ? map->names[index] : NULL;
}

void perf_map_free(struct perf_map *map) {
    if (!map) return;
    for (size_t i = 0; i < map->count; i++) free(map->names[i]);
    free(map->names);
    ranges_release(&map->ranges);
    free(map);
}

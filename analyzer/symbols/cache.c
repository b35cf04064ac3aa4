/*
 * A folder of files named by build-id. See cache.h.
 *
 * A file: "TMKNAMES", u64 version, u64 fingerprint, u64 checksum of these and of the bytes that follow (FNV-1a of
 * Fowler, Noll, Vo). Everything is reached from the descriptor of the folder, without following links, so nobody can
 * put another file in the way.
 */
#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../include/trace_wire.h"
#include "../list.h"

enum { VERSION = 1, HEAD = 32, CHECKED = 24, ID_MAX = 64, NAME_SIZE = 2 * ID_MAX + 16 };
static const char magic[] = "TMKNAMES";

struct cache {
    int folder;
};

/* The folder. */

/* malloc'd; NULL: nobody says where. */
static char *cache_path(void) {
    const char *given = getenv("TIDEMARK_CACHE"), *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    if (given && *given) return strcmp(given, "off") ? strdup(given) : NULL;
    if (base && *base == '/') return asprintf(&path, "%s/tidemark", base) < 0 ? NULL : path;
    if (home && *home == '/') return asprintf(&path, "%s/.cache/tidemark", home) < 0 ? NULL : path;
    return NULL;
}

static void make_folders(char *path) {
    for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    mkdir(path, 0700);
}

static bool is_ours(int fd, mode_t type) {
    struct stat facts;
    return fstat(fd, &facts) == 0 && (facts.st_mode & S_IFMT) == type && facts.st_uid == geteuid() &&
           !(facts.st_mode & (S_IWGRP | S_IWOTH));
}

static struct cache *cache_of(int folder) {
    struct cache *cache = folder >= 0 && is_ours(folder, S_IFDIR) ? malloc(sizeof *cache) : NULL;
    if (cache) *cache = (struct cache){folder};
    else if (folder >= 0) close(folder);
    return cache;
}

struct cache *cache_open(void) {
    char *path = cache_path();
    if (!path) return NULL;
    make_folders(path);
    struct cache *cache = cache_of(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    free(path);
    return cache;
}

void cache_close(struct cache *cache) {
    if (cache) close(cache->folder);
    free(cache);
}

/* Files. */

/* False: no build-id that a file could be named after. */
static bool name_of(const struct cache_key *key, char name[NAME_SIZE]) {
    if (!key->build_id_length || key->build_id_length > ID_MAX) return false;
    for (size_t i = 0; i < key->build_id_length; i++) snprintf(name + 2 * i, 3, "%02x", key->build_id[i]);
    strcat(name, ".names");
    return true;
}

static bool read_all(int fd, uint8_t *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t got = read(fd, bytes + done, length - done);
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

/* The content of a file, malloc'd; NULL: not there, or not one of ours. Reading makes it young again. */
static uint8_t *read_file(const struct cache *cache, const char *name, size_t *length) {
    struct stat facts;
    int fd = openat(cache->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return NULL;
    bool good = is_ours(fd, S_IFREG) && fstat(fd, &facts) == 0 && facts.st_size >= HEAD &&
                facts.st_size <= (off_t)CACHE_FILE_MAX + HEAD;
    uint8_t *bytes = good ? malloc((size_t)facts.st_size) : NULL;
    if (bytes && !read_all(fd, bytes, (size_t)facts.st_size)) {
        free(bytes);
        bytes = NULL;
    }
    if (bytes) futimens(fd, NULL);
    close(fd);
    *length = good ? (size_t)facts.st_size : 0;
    return bytes;
}

static uint64_t mix(uint64_t hash, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static void put_head(uint8_t *head, const struct cache_key *key, const void *bytes, size_t length) {
    struct wire_writer w = wire_writer(head, HEAD);
    wire_put_bytes(&w, magic, sizeof magic - 1);
    wire_put_u64(&w, VERSION);
    wire_put_u64(&w, key->fingerprint);
    wire_put_u64(&w, mix(mix(0xcbf29ce484222325u, head, CHECKED), bytes, length));
}

static bool is_good(const uint8_t *file, size_t length, const struct cache_key *key) {
    uint8_t expected[HEAD];
    put_head(expected, key, file + HEAD, length - HEAD);
    return !memcmp(file, expected, HEAD);
}

uint8_t *cache_read(struct cache *cache, const struct cache_key *key, size_t *length) {
    char name[NAME_SIZE];
    size_t size;
    uint8_t *file = cache && name_of(key, name) ? read_file(cache, name, &size) : NULL;
    if (!file || !is_good(file, size, key)) {
        free(file);
        return NULL;
    }
    *length = size - HEAD;
    memmove(file, file + HEAD, *length);
    return file;
}

static bool write_all(int fd, const void *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t put = write(fd, (const char *)bytes + done, length - done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        done += (size_t)put;
    }
    return true;
}

/* Room. */

struct file {
    char name[NAME_SIZE];
    struct timespec used;
    off_t size;
};

static int by_age(const void *a, const void *b) {
    const struct timespec *x = &((const struct file *)a)->used, *y = &((const struct file *)b)->used;
    if (x->tv_sec != y->tv_sec) return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

static void list_files(DIR *folder, struct file **files, size_t *count) {
    for (const struct dirent *entry; (entry = readdir(folder));) {
        struct stat facts;
        if (strlen(entry->d_name) >= NAME_SIZE || *entry->d_name == '.') continue;
        if (fstatat(dirfd(folder), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) || !S_ISREG(facts.st_mode)) continue;
        struct file *file = LIST_ADD(*files, *count);
        if (!file) return;
        *file = (struct file){.used = facts.st_mtim, .size = facts.st_size};
        memcpy(file->name, entry->d_name, strlen(entry->d_name) + 1);
    }
}

/* The files that were not used for longest go until the others fit. */
static void make_room(const struct cache *cache) {
    int again = openat(cache->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = again >= 0 ? fdopendir(again) : NULL;
    struct file *files = NULL;
    size_t count = 0;
    off_t sum = 0;
    if (!folder) {
        if (again >= 0) close(again);
        return;
    }
    list_files(folder, &files, &count);
    for (size_t i = 0; i < count; i++) sum += files[i].size;
    if (count) qsort(files, count, sizeof *files, by_age);
    for (size_t i = 0; i < count && sum > (off_t)CACHE_BYTES_MAX; sum -= files[i++].size)
        unlinkat(cache->folder, files[i].name, 0);
    free(files);
    closedir(folder);
}

void cache_write(struct cache *cache, const struct cache_key *key, const void *bytes, size_t length) {
    char name[NAME_SIZE], new[NAME_SIZE + 16];
    uint8_t head[HEAD];
    if (!cache || length > CACHE_FILE_MAX || !name_of(key, name)) return;
    snprintf(new, sizeof new, "new.%d", (int)getpid());
    int fd = openat(cache->folder, new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) { /* of a process that died with our number, or no room: next time */
        unlinkat(cache->folder, new, 0);
        return;
    }
    put_head(head, key, bytes, length);
    bool good = write_all(fd, head, HEAD) && write_all(fd, bytes, length);
    good = !close(fd) && good && !renameat(cache->folder, new, cache->folder, name);
    if (good) make_room(cache);
    else unlinkat(cache->folder, new, 0);
}

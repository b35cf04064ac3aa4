/*
 * Files of one run (place.h). The launcher makes FILE.d itself, because a child may have lost the right to do so.
 */
#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../nanoseconds.h"

#define OPEN_DIRECTORIES 16

__attribute__((format(printf, 3, 4))) static int format_path(char *out, size_t capacity, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(out, capacity, format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < capacity ? 0 : -ENAMETOOLONG;
}

static int absolute(const char *path, char *out, size_t capacity) {
    char here[PATH_MAX];
    if (*path == '/') return format_path(out, capacity, "%s", path);
    if (!getcwd(here, sizeof here)) return -errno;
    return format_path(out, capacity, "%s/%s", strcmp(here, "/") ? here : "", path);
}

int place_init(struct place *place) {
    uint8_t bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) return -errno;
    for (size_t i = 0; i < sizeof bytes; i++) snprintf(place->run_id + 2 * i, 3, "%02x", bytes[i]);
    place->began_ns = ns_now(CLOCK_REALTIME_COARSE);
    return 0;
}

int place_name(struct place *place, const char *file) {
    int error = absolute(file, place->file, sizeof place->file);
    return error ? error : format_path(place->children, sizeof place->children, "%s.d", place->file);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static int remove_tree(const char *path) {
    return nftw(path, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT ? 0 : -errno;
}

/*
 * Renames to PATH.old; an older .old goes, a folder for a folder alone. What is neither file nor folder stays: a
 * device.
 */
static int set_aside(const char *path) {
    char old[PATH_MAX];
    struct stat status;
    if (lstat(path, &status) != 0) return 0; /* a link to nowhere is in the way, too */
    mode_t type = status.st_mode & S_IFMT;
    if (type != S_IFREG && type != S_IFLNK && type != S_IFDIR) return -EEXIST;
    int error = format_path(old, sizeof old, "%s.old", path);
    if (!error && type == S_IFDIR) error = remove_tree(old);
    if (error) return error;
    return rename(path, old) == 0 ? 0 : -errno;
}

/* One that came meanwhile will do if it is ours, and no link to elsewhere. */
static int make_directory(const char *path) {
    struct stat status;
    if (mkdir(path, 0777) == 0) return 0;
    if (errno != EEXIST) return -errno;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() ? 0 : -EEXIST;
}

static bool is_directory(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

int place_prepare(const struct place *place, const char **failed) {
    char names[PATH_MAX];
    *failed = place->file;
    int error = is_directory(place->file) ? -EISDIR : set_aside(place->file);
    if (error) return error;
    error = format_path(names, sizeof names, "%s.perf-map", place->file);
    if (!error) error = set_aside(names);
    if (error) return error;
    error = set_aside(place->children);
    if (!error) error = make_directory(place->children);
    if (error != -ENOENT) *failed = place->children; /* else what is missing is the folder of both */
    return error;
}

void place_finish(const struct place *place) { (void)rmdir(place->children); }

bool place_has_trace(const struct place *place) { return access(place->file, F_OK) == 0; }

bool place_has_children(const struct place *place) {
    DIR *directory = opendir(place->children);
    bool found = false;
    for (struct dirent *entry; directory && (entry = readdir(directory));) found |= entry->d_name[0] != '.';
    if (directory) closedir(directory);
    return found;
}

static bool take_recorder(const char *path, char *out, size_t capacity) {
    char *real = access(path, R_OK) == 0 ? realpath(path, NULL) : NULL;
    bool fits = real && format_path(out, capacity, "%s", real) == 0;
    free(real);
    return fits;
}

int place_recorder(const char *wanted, char *out, size_t capacity) {
    static const char *const beside[] = {"libtrace.so", "../lib/tidemark/libtrace.so"};
    char self[PATH_MAX] = "/", path[PATH_MAX + 64];
    if (wanted) return take_recorder(wanted, out, capacity) ? 0 : -ENOENT;
    if (readlink("/proc/self/exe", self, sizeof self - 1) > 0) *strrchr(self, '/') = 0;
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        if (format_path(path, sizeof path, "%s/%s", self, beside[i]) == 0 && take_recorder(path, out, capacity))
            return 0;
    return take_recorder(TIDEMARK_LIBDIR "/tidemark/libtrace.so", out, capacity) ? 0 : -ENOENT;
}

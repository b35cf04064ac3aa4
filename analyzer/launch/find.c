/*
 * Finds the live trace of a process (mailbox.h): a shared mapping whose file begins as a trace does and names this pid.
 *
 * The file is opened by its path as the process sees it (/proc/PID/root), then, when it was deleted or moved, through
 * /proc/PID/map_files, which only a privileged user may do.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "living.h"
#include "mailbox.h"

struct mapping {
    char range[64]; /* START-END, as in map_files */
    char path[PATH_MAX];
};

/*
 * A shared mapping of the beginning of a file, to write to. One to read alone may be of a file that is not for us to
 * write, as the C library's list of character sets: that does not make the process somebody else's.
 */
static bool parse_mapping(const char *line, struct mapping *out) {
    char permissions[8];
    unsigned long long offset;
    int path_at = 0;
    if (sscanf(line, "%63s %7s %llx %*s %*s %n", out->range, permissions, &offset, &path_at) < 3 || !path_at)
        return false;
    if (permissions[1] != 'w' || permissions[3] != 's' || offset != 0 || line[path_at] != '/') return false;
    snprintf(out->path, sizeof out->path, "%s", line + path_at);
    out->path[strcspn(out->path, "\n")] = 0;
    return true;
}

/* The pid by which the process knows itself: the last one of NSpid. */
static uint32_t own_pid(pid_t pid) {
    char path[64], line[512];
    unsigned long found = (unsigned long)pid;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "NSpid:", 6) == 0 && strrchr(line, '\t')) found = strtoul(strrchr(line, '\t'), NULL, 10);
    if (file) fclose(file);
    return (uint32_t)found;
}

static int open_mapping(struct mailbox *mailbox, pid_t thread, const struct mapping *mapping,
                        char path[MAILBOX_PATH_MAX]) {
    snprintf(path, MAILBOX_PATH_MAX, "/proc/%d/root%s", (int)thread, mapping->path);
    int error = mailbox_open(mailbox, path);
    if (!error) return 0;
    snprintf(path, MAILBOX_PATH_MAX, "/proc/%d/map_files/%s", (int)thread, mapping->range);
    return mailbox_open(mailbox, path) == 0 ? 0 : error;
}

static int find_in(FILE *maps, pid_t pid, pid_t thread, struct mailbox *mailbox, char trace[MAILBOX_PATH_MAX]) {
    char line[PATH_MAX + 128];
    struct mapping mapping;
    uint32_t wanted = own_pid(pid);
    int result = -ENOENT;
    while (fgets(line, sizeof line, maps)) {
        if (!parse_mapping(line, &mapping)) continue;
        int error = open_mapping(mailbox, thread, &mapping, trace);
        if (!error && mailbox_pid(mailbox) == wanted) return 0;
        if (!error) mailbox_close(mailbox);
        if (error == -EACCES || error == -ESHUTDOWN) result = error;
    }
    return result;
}

int mailbox_find(struct mailbox *mailbox, pid_t pid) {
    char trace[MAILBOX_PATH_MAX];
    return mailbox_find_path(mailbox, pid, trace);
}

int mailbox_find_path(struct mailbox *mailbox, pid_t pid, char trace[MAILBOX_PATH_MAX]) {
    char path[64];
    pid_t thread = living_thread(pid);
    mailbox->header = NULL;
    if (!thread) return -ESRCH;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)thread);
    FILE *maps = fopen(path, "re");
    if (!maps) return errno == ENOENT ? -ESRCH : -errno;
    int error = find_in(maps, pid, thread, mailbox, trace);
    fclose(maps);
    return error;
}

const char *mailbox_explain(int error) {
    switch (error) {
    case -ESRCH: return "no such process";
    case -EACCES: return "it belongs to another user";
    case -ENOENT: return "it is not being recorded (no live trace is mapped)";
    case -ESHUTDOWN: return "its trace is closed";
    default: return strerror(-error);
    }
}

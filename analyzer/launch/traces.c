/*
 * Listing the traces of a run and identifying them (traces.h).
 */
#include "traces.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../include/trace_format.h"
#include "../../include/trace_wire.h"

#define HEADER_HEAD 64

int trace_identify(int fd, struct trace_identity *out) {
    uint8_t bytes[HEADER_HEAD];
    if (pread(fd, bytes, sizeof bytes, 0) != sizeof bytes) return -EPROTO;
    if (memcmp(bytes, TRACE_MAGIC, sizeof TRACE_MAGIC - 1) != 0) return -EPROTO;
    struct wire_reader major = wire_reader(bytes + TRACE_AT_MAJOR, 2), pid = wire_reader(bytes + TRACE_AT_PID, 4);
    if (wire_get_u16(&major) != TRACE_VERSION_MAJOR) return -EPROTO;
    out->pid = wire_get_u32(&pid);
    for (int i = 0; i < 16; i++) snprintf(out->run_id + 2 * i, 3, "%02x", bytes[TRACE_AT_RUN_ID + i]);
    return 0;
}

static int has_suffix(const char *name, const char *suffix) {
    size_t length = strlen(name), end = strlen(suffix);
    return length > end && strcmp(name + length - end, suffix) == 0;
}

void traces_of_run(const struct place *place, void (*visit)(void *self, const char *path), void *self) {
    char path[PATH_MAX + NAME_MAX + 2];
    if (place_has_trace(place)) visit(self, place->file);
    DIR *directory = opendir(place->children);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (!has_suffix(entry->d_name, ".tmk")) continue;
        snprintf(path, sizeof path, "%s/%s", place->children, entry->d_name);
        visit(self, path);
    }
    if (directory) closedir(directory);
}

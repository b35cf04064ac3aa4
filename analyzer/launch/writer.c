/*
 * Starting and ending the writer process (writer.h). Its standard input is a socket whose other end we hold, so that it
 * ends with us however we end; nobody else's descriptors stay open in it. It says through it that it is done: its exit
 * takes the kernel some 20 ms more, for its watches, which nobody has to wait for.
 */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

bool writer_find(const char *recorder, char *out, size_t capacity) {
    const char *wanted = getenv("TIDEMARK_WRITER"), *slash = strrchr(recorder, '/');
    if (wanted && strcmp(wanted, "process") != 0) return false;
    int length = snprintf(out, capacity, "%.*s/tidemark-writer", slash ? (int)(slash - recorder) : 0, recorder);
    return length > 0 && (size_t)length < capacity && access(out, X_OK) == 0;
}

static _Noreturn void become_writer(const char *path, const struct place *place, int64_t sample_ns, int hold) {
    char sample_ms[24];
    int nothing = open("/dev/null", O_WRONLY);
    dup2(hold, STDIN_FILENO);
    if (nothing >= 0) {
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
    }
    unsetenv("LD_PRELOAD");
    closefrom(STDERR_FILENO + 1);
    snprintf(sample_ms, sizeof sample_ms, "%" PRId64, sample_ns < 1000000 ? 1 : sample_ns / 1000000);
    execl(path, "tidemark-writer", place->file, place->children, place->run_id, sample_ms, (char *)NULL);
    _exit(127);
}

void writer_start(struct writer *writer) {
    int ends[2];
    const char *path = writer->path;
    writer->path = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    writer->pid = fork();
    if (writer->pid == 0) become_writer(path, writer->place, writer->sample_ns, ends[0]);
    close(ends[0]);
    writer->hold = ends[1];
    if (writer->pid > 0) return;
    close(writer->hold);
    writer->pid = 0;
}

void writer_end(struct writer *writer) {
    if (writer->pid <= 0) return;
    char done;
    shutdown(writer->hold, SHUT_WR);
    while (read(writer->hold, &done, 1) < 0 && errno == EINTR) {}
    close(writer->hold);
    waitpid(writer->pid, NULL, WNOHANG);
    writer->pid = 0;
}

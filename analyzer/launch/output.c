/*
 * The stream of output.h. Bytes are forwarded first and looked at then, so the program never waits for its lines to be
 * understood; the edges are approximate for that reason, and are marked so.
 *
 * Through a terminal the program may be any number of lines ahead of us. The pipe has room for what one write brings
 * (pipe(2), O_DIRECT), so that a second one waits until we have seen the first: whatever the program does between two
 * writes falls between the stamps of the reads before and after it. A test therefore begins at the line before the one
 * that announces it: what it does is in its phase for certain.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "audience.h"
#include "edges.h"
#include "mailbox.h"

#define READ_BYTES (64u << 10)
#define LINE_BYTES 4096u

struct output {
    int ours, theirs; /* reading and writing end; theirs is -1 once the program has it */
    struct edges *edges;
    struct audience *audience;
    bool in_step;          /* the program is at most one write ahead */
    uint64_t stamp;        /* of the last bytes, later for each edge in them */
    uint64_t previous;     /* of the bytes before, or later than the last edge */
    uint64_t last;         /* of the last edge, or of the program's start */
    char line[LINE_BYTES]; /* the line so far; what is longer is not looked at */
    size_t length;
};

/* Opening. */

/* A terminal that changes no byte, as wide as ours. */
static void set_up_terminal(int fd) {
    struct termios mode;
    struct winsize size;
    if (tcgetattr(fd, &mode) == 0) {
        cfmakeraw(&mode);
        tcsetattr(fd, TCSANOW, &mode);
    }
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) ioctl(fd, TIOCSWINSZ, &size);
}

static int open_terminal(struct output *output) {
    char name[64];
    output->ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (output->ours < 0 || grantpt(output->ours) || unlockpt(output->ours)) return -errno;
    if (ptsname_r(output->ours, name, sizeof name) != 0) return -errno;
    output->theirs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (output->theirs < 0) return -errno;
    set_up_terminal(output->theirs);
    return 0;
}

static int open_pipe(struct output *output) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
    output->ours = ends[0];
    output->theirs = ends[1];
    output->in_step = fcntl(ends[1], F_SETPIPE_SZ, (int)getpagesize()) > 0 && fcntl(ends[1], F_SETFL, O_DIRECT) == 0;
    return 0;
}

static void post_edge(void *self, const struct edge *edge) {
    struct output *output = self;
    bool early = edge->begins && output->in_step && output->previous && edges_announce(output->edges);
    uint64_t stamp = edge->since_last ? output->last + 1 : early ? output->previous : output->stamp;
    audience_post(output->audience, (unsigned)edge->level, edge->begins, edge->name, stamp);
    output->previous = stamp + 1;
    output->last = stamp;
    if (output->stamp && output->stamp <= stamp) output->stamp = stamp + 1;
}

static int set_up(struct output *output, const char *pattern, bool pty, const struct place *place,
                  const char **problem) {
    output->edges = edges_new(pattern, post_edge, output, problem);
    if (!output->edges) return -EINVAL;
    output->audience = audience_new(place);
    if (!output->audience) return -ENOMEM;
    return pty && !edges_announce(output->edges) ? open_terminal(output) : open_pipe(output);
}

int output_open(const char *pattern, bool pty, const struct place *place, struct output **out, const char **problem) {
    struct output *output = calloc(1, sizeof *output);
    if (!output) return -ENOMEM;
    output->ours = output->theirs = -1;
    int error = set_up(output, pattern, pty, place, problem);
    if (error) output_close(output);
    else *out = output;
    return error;
}

int output_child_fd(const struct output *output) { return output->theirs; }

void output_started(struct output *output) {
    signal(SIGPIPE, SIG_IGN);
    close(output->theirs);
    output->theirs = -1;
    output->last = mailbox_now();
}

void output_close(struct output *output) {
    if (!output) return;
    if (output->ours >= 0) close(output->ours);
    if (output->theirs >= 0) close(output->theirs);
    edges_free(output->edges);
    audience_free(output->audience);
    free(output);
}

/* Bytes. */

static bool forward(const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t wrote = write(STDOUT_FILENO, bytes, length);
        if (wrote < 0 && errno == EAGAIN) poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
        else if (wrote < 0 && errno != EINTR) return false;
        if (wrote > 0) bytes += wrote, length -= (size_t)wrote;
    }
    return true;
}

static void add_to_line(struct output *output, const char *bytes, size_t length) {
    size_t room = LINE_BYTES - output->length, taken = length < room ? length : room;
    memcpy(output->line + output->length, bytes, taken);
    output->length += taken;
}

static void split_lines(struct output *output, const char *bytes, size_t length) {
    for (const char *end; length > 0 && (end = memchr(bytes, '\n', length));) {
        size_t part = (size_t)(end - bytes);
        add_to_line(output, bytes, part);
        edges_feed(output->edges, output->line, output->length, true);
        output->length = 0;
        bytes += part + 1;
        length -= part + 1;
    }
    add_to_line(output, bytes, length);
    if (output->length > 0) edges_feed(output->edges, output->line, output->length, false);
}

static void next_stamp(struct output *output, uint64_t stamp) {
    if (output->stamp > output->previous) output->previous = output->stamp;
    if (stamp > output->stamp) output->stamp = stamp;
}

/* A reader of our stdout that went away is answered as if it had gone away from the program itself. */
static bool serve(void *self) {
    static char bytes[READ_BYTES];
    struct output *output = self;
    audience_announce(output->audience);
    uint64_t before = mailbox_now();
    ssize_t got = read(output->ours, bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    next_stamp(output, output->in_step ? before : mailbox_now());
    if (got > 0 && forward(bytes, (size_t)got)) {
        split_lines(output, bytes, (size_t)got);
        return true;
    }
    close(output->ours);
    output->ours = -1;
    return false;
}

static bool one_processor(void) {
    cpu_set_t ours;
    return sched_getaffinity(0, sizeof ours, &ours) == 0 && CPU_COUNT(&ours) == 1;
}

/* Whether these words keep a test runner from running tests at once: one word, or two. So does a single processor. */
static bool tells_one_by_one(char *const *arguments) {
    const char *threads = getenv("RUST_TEST_THREADS");
    if (one_processor() || (threads && strcmp(threads, "1") == 0)) return true;
    for (size_t i = 0; arguments[i]; i++) {
        const char *next = arguments[i + 1];
        if (strstr(arguments[i], "--test-threads=1") || strstr(arguments[i], "--test-threads 1")) return true;
        if (strcmp(arguments[i], "--test-threads") == 0 && next && strcmp(next, "1") == 0) return true;
    }
    return false;
}

const char *output_hint(const struct output *output, char *const *arguments) {
    return edges_hint(output->edges, tells_one_by_one(arguments));
}

void output_ended(struct output *output) { audience_finish(output->audience); }

struct pump output_pump(struct output *output) {
    return (struct pump){.fd = output->ours, .serve = serve, .self = output};
}

/*
 * tidemark-writer: writes the traces of one run from beside the recorded programs. Started by `tidemark record` and
 * `run`.
 *
 *     tidemark-writer FILE FILE.d RUN-ID [MILLISECONDS BETWEEN SAMPLES]
 *
 * Watches for FILE and for traces in FILE.d, and gives each a thread. Ends when its standard input, a socket, does:
 * when the launcher says so, which is answered by a byte, or dies; recorders go on alone then. Prints nothing; signals
 * for the terminal's programs do not end it.
 */
#include "attended.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

/* A trace that ends within its first moments is not worth mapping. */
enum { PATIENCE_MS = 8, TRIES = 40, THREAD_STACK = 256 << 10, SAMPLE_MS = 10 };

struct task {
    struct task *next;
    char path[PATH_MAX];
    bool fresh; /* it has just begun */
    pthread_t thread;
    struct attended *trace; /* under the lock, while it is served */
    atomic_bool done;
};

static struct {
    const char *file, *name, *folder; /* FILE, its last part, FILE.d */
    uint8_t run_id[16];
    unsigned sample_ms;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool ending;
    struct task *tasks;
} run = {.file = "", .name = "", .folder = "", .lock = PTHREAD_MUTEX_INITIALIZER, .end = PTHREAD_COND_INITIALIZER};

/* ---- a trace ---- */

/* Waits for a moment, or for the end. Returns whether to go on. */
static bool wait_a_moment(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PATIENCE_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&run.lock);
    if (!run.ending) pthread_cond_timedwait(&run.end, &run.lock, &until);
    bool goes_on = !run.ending;
    pthread_mutex_unlock(&run.lock);
    return goes_on;
}

/* Says which trace is served, or that none is any more. Returns whether to go on. */
static bool publish(struct task *task, struct attended *trace) {
    pthread_mutex_lock(&run.lock);
    task->trace = trace;
    bool goes_on = !run.ending;
    pthread_mutex_unlock(&run.lock);
    return goes_on;
}

static void attend_trace(struct task *task) {
    struct attended *trace = NULL;
    int error = -EAGAIN;
    if (task->fresh && !wait_a_moment()) return;
    for (unsigned tries = 0; error == -EAGAIN && tries < TRIES && (!tries || wait_a_moment()); tries++)
        error = attended_open(task->path, run.run_id, run.sample_ms, &trace);
    if (error) return;
    if (publish(task, trace)) attended_serve(trace);
    publish(task, NULL);
    attended_close(trace);
}

static void *attend(void *task) {
    attend_trace(task);
    atomic_store_explicit(&((struct task *)task)->done, true, memory_order_release);
    return NULL;
}

/* Threads that have ended give their memory back. */
static void reap(void) {
    for (struct task **at = &run.tasks, *task; (task = *at);) {
        if (!atomic_load_explicit(&task->done, memory_order_acquire)) {
            at = &task->next;
            continue;
        }
        *at = task->next;
        pthread_join(task->thread, NULL);
        free(task);
    }
}

/* A trace that was found twice is locked, or has ended, the second time. */
static void add(const char *path, bool fresh) {
    struct task *task = calloc(1, sizeof *task);
    pthread_attr_t attributes;
    if (!task) return;
    task->fresh = fresh;
    snprintf(task->path, sizeof task->path, "%s", path);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    bool started = pthread_create(&task->thread, &attributes, attend, task) == 0;
    pthread_attr_destroy(&attributes);
    pthread_mutex_lock(&run.lock);
    reap();
    task->next = started ? run.tasks : NULL;
    if (started) run.tasks = task;
    pthread_mutex_unlock(&run.lock);
    if (!started) free(task);
}

static void end_all(void) {
    pthread_mutex_lock(&run.lock);
    run.ending = true;
    pthread_cond_broadcast(&run.end);
    for (struct task *task = run.tasks; task; task = task->next)
        if (task->trace) attended_stop(task->trace);
    pthread_mutex_unlock(&run.lock);
    for (struct task *task = run.tasks; task; task = task->next) pthread_join(task->thread, NULL);
}

/* ---- finding traces ---- */

static void consider(bool in_folder, const char *name, bool fresh) {
    char path[PATH_MAX];
    size_t length = strlen(name);
    if (!in_folder && strcmp(name, run.name) == 0) add(run.file, fresh);
    if (!in_folder || length < 4 || strcmp(name + length - 4, ".tmk") != 0) return;
    if (snprintf(path, sizeof path, "%s/%s", run.folder, name) < (int)sizeof path) add(path, fresh);
}

static void look_around(void) {
    DIR *folder = opendir(run.folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) consider(true, entry->d_name, false);
    if (folder) closedir(folder);
    if (access(run.file, F_OK) == 0) add(run.file, false);
}

static int watch(int *of_folder) {
    char parent[PATH_MAX];
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) return -errno;
    snprintf(parent, sizeof parent, "%.*s", (int)(run.name - run.file), run.file);
    *of_folder = inotify_add_watch(fd, run.folder, IN_CREATE);
    if (inotify_add_watch(fd, parent, IN_CREATE) < 0) return -errno;
    look_around();
    return fd;
}

static void take_events(int fd, int of_folder) {
    _Alignas(struct inotify_event) char bytes[16 << 10];
    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;)
        for (char *at = bytes; at < bytes + got;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            if (event->mask & IN_Q_OVERFLOW) look_around();
            else if (event->len) consider(event->wd == of_folder, event->name, true);
            at += sizeof *event + event->len;
        }
}

static void serve(int fd, int of_folder) {
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
        if (fds[0].revents) take_events(fd, of_folder);
        if (fds[1].revents) return;
    }
}

/* ---- the program ---- */

static bool read_run_id(const char *digits) {
    if (strlen(digits) != 32) return false;
    for (int i = 0; i < 16; i++)
        if (sscanf(digits + 2 * i, "%2hhx", &run.run_id[i]) != 1) return false;
    return true;
}

static void keep_signals_out(void) {
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGXFSZ, SIGTSTP};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
}

int main(int count, char **arguments) {
    int of_folder = -1;
    const char *slash = count == 4 || count == 5 ? strrchr(arguments[1], '/') : NULL;
    if (!slash || !read_run_id(arguments[3])) return 2;
    run.file = arguments[1];
    run.name = slash + 1;
    run.folder = arguments[2];
    run.sample_ms = count == 5 ? (unsigned)strtoul(arguments[4], NULL, 10) : SAMPLE_MS;
    keep_signals_out();
    int fd = watch(&of_folder);
    if (fd < 0) return 1;
    serve(fd, of_folder);
    end_all();
    return write(STDIN_FILENO, "", 1) < 0; /* who waits may go on; nobody may be there any more */
}

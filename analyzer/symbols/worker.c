/*
 * Both ends of the reading process. One packet asks, one packet answers; the parent trusts nothing in the answer but
 * its own bounds checks, and takes silence for death.
 */
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/trace_wire.h"

enum {
    REQUEST_MAX = 8 << 10,
    ANSWER_MAX = 96 << 10,
    ANSWER_SECONDS = 20,
    ANSWER_SECONDS_NETWORK = 300, /* debuginfod has a time limit of its own */
    SILENCES_MAX = 8,             /* then no file is looked into any more */
    STRING_MAX_BYTES = 16 << 10,
};
enum request { REQUEST_OPEN = 1, REQUEST_LOOKUP, REQUEST_FLOW };
#define DATA_MAX_BYTES ((rlim_t)4 << 30)

struct entry {
    struct image_source source; /* owned; no path: not known in this process */
    struct image *image;        /* in the process that reads */
    bool asked, poisoned;       /* poisoned: it killed a child */
    enum image_state state;     /* once asked */
    uint64_t fingerprint;       /* of one that is open */
};

struct worker {
    const struct image_search *places;
    bool in_process, fingerprints;
    struct entry *entries;
    size_t count, room;
    pid_t child; /* 0: none */
    int socket;
    unsigned silences; /* children that took too long; each halves the patience with the next */
};

/* Entries of this process, whichever it is. */

/* Makes the entry exist; 0 or -ENOMEM. */
static int reach_entry(struct worker *worker, size_t index) {
    if (index >= worker->room) {
        size_t room = 2 * index + 32;
        struct entry *entries = reallocarray(worker->entries, room, sizeof *entries);
        if (!entries) return -ENOMEM;
        memset(entries + worker->room, 0, (room - worker->room) * sizeof *entries);
        worker->entries = entries;
        worker->room = room;
    }
    if (index >= worker->count) worker->count = index + 1;
    return 0;
}

static int set_source(struct entry *entry, const char *path, size_t path_length, const void *id, size_t id_length) {
    char *own_path = strndup(path, path_length);
    uint8_t *own_id = malloc(id_length + 1);
    if (!own_path || !own_id) {
        free(own_path);
        free(own_id);
        return -ENOMEM;
    }
    if (id_length) memcpy(own_id, id, id_length);
    entry->source = (struct image_source){own_path, own_id, id_length};
    return 0;
}

static enum image_state open_entry(struct worker *worker, struct entry *entry) {
    if (entry->asked) return entry->state;
    entry->state = image_open(&entry->image, &entry->source, worker->places);
    if (entry->state == IMAGE_OPEN && worker->fingerprints) entry->fingerprint = image_fingerprint(entry->image);
    entry->asked = true;
    return entry->state;
}

static void lookup_entry(struct worker *worker, struct entry *entry, uint64_t offset, image_emit *emit, void *context) {
    if (open_entry(worker, entry) == IMAGE_OPEN) image_lookup(entry->image, offset, emit, context);
}

static bool flow_entry(struct worker *worker, struct entry *entry, uint64_t from, uint64_t to) {
    return open_entry(worker, entry) != IMAGE_OPEN || image_may_flow(entry->image, from, to);
}

/* The child. */

static void put_text(struct wire_writer *w, const char *text) {
    size_t length = text ? strnlen(text, STRING_MAX_BYTES) : 0;
    wire_put_string(w, text, length);
}

/* A frame that does not fit ends the answer before it. */
static void put_frame(void *context, const struct image_frame *frame) {
    struct wire_writer *w = context;
    struct wire_writer before = *w;
    if (w->failed) return;
    put_text(w, frame->function);
    put_text(w, frame->file);
    wire_put_varint(w, (uint64_t)frame->line);
    wire_put_u8(w, frame->inlined);
    if (!w->failed) return;
    *w = before;
    w->failed = true;
}

/* Every request says which file is meant, so that a new child can go on where the last one died. */
static struct entry *requested(struct worker *worker, struct wire_reader *r) {
    size_t path_length, id_length, index = (size_t)wire_get_varint(r);
    const char *path = wire_get_string(r, &path_length), *id = wire_get_string(r, &id_length);
    if (r->failed || reach_entry(worker, index)) return NULL;
    struct entry *entry = &worker->entries[index];
    if (!entry->source.path && set_source(entry, path, path_length, id, id_length)) return NULL;
    return entry;
}

static void put_state(struct wire_writer *w, struct worker *worker, struct entry *entry) {
    wire_put_u8(w, (uint8_t)open_entry(worker, entry));
    wire_put_u64(w, entry->fingerprint);
}

static size_t answer(struct worker *worker, const uint8_t *request, size_t length, uint8_t *out, size_t room) {
    struct wire_reader r = wire_reader(request, length);
    struct wire_writer w = wire_writer(out, room);
    enum request what = wire_get_u8(&r);
    uint64_t offset = wire_get_varint(&r), to = wire_get_varint(&r);
    struct entry *entry = requested(worker, &r);
    if (!entry) return 0;
    if (what == REQUEST_OPEN) put_state(&w, worker, entry);
    else if (what == REQUEST_FLOW) wire_put_u8(&w, flow_entry(worker, entry, offset, to));
    else lookup_entry(worker, entry, offset, put_frame, &w);
    return (size_t)(w.at - out);
}

static void limit_child(void) {
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    const struct rlimit data = {DATA_MAX_BYTES, DATA_MAX_BYTES};
    setrlimit(RLIMIT_DATA, &data);
#endif
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the parent decides what Ctrl-C means; its end of the socket is ours too */
}

/* What the parent knows of its images is of no use here. */
static void forget_answers(struct worker *worker) {
    for (size_t i = 0; i < worker->count; i++) worker->entries[i].asked = false;
}

__attribute__((noreturn)) static void serve(struct worker *worker, int socket) {
    static uint8_t out[ANSWER_MAX];
    uint8_t request[REQUEST_MAX];
    ssize_t length;
    limit_child();
    forget_answers(worker);
    while ((length = recv(socket, request, sizeof request, 0)) > 0) {
        /* One byte in front, since an empty packet would read as the end. */
        out[0] = 0;
        size_t size = answer(worker, request, (size_t)length, out + 1, sizeof out - 1);
        if (send(socket, out, size + 1, MSG_NOSIGNAL) < 0) break;
    }
    _exit(0);
}

/* The parent. */

static void bury_child(struct worker *worker) {
    if (!worker->child) return;
    close(worker->socket);
    kill(worker->child, SIGKILL);
    while (waitpid(worker->child, NULL, 0) < 0 && errno == EINTR) continue;
    worker->child = 0;
}

static bool start_child(struct worker *worker) {
    int ends[2];
    int seconds = getenv("DEBUGINFOD_URLS") ? ANSWER_SECONDS_NETWORK : ANSWER_SECONDS;
    struct timeval patience = {.tv_sec = 1 + (seconds - 1) / (1 << worker->silences)};
    if (worker->silences >= SILENCES_MAX) return false;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) return false;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        serve(worker, ends[1]);
    }
    close(ends[1]);
    if (child < 0 || setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience)) {
        close(ends[0]);
        return false;
    }
    worker->child = child;
    worker->socket = ends[0];
    return true;
}

struct question {
    enum request what;
    size_t image;
    uint64_t offset, to;
};

static size_t put_request(uint8_t *out, const struct question *question, const struct image_source *source) {
    struct wire_writer w = wire_writer(out, REQUEST_MAX);
    wire_put_u8(&w, (uint8_t)question->what);
    wire_put_varint(&w, question->offset);
    wire_put_varint(&w, question->to);
    wire_put_varint(&w, question->image);
    wire_put_string(&w, source->path, strlen(source->path));
    wire_put_string(&w, (const char *)source->build_id, source->build_id_length);
    return w.failed ? 0 : (size_t)(w.at - out);
}

static ssize_t exchange(int socket, const uint8_t *request, size_t length, uint8_t *out, size_t room) {
    ssize_t got = send(socket, request, length, MSG_NOSIGNAL);
    if (got < 0) return got;
    do got = recv(socket, out, room, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Length of the answer in `out`, or -1: the image is bad, and a child that was asked is dead. */
static ssize_t ask(struct worker *worker, const struct question *question, uint8_t *out, size_t room) {
    uint8_t request[REQUEST_MAX];
    struct entry *entry = &worker->entries[question->image];
    size_t size = put_request(request, question, &entry->source);
    if (entry->poisoned || size == 0 || (!worker->child && !start_child(worker))) return -1;
    ssize_t length = exchange(worker->socket, request, size, out, room);
    if (length > 0) return length;
    worker->silences += length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    entry->poisoned = true;
    entry->state = IMAGE_BAD;
    bury_child(worker);
    return -1;
}

/* `text` gets a terminated copy; false: absent. */
static bool get_text(struct wire_reader *r, char *text) {
    size_t length;
    const char *bytes = wire_get_string(r, &length);
    if (!bytes || length == 0 || length > STRING_MAX_BYTES) return false;
    memcpy(text, bytes, length);
    text[length] = 0;
    return true;
}

static void emit_answer(const uint8_t *bytes, size_t length, image_emit *emit, void *context) {
    static char function[STRING_MAX_BYTES + 1], file[STRING_MAX_BYTES + 1];
    struct wire_reader r = wire_reader(bytes + 1, length - 1);
    while (wire_left(&r) && !r.failed) {
        struct image_frame frame = {0};
        if (get_text(&r, function)) frame.function = function;
        if (get_text(&r, file)) frame.file = file;
        frame.line = (int64_t)(wire_get_varint(&r) & INT32_MAX);
        frame.inlined = wire_get_u8(&r) == 1;
        if (!r.failed) emit(context, &frame);
    }
}

enum image_state worker_state(struct worker *worker, size_t image) {
    struct entry *entry = &worker->entries[image];
    uint8_t out[10];
    if (worker->in_process) return open_entry(worker, entry);
    if (entry->asked) return entry->state;
    ssize_t length = ask(worker, &(struct question){.what = REQUEST_OPEN, .image = image}, out, sizeof out);
    bool good = length == sizeof out && out[1] <= IMAGE_BAD;
    struct wire_reader r = wire_reader(out + 2, sizeof out - 2);
    entry->state = good ? (enum image_state)out[1] : IMAGE_BAD;
    entry->fingerprint = good ? wire_get_u64(&r) : 0;
    entry->asked = true;
    return entry->state;
}

uint64_t worker_fingerprint(struct worker *worker, size_t image) {
    return worker_state(worker, image) == IMAGE_OPEN ? worker->entries[image].fingerprint : 0;
}

void worker_lookup(struct worker *worker, size_t image, uint64_t offset, image_emit *emit, void *context) {
    static uint8_t out[ANSWER_MAX];
    if (worker_state(worker, image) != IMAGE_OPEN) return;
    if (worker->in_process) {
        lookup_entry(worker, &worker->entries[image], offset, emit, context);
        return;
    }
    const struct question question = {.what = REQUEST_LOOKUP, .image = image, .offset = offset};
    ssize_t length = ask(worker, &question, out, sizeof out);
    if (length > 0) emit_answer(out, (size_t)length, emit, context);
}

bool worker_may_flow(struct worker *worker, size_t image, uint64_t from, uint64_t to) {
    uint8_t out[2];
    if (worker_state(worker, image) != IMAGE_OPEN) return true;
    if (worker->in_process) return flow_entry(worker, &worker->entries[image], from, to);
    const struct question question = {.what = REQUEST_FLOW, .image = image, .offset = from, .to = to};
    return ask(worker, &question, out, sizeof out) != sizeof out || out[1] != 0;
}

int worker_add(struct worker *worker, const struct image_source *source) {
    int error = reach_entry(worker, worker->count);
    if (error) return error;
    struct entry *entry = &worker->entries[worker->count - 1];
    return set_source(entry, source->path, strlen(source->path), source->build_id, source->build_id_length);
}

struct worker *worker_new(const struct image_search *places, bool in_process, bool fingerprints) {
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker) return NULL;
    worker->places = places;
    worker->in_process = in_process;
    worker->fingerprints = fingerprints;
    if (!in_process) start_child(worker); /* or later, if that failed */
    return worker;
}

static void release_entry(struct entry *entry) {
    if (entry->image) image_close(entry->image);
    free((void *)(uintptr_t)entry->source.path);
    free((void *)(uintptr_t)entry->source.build_id);
}

void worker_free(struct worker *worker) {
    bury_child(worker);
    for (size_t i = 0; i < worker->count; i++) release_entry(&worker->entries[i]);
    free(worker->entries);
    free(worker);
}

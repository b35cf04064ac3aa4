/*
 * The recorded processes of a run (audience.h). New traces are looked for at each edge, and until there is one: a
 * listing of one folder.
 */
#include "audience.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../include/trace_wire.h"
#include "../list.h"
#include "append.h"
#include "living.h"
#include "mailbox.h"
#include "traces.h"

struct notice { /* an edge that found the mailbox full */
    enum trace_command command;
    uint64_t stamp;
    const char *name;
};

struct member {
    char *path;
    struct mailbox mailbox; /* closed once the process has ended */
    unsigned heard;         /* bit per level: the open phase's begin was posted */
    struct notice *waiting; /* the first `sent` of them are posted */
    size_t waiting_count, sent;
};

struct audience {
    const struct place *place;
    unsigned open; /* bit per level: a phase is open */
    struct member *members;
    size_t count;
};

struct audience *audience_new(const struct place *place) {
    struct audience *audience = calloc(1, sizeof *audience);
    if (audience) audience->place = place;
    return audience;
}

static void forget_waiting(struct member *member) {
    for (size_t i = 0; i < member->waiting_count; i++) free((void *)(uintptr_t)member->waiting[i].name);
    free(member->waiting);
    member->waiting = NULL;
    member->waiting_count = member->sent = 0;
}

void audience_free(struct audience *audience) {
    if (!audience) return;
    for (size_t i = 0; i < audience->count; i++) {
        mailbox_close(&audience->members[i].mailbox);
        forget_waiting(&audience->members[i]);
        free(audience->members[i].path);
    }
    free(audience->members);
    free(audience);
}

static bool is_member(const struct audience *audience, const char *path) {
    for (size_t i = 0; i < audience->count; i++)
        if (strcmp(audience->members[i].path, path) == 0) return true;
    return false;
}

/*
 * A trace that is closed already is taken in too, so that it is not opened again at each edge; one in the making later.
 */
static void admit(void *self, const char *path) {
    struct audience *audience = self;
    struct mailbox mailbox;
    if (is_member(audience, path) || mailbox_open(&mailbox, path) == -EPROTO) return;
    char *name = strdup(path);
    struct member *member = name ? LIST_ADD(audience->members, audience->count) : NULL;
    if (!member) {
        mailbox_close(&mailbox);
        free(name);
        return;
    }
    *member = (struct member){.path = name, .mailbox = mailbox};
}

/* A killed process leaves its trace open, and what is posted there then would count. */
static bool is_running(uint32_t pid) { return living_thread((pid_t)pid) != 0; }

/* Whether all that waited is posted now. */
static bool catch_up(struct member *member) {
    for (; member->sent < member->waiting_count; member->sent++) {
        const struct notice *notice = &member->waiting[member->sent];
        if (mailbox_post(&member->mailbox, notice->command, notice->name, TRACE_EVENT_APPROXIMATE, notice->stamp, NULL))
            return false;
    }
    forget_waiting(member);
    return true;
}

/* What only the recorder can stamp must not come late. */
static bool keep_waiting(struct member *member, const struct notice *notice) {
    if (!mailbox_shares_clock(&member->mailbox)) return false;
    if (!list_make_room(&member->waiting, member->waiting_count, sizeof *member->waiting)) return false;
    struct notice *kept = &member->waiting[member->waiting_count];
    *kept = *notice;
    kept->name = strdup(notice->name);
    if (!kept->name) return false;
    member->waiting_count++;
    return true;
}

static bool deliver(struct member *member, const struct notice *notice) {
    if (!catch_up(member)) return keep_waiting(member, notice);
    int error =
        mailbox_post(&member->mailbox, notice->command, notice->name, TRACE_EVENT_APPROXIMATE, notice->stamp, NULL);
    return error == -EAGAIN ? keep_waiting(member, notice) : !error;
}

/* What started within a suite is work of a test, not the one that runs the tests: their names mean nothing to it. */
static bool concerns(const struct audience *audience, const struct member *member, unsigned level, bool begins) {
    unsigned outer = audience->open & ((1u << level) - 1);
    return begins ? (member->heard & outer) == outer : (member->heard & 1u << level) != 0;
}

static void post_to(struct audience *audience, struct member *member, unsigned level, const struct notice *notice) {
    bool begins = notice->command == TRACE_COMMAND_PHASE_BEGIN;
    if (!member->mailbox.header || !concerns(audience, member, level, begins)) return;
    member->heard &= ~(1u << level);
    if (!mailbox_is_live(&member->mailbox) || !is_running(mailbox_pid(&member->mailbox))) {
        mailbox_close(&member->mailbox);
        return;
    }
    if (deliver(member, notice) && begins) member->heard |= 1u << level;
}

/* Who is not known yet goes on counting its stamps from an older one: at the first line, that would be all of them. */
void audience_announce(struct audience *audience) {
    if (audience->count == 0) traces_of_run(audience->place, admit, audience);
    for (size_t i = 0; i < audience->count; i++) mailbox_announce(&audience->members[i].mailbox);
}

void audience_post(struct audience *audience, unsigned level, bool begins, const char *name, uint64_t stamp) {
    const struct notice notice = {begins ? TRACE_COMMAND_PHASE_BEGIN : TRACE_COMMAND_PHASE_END, stamp, name};
    traces_of_run(audience->place, admit, audience);
    for (size_t i = 0; i < audience->count; i++) post_to(audience, &audience->members[i], level, &notice);
    audience->open = begins ? audience->open | 1u << level : audience->open & ~(1u << level);
}

/* Those left behind. */

static void count_living(void *self, const char *path) {
    size_t *count = self;
    struct mailbox mailbox;
    if (mailbox_open(&mailbox, path) != 0) return;
    *count += mailbox_is_live(&mailbox) && is_running(mailbox_pid(&mailbox));
    mailbox_close(&mailbox);
}

size_t audience_living(const struct place *place) {
    size_t count = 0;
    traces_of_run(place, count_living, &count);
    return count;
}

/* The end. */

static size_t encode_notice(const struct notice *notice, uint8_t *out, size_t capacity) {
    uint8_t body[MAILBOX_NAME_MAX + 40];
    struct wire_writer b = wire_writer(body, sizeof body), w = wire_writer(out, capacity);
    wire_put_varint(&b, notice->stamp);
    wire_put_varint(&b, notice->command);
    wire_put_varint(&b, TRACE_EVENT_APPROXIMATE);
    wire_put_string(&b, notice->name, strlen(notice->name));
    wire_put_varint(&w, TRACE_RECORD_REQUEST);
    wire_put_string(&w, (const char *)body, (size_t)(b.at - body));
    return w.failed ? 0 : (size_t)(w.at - out);
}

/* As many as fit in one frame. */
static void append_waiting(struct member *member, int fd) {
    static uint8_t records[APPEND_BYTES_MAX];
    size_t length = 0, encoded;
    uint32_t count = 0;
    for (size_t i = member->sent; i < member->waiting_count; i++, count++, length += encoded)
        if ((encoded = encode_notice(&member->waiting[i], records + length, sizeof records - length)) == 0) break;
    append_records(fd, records, length, count);
}

static void finish_member(struct member *member) {
    if (!member->waiting_count) return;
    bool gone = !member->mailbox.header || !is_running(mailbox_pid(&member->mailbox));
    int fd = gone ? open(member->path, O_RDWR | O_CLOEXEC) : -1;
    if (gone && fd >= 0) append_waiting(member, fd);
    else if (!gone) catch_up(member);
    if (fd >= 0) close(fd);
}

void audience_finish(struct audience *audience) {
    for (size_t i = 0; i < audience->count; i++) finish_member(&audience->members[i]);
}

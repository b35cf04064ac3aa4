/*
 * The recorded processes of a run (audience.h). New traces are looked for at each edge: a listing of one folder.
 */
#include "audience.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mailbox.h"
#include "traces.h"

struct member {
    char *path;
    struct mailbox mailbox; /* closed once the process has ended */
    unsigned heard;         /* bit per level: the open phase's begin was posted */
};

struct audience {
    const struct place *place;
    struct member *members;
    size_t count;
};

struct audience *audience_new(const struct place *place) {
    struct audience *audience = calloc(1, sizeof *audience);
    if (audience) audience->place = place;
    return audience;
}

void audience_free(struct audience *audience) {
    if (!audience) return;
    for (size_t i = 0; i < audience->count; i++) {
        mailbox_close(&audience->members[i].mailbox);
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

/* A trace that is closed already is taken in too, so that it is not opened again at each edge; one in the making later. */
static void admit(void *self, const char *path) {
    struct audience *audience = self;
    struct mailbox mailbox;
    if (is_member(audience, path) || mailbox_open(&mailbox, path) == -EPROTO) return;
    struct member *grown = realloc(audience->members, (audience->count + 1) * sizeof *grown);
    if (grown) audience->members = grown;
    char *name = grown ? strdup(path) : NULL;
    if (!name) {
        mailbox_close(&mailbox);
        return;
    }
    grown[audience->count++] = (struct member){.path = name, .mailbox = mailbox};
}

/* A killed process leaves its trace open, and what is posted there then would count. Zombies have no exe link. */
static bool is_running(uint32_t pid) {
    char path[64], target[8];
    snprintf(path, sizeof path, "/proc/%u/exe", pid);
    return readlink(path, target, sizeof target) >= 0 || errno != ENOENT;
}

static void post_to(struct member *member, unsigned level, bool begins, const char *name) {
    enum trace_command command = begins ? TRACE_COMMAND_PHASE_BEGIN : TRACE_COMMAND_PHASE_END;
    if (!member->mailbox.header || (!begins && !(member->heard & 1u << level))) return;
    member->heard &= ~(1u << level);
    if (!mailbox_is_live(&member->mailbox) || !is_running(mailbox_pid(&member->mailbox))) {
        mailbox_close(&member->mailbox);
        return;
    }
    int error = mailbox_post(&member->mailbox, command, name, TRACE_EVENT_APPROXIMATE, NULL);
    if (!error && begins) member->heard |= 1u << level;
}

void audience_post(struct audience *audience, unsigned level, bool begins, const char *name) {
    traces_of_run(audience->place, admit, audience);
    for (size_t i = 0; i < audience->count; i++) post_to(&audience->members[i], level, begins, name);
}

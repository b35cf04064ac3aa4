/*
 * Athlete table of the bulkimport workload; see athletes.h.
 */
#include "bulkimport/athletes.h"

#include <stdlib.h>

#include "common/sample.h"

void athletes_init(struct athletes *athletes, size_t room) {
    *athletes = (struct athletes){
        .lock = PTHREAD_MUTEX_INITIALIZER, .room = room, .places = xcalloc(room, sizeof(struct athlete))};
}

static struct athlete *place_of(struct athletes *athletes, uint32_t id) {
    size_t at = id * 2654435761u & (athletes->room - 1);
    while (athletes->places[at].id && athletes->places[at].id != id) at = (at + 1) & (athletes->room - 1);
    return &athletes->places[at];
}

static void grow_table(struct athletes *athletes) {
    struct athlete *old = athletes->places;
    size_t room = athletes->room;
    athletes->room = 2 * room;
    athletes->places = xcalloc(athletes->room, sizeof(struct athlete));
    for (size_t i = 0; i < room; i++)
        if (old[i].id) *place_of(athletes, old[i].id) = old[i];
    free(old);
}

void athletes_add(struct athletes *athletes, uint32_t id, uint32_t distance_cm) {
    pthread_mutex_lock(&athletes->lock);
    struct athlete *athlete = place_of(athletes, id);
    if (!athlete->id) {
        if (4 * ++athletes->count > 3 * athletes->room) grow_table(athletes);
        athlete = place_of(athletes, id);
        athlete->id = id;
    }
    athlete->workouts++;
    athlete->distance_cm += distance_cm;
    pthread_mutex_unlock(&athletes->lock);
}

void athletes_release(struct athletes *athletes) { free(athletes->places); }

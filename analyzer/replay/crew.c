/*
 * Helpers of a replay. See crew.h.
 */
#include "crew.h"

void crew_begin(struct crew *crew) {
    *crew = (struct crew){0};
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->offered, NULL);
    pthread_cond_init(&crew->finished, NULL);
}

void crew_add(struct crew *crew, struct crew_duty duty) { crew->duties[crew->duty_count++] = duty; }

static bool step_of(struct crew *crew, unsigned hand, bool pressing) {
    for (unsigned i = 0; i < crew->duty_count; i++)
        if (crew->duties[i].step(crew->duties[i].self, hand, pressing)) return true;
    return false;
}

static bool step(struct crew *crew, unsigned hand) { return step_of(crew, hand, true) || step_of(crew, hand, false); }

static void *help(void *context) {
    const struct crew_helper *helper = context;
    struct crew *crew = helper->crew;
    pthread_mutex_lock(&crew->lock);
    while (!crew->stop) {
        if (step(crew, helper->hand)) pthread_cond_signal(&crew->finished);
        else pthread_cond_wait(&crew->offered, &crew->lock);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

void crew_start(struct crew *crew, unsigned helpers) {
    if (helpers > CREW_HELPERS) helpers = CREW_HELPERS;
    for (unsigned i = 0; i < helpers; i++) {
        struct crew_helper *helper = &crew->helpers[i];
        *helper = (struct crew_helper){.crew = crew, .hand = i + 1};
        if (pthread_create(&helper->thread, NULL, help, helper)) break;
        crew->helper_count++;
    }
}

void crew_end(struct crew *crew) {
    pthread_mutex_lock(&crew->lock);
    crew->stop = true;
    crew_offer(crew);
    pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->helper_count; i++) pthread_join(crew->helpers[i].thread, NULL);
    pthread_mutex_destroy(&crew->lock);
    pthread_cond_destroy(&crew->offered);
    pthread_cond_destroy(&crew->finished);
}

void crew_offer(struct crew *crew) { pthread_cond_broadcast(&crew->offered); }

/* What a piece made possible may be for a helper: a frame that continues the one just decoded. */
void crew_wait(struct crew *crew) {
    if (step(crew, 0)) crew_offer(crew);
    else pthread_cond_wait(&crew->finished, &crew->lock);
}

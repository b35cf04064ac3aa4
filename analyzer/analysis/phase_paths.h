/*
 * Ways from the whole run down to a phase: which phases are around a round. A phase may run inside several others, one
 * after another, so what is around it is known of each round only. Paths are few and numbered; 0 is that of `run`.
 */
#ifndef ANALYSIS_PHASE_PATHS_H
#define ANALYSIS_PHASE_PATHS_H

#include <stddef.h>
#include <stdint.h>

#define PHASE_NO_PATH UINT32_MAX

struct phase_path {
    size_t phase;
    uint32_t outer; /* PHASE_NO_PATH: none */
};

struct phase_paths {
    struct phase_path *list;
    uint32_t *slots; /* open addressing: path + 1, 0: free */
    uint32_t count, capacity, slot_count;
};

/*
 * The path of `phase` inside `outer`; `outer` itself where it goes through the phase already. PHASE_NO_PATH: no memory.
 */
uint32_t phase_paths_into(struct phase_paths *paths, uint32_t outer, size_t phase);
void phase_paths_release(struct phase_paths *paths);

#endif

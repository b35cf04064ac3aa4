/*
 * What the growth analysis is made of: growth.c collects, and when the process is over growth_phases.c chooses what is
 * to be judged, from which growth_evidence.c and growth_survivors.c answer. The interface to others is growth.h.
 */
#ifndef ANALYSIS_GROWTH_PARTS_H
#define ANALYSIS_GROWTH_PARTS_H

#include "growth_heirs.h"
#include "growth_layers.h"
#include "growth_phases.h"
#include "growth_rounds.h"
#include "growth_stacks.h"

struct growth {
    struct rounds *rounds;
    struct growth_stacks stacks;
    struct growth_layers layers;
    struct growth_heirs heirs;
    struct growth_phases phases; /* after the end */
    bool cut;                    /* the recording ends before the process did */
};

#endif

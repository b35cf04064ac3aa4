/*
 * Names of generated code, kept with the traces: what a just-in-time compiler wrote to /tmp/perf-PID.map lies there
 * until somebody cleans up or the pid is used again, so a copy goes beside the trace, as TRACE.perf-map. One older than
 * the run was left by an earlier process with that pid.
 */
#ifndef LAUNCH_PERF_MAPS_H
#define LAUNCH_PERF_MAPS_H

#include "place.h"

/*
 * For each trace of the run whose process left a map. Call it when the program has ended. What can't be copied is left.
 */
void perf_maps_keep(const struct place *place);

#endif

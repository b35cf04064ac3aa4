/*
 * One process under report: its trace, replayed once, and what the analyses found.
 */
#ifndef REPORT_SUBJECT_H
#define REPORT_SUBJECT_H

#include "../analysis/curve.h"
#include "../analysis/growth.h"
#include "../analysis/phases.h"
#include "../analysis/residency.h"
#include "../analysis/selection.h"
#include "../analysis/sites.h"
#include "../analysis/totals.h"
#include "../input/phases_file.h"
#include "../replay/replay.h"

struct subject {
    struct trace trace;
    struct replay_result replay;
    struct totals *totals;
    struct sites *sites;
    struct curve *curve;
    struct phases *phases;
    struct growth *growth;
    struct residency *residency;
    struct selection *selection; /* NULL unless blocks were chosen */
};

/* 0, or -errno with the reason in *refusal. */
int subject_open(struct subject *subject, const char *path, struct reader_refusal *refusal);
/* One replay with all analyses; with a selection where options->choice is set. 0 or -errno. */
int subject_replay(struct subject *subject, const struct replay_options *options);
void subject_close(struct subject *subject);

/*
 * Before the replay: phases that a file names, as if their edges had been marked. Those that begin more than a second
 * after the recording ended are left out and counted. 0 or -ENOMEM.
 */
int subject_add_phases(struct subject *subject, const struct phase_intervals *intervals, size_t *left_out);

/* Whether the process has phases beside the whole run; those of its own are more than what its output told. */
bool subject_has_phases(const struct subject *subject);
bool subject_has_own_phases(const struct subject *subject);

/* CLOCK_BOOTTIME at the start of the trace, 0 where it is not known. */
uint64_t subject_start(const struct subject *subject);

#endif

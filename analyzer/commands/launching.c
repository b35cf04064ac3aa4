/*
 * One recorded run (launching.h). Messages say why a program could not be recorded; it is run all the same.
 */
#include "launching.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../launch/audience.h"
#include "../launch/exited.h"
#include "../launch/perf_maps.h"
#include "../launch/output.h"
#include "quantity.h"

enum { SAMPLES_LEAST_NS = 1000000, SAMPLES_NS = 10000000 };

#define AT(group, field) offsetof(struct group##_values, field)

static const struct option_row launching_rows[] = {
    OPTION("output", 'o', OPTION_TEXT, "FILE", AT(launching, out), "The trace of CMD (default tidemark.NAME.PID.tmk)"),
    OPTION("only", 0, OPTION_TEXT, "EXE-GLOB", AT(launching, only), "Record only programs whose name matches"),
    OPTION("skip", 0, OPTION_TEXT, "EXE-GLOB", AT(launching, skip), "Don't record programs whose name matches"),
    OPTION("preload", 0, OPTION_TEXT, "PATH", AT(launching, preload),
           "The recorder to use (default: libtrace.so beside tidemark)"),
};
const struct option_group launching_options = {"Recording:", OPTION_ROWS(launching_rows)};

static const struct option_row output_phase_rows[] = {
    OPTION("phase-from-output", 0, OPTION_TEXT, "REGEX|PRESET", AT(output_phase, from_output),
           "A line of CMD's stdout that matches starts the phase named by its first group; presets: gtest ctest pytest "
           "tap cargo catch2 doctest"),
    OPTION("no-pty", 0, OPTION_FLAG, NULL, AT(output_phase, no_pty),
           "Watch the output through a pipe, not a pseudo-terminal (presets: always)"),
};
const struct option_group output_phase_options = {"Phases:", OPTION_ROWS(output_phase_rows)};

int launched_status(const struct launched *launched) {
    return launched->ending.signaled ? 128 + launched->ending.value : launched->ending.value;
}

void launched_say(const struct launched *launched) {
    const char *trace = launched->recorded ? launched->place.file : launched->place.children;
    size_t living = launched->living;
    if (launched->recorded || place_has_children(&launched->place)) say_unless_quiet("trace: %s", trace);
    if (living)
        say_unless_quiet("%zu recorded process%s still run%s: what comes is in the trace%s too; when %s ended, "
                         "judge with `tidemark check %s'",
                         living, living == 1 ? "" : "es", living == 1 ? "s" : "", living == 1 ? "" : "s",
                         living == 1 ? "it has" : "they have", trace);
}

/* Our own failures. */

static int fail_to_execute(const char *program, int error) {
    bool missing = error == -ENOENT;
    say("%s: %s", program, missing ? "not found" : strerror(-error));
    return missing ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

static int fail_to_start(const struct started *started, const struct place *place, const char *program, int error) {
    if (started->failed == START_EXEC) {
        place_finish(place);
        return fail_to_execute(program, error);
    }
    if (started->failed_path) say("%s: %s; -o FILE writes the trace elsewhere", started->failed_path, strerror(-error));
    else say("cannot start: %s", strerror(-error));
    return STATUS_OWN_FAILURE;
}

/* The loader splits LD_PRELOAD at these. */
static bool can_be_preloaded(const char *path) { return !strpbrk(path, ": "); }

static int find_recorder(const struct launching_values *values, char *out, size_t capacity) {
    if (place_recorder(values->preload, out, capacity) != 0) {
        say("the recorder is missing: %s",
            values->preload ? values->preload : "no libtrace.so beside tidemark; give --preload PATH");
        return STATUS_OWN_FAILURE;
    }
    if (can_be_preloaded(out)) return 0;
    say("%s: a path with a blank or a colon can't be preloaded", out);
    return STATUS_OWN_FAILURE;
}

/* Phases from the output. */

static int open_output(const struct output_phase_values *phases, const struct place *place, struct output **out) {
    const char *problem = NULL;
    *out = NULL;
    if (!phases->from_output) return 0;
    int error = output_open(phases->from_output, !phases->no_pty, place, out, &problem);
    if (!error) return 0;
    say("--phase-from-output: %s", problem ? problem : strerror(-error));
    return STATUS_OWN_FAILURE;
}

/* The run itself. */

static int wait_for_end(struct started *started, struct output *output, struct launched *out) {
    struct pump pump = output ? output_pump(output) : (struct pump){.fd = -1};
    int error = wait_program(started, output ? &pump : NULL, &out->ending);
    if (!error) return 0;
    say("cannot wait for the program: %s", strerror(-error));
    return STATUS_OWN_FAILURE;
}

static void finish(const struct started *started, struct launched *out) {
    int error = exited_append(&out->place, started, &out->ending);
    out->recorded = place_has_trace(&out->place);
    perf_maps_keep(&out->place);
    place_finish(&out->place);
    out->living = audience_living(&out->place);
    if (error && error != -ENOENT) say("%s: cannot note how the program ended: %s", out->place.file, strerror(-error));
}

/* Silent where it is known already, or wanted by --only or --skip. */
static void explain_absence(const struct start_plan *plan, const struct launched *launched) {
    if (launched->recorded || launched->obstacle != OBSTACLE_NONE || plan->only || plan->skip) return;
    say_unless_quiet("no trace of %s appeared: the recorder was not loaded into it, or could not write its file",
                     plan->arguments[0]);
}

static int run_plan(const struct start_plan *plan, struct output *output, struct launched *out) {
    struct started started;
    int error = start_program(plan, &out->place, &started);
    if (output) output_started(output);
    if (error) return fail_to_start(&started, &out->place, plan->arguments[0], error);
    int status = wait_for_end(&started, output, out);
    writer_end(&started.writer);
    if (status) return status;
    finish(&started, out);
    explain_absence(plan, out);
    return 0;
}

static int launch_plan(struct start_plan *plan, const struct output_phase_values *phases, struct launched *out) {
    struct output *output;
    int status = open_output(phases, &out->place, &output);
    if (status) return status;
    if (output) plan->stdout_fd = output_child_fd(output);
    status = run_plan(plan, output, out);
    if (output) output_ended(output);
    if (output && !status) out->hint = output_hint(output, plan->arguments);
    output_close(output);
    return status;
}

/* As the recorder reads it, but a bad value is told by the recorder alone. */
static int64_t sample_interval(void) {
    const char *text = getenv("TIDEMARK_INTERVAL");
    int64_t ns;
    return text && quantity_time(text, &ns) == 0 && ns >= SAMPLES_LEAST_NS ? ns : SAMPLES_NS;
}

int launch(const struct launching_values *values, char **arguments, struct launched *out) {
    char recorder[PATH_MAX], writer[PATH_MAX];
    *out = (struct launched){.obstacle = inspect_program(arguments[0])};
    const struct obstacle_row *obstacle = obstacle_row(out->obstacle);
    if (out->obstacle == OBSTACLE_NOT_FOUND) return fail_to_execute(arguments[0], -ENOENT);
    if (out->obstacle == OBSTACLE_NOT_EXECUTABLE) return fail_to_execute(arguments[0], -EACCES);
    int status = find_recorder(values, recorder, sizeof recorder);
    if (status) return status;
    if (obstacle->why) say_unless_quiet("%s can't be recorded: it %s", arguments[0], obstacle->why);
    const char *preload = getenv("LD_PRELOAD");
    /* Below another recorder that one set it. */
    if (!values->out && getenv("TIDEMARK_OUT") && !(preload && strstr(preload, "libtrace.so")))
        say_unless_quiet("TIDEMARK_OUT is for LD_PRELOAD alone; here -o FILE names the trace");
    int error = place_init(&out->place);
    if (error) say("cannot make a run id: %s", strerror(-error));
    if (error) return STATUS_OWN_FAILURE;
    struct start_plan plan = {.arguments = arguments,
                              .out = values->out,
                              .recorder = obstacle->keep_preload ? recorder : NULL,
                              .writer = writer_find(recorder, writer, sizeof writer) ? writer : NULL,
                              .sample_ns = sample_interval(),
                              .children_only = out->obstacle != OBSTACLE_NONE,
                              .only = values->only,
                              .skip = values->skip,
                              .stdout_fd = -1};
    return launch_plan(&plan, &values->phases, out);
}

/*
 * Brings findings, budgets, baseline and suppressions together into one result. Pure: everything comes from the report
 * and the rules; called once per report by the commands that judge.
 */
#include "verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../report/arena.h"
#include "../report/count.h"
#include "../report/finding.h"
#include "../text/file_name.h"
#include "../text/plural.h"
#include "baseline.h"
#include "below.h"
#include "budget.h"
#include "outcome.h"
#include "suppressions.h"
#include "unjudged.h"
#include "words.h"

#define LOSS_MATTERS 0.001 /* of all events */

enum result { RESULT_NOTHING, RESULT_PASS, RESULT_WARN, RESULT_INCONCLUSIVE, RESULT_BUDGET, RESULT_LEAK };

struct result_row {
    const char *name;
    int exit_code, strict_exit_code;
};
static const struct result_row results[] = {
    [RESULT_NOTHING] = {"nothing-judged", 0, 12},
    [RESULT_PASS] = {"pass", 0, 0},
    [RESULT_WARN] = {"warn", 0, 10},
    [RESULT_INCONCLUSIVE] = {"inconclusive", 12, 12},
    [RESULT_BUDGET] = {"budget", 11, 11},
    [RESULT_LEAK] = {"leak", 10, 10},
};

struct court {
    struct report *report;
    const struct verdict_rules *rules;
    struct arena *arena;
    struct report_verdict *out;
    unsigned met; /* a bit for each result that applies; the highest is told */
    bool *ignore_used, *suppression_used, *baseline_used;
};

static void worsen(struct court *court, enum result result) { court->met |= 1u << result; }

static const struct result_row *worst_of(unsigned met) {
    return &results[met ? 31 - __builtin_clz(met) : RESULT_NOTHING];
}

#define ADD_TEXT(court, list, count, ...)                                                                              \
    (*ARENA_ADD((court)->arena, (court)->out->list, (court)->out->count) = arena_format((court)->arena, __VA_ARGS__))

static const char *site_name(const struct report_site *site) {
    return site->function ? site->function : "an unknown function";
}

/* Findings. */

static bool phase_builds(const struct court *court, const char *phase) {
    struct phase_facts facts = {.builds = false};
    if (!court->rules->budget) return false;
    /* The budget is only read; the type is that of a callback's context. */
    return budget_phase_facts((void *)(uintptr_t)court->rules->budget, phase, &facts) && facts.builds;
}

/* The words of the first rule that ignores what this site leaks, NULL: none. All that do are used. */
static const char *ignored_by(struct court *court, const struct report_site *site) {
    const struct verdict_rules *rules = court->rules;
    size_t ignore = rules->budget ? budget_ignores(rules->budget, court->report, site) : SIZE_MAX;
    size_t suppression = rules->suppressions ? suppressions_match(rules->suppressions, site) : SIZE_MAX;
    if (ignore != SIZE_MAX) court->ignore_used[ignore] = true;
    if (suppression != SIZE_MAX) court->suppression_used[suppression] = true;
    if (ignore != SIZE_MAX) return budget_ignore_text(rules->budget, ignore, court->arena);
    if (suppression == SIZE_MAX) return NULL;
    return arena_format(court->arena, "suppression leak:%s", suppressions_pattern(rules->suppressions, suppression));
}

/* Whether the baseline excuses a leak; says so. */
static bool is_known(struct court *court, const struct report_site *site, const struct report_growth *growth) {
    if (court->rules->update_baseline) {
        ADD_TEXT(court, reasons, reason_count, "%s leaks in %s, which the baseline knows from now on", site_name(site),
                 growth->phase);
        return true;
    }
    const struct baseline *baseline = court->rules->baseline;
    size_t index = baseline ? baseline_find(baseline, site->id, growth->phase) : SIZE_MAX;
    if (index == SIZE_MAX) return false;
    court->baseline_used[index] = true;
    bool excused = baseline_excuses(baseline, index, growth);
    if (excused)
        ADD_TEXT(court, reasons, reason_count, "%s leaks in %s as the baseline knows", site_name(site), growth->phase);
    else
        ADD_TEXT(court, reasons, reason_count, "%s leaks faster in %s than the baseline allows", site_name(site),
                 growth->phase);
    return excused;
}

/* Of several processes, the one that it is about is named first. */
static const char *reason_of(struct court *court, const struct report_site *site, const struct report_growth *growth) {
    const struct report *report = court->report;
    if (report->process_count < 2) return growth->sentence;
    const struct report_process *process = &report->processes[site->process_index];
    if (!process->exe || !growth->sentence) return growth->sentence;
    return arena_format(court->arena, "in the process %s (pid %lld): %s", file_name(process->exe),
                        (long long)process->pid, growth->sentence);
}

static bool is_over_windows(const struct report_growth *growth) {
    const char *kind = growth->rounds_kind;
    return kind && (strcmp(kind, "items") == 0 || strcmp(kind, "events") == 0);
}

/* Where phases repeat, the time before and after them is start and end: what is set up there grows over any windows. */
static bool is_only_start(const struct court *court, const struct report_growth *growth) {
    return is_over_windows(growth) && strcmp(growth->phase, "run") == 0 && court->report->verdict.judged_phases > 0;
}

static const struct report_phase *phase_named(const struct report *report, int64_t process, const char *name) {
    for (size_t i = 0; name && i < report->phase_count; i++)
        if (report->phases[i].process_index == process && strcmp(report->phases[i].name, name) == 0)
            return &report->phases[i];
    return NULL;
}

/*
 * What a test sets up once is seen again where the tests are rounds of their suite, and judged by those. What grows
 * all through one test is told.
 */
static bool is_only_set_up(const struct court *court, size_t index, const struct report_growth *growth) {
    if (!is_over_windows(growth) || strcmp(growth->class_slug, "growing") == 0) return false;
    int64_t process = court->report->sites[index].process_index;
    const struct report_phase *phase = phase_named(court->report, process, growth->phase);
    if (!phase || phase->rounds > 1) return false;
    const struct report_phase *suite = phase_named(court->report, process, phase->parent);
    return suite && suite->judged;
}

static struct report_finding finding_of(struct court *court, size_t index, const struct report_growth *growth) {
    const struct report_site *site = &court->report->sites[index];
    return (struct report_finding){.site = site->id,
                                   .site_index = index,
                                   .phase = growth->phase,
                                   .class_slug = growth->class_slug,
                                   .reason = reason_of(court, site, growth)};
}

static void add_leak(struct court *court, size_t index, const struct report_growth *growth) {
    const struct report_site *site = &court->report->sites[index];
    if (is_known(court, site, growth)) {
        *ARENA_ADD(court->arena, court->out->known, court->out->known_count) = finding_of(court, index, growth);
        return;
    }
    *ARENA_ADD(court->arena, court->out->leaks, court->out->leak_count) = finding_of(court, index, growth);
    worsen(court, RESULT_LEAK);
}

static void add_warning(struct court *court, size_t index, const struct report_growth *growth) {
    if (is_only_start(court, growth) || is_only_set_up(court, index, growth)) return;
    *ARENA_ADD(court->arena, court->out->warnings, court->out->warning_count) = finding_of(court, index, growth);
    worsen(court, RESULT_WARN);
}

static void judge_growth(struct court *court, size_t index, const struct report_growth *growth) {
    const struct report_site *site = &court->report->sites[index];
    enum growth_outcome outcome = outcome_of_slug(growth->class_slug);
    if (outcome < GROWTH_WARN || phase_builds(court, growth->phase)) return;
    const char *rule = ignored_by(court, site);
    if (rule) {
        ADD_TEXT(court, reasons, reason_count, "%s in %s is ignored: %s, by %s", site_name(site), growth->phase,
                 growth->class_slug, rule);
        return;
    }
    if (outcome == GROWTH_FAIL) add_leak(court, index, growth);
    else add_warning(court, index, growth);
}

/* What the leak adds in all rounds; what is released at teardown can't be told by what is live at the end. */
static double added_by(const struct report *report, const struct report_finding *finding) {
    const struct report_growth *growth = growth_of_finding(&report->sites[finding->site_index], finding);
    return isnan(growth->bytes_per_round) ? 0 : growth->bytes_per_round * (double)growth->rounds;
}

static int by_added(const void *left, const void *right, void *report) {
    const struct report_finding *a = left, *b = right;
    double of_a = added_by(report, a), of_b = added_by(report, b);
    int order = (of_a < of_b) - (of_a > of_b);
    return order ? order : (a->site_index > b->site_index) - (a->site_index < b->site_index);
}

/*
 * Where a warning belongs: what grows steadily, then what was seen over true rounds, then what was seen over windows.
 */
static int place_of(const struct report *report, const struct report_finding *finding) {
    if (strcmp(finding->class_slug, "growing") == 0) return 0;
    return is_over_windows(growth_of_finding(&report->sites[finding->site_index], finding)) ? 2 : 1;
}

static int by_weight(const void *left, const void *right, void *report) {
    const struct report_finding *a = left, *b = right;
    int order = place_of(report, a) - place_of(report, b);
    return order ? order : (a->site_index > b->site_index) - (a->site_index < b->site_index);
}

static void judge_findings(struct court *court) {
    for (size_t i = 0; i < court->report->site_count; i++) {
        const struct report_site *site = &court->report->sites[i];
        for (size_t j = 0; j < site->growth_count; j++) judge_growth(court, i, &site->growth[j]);
    }
    if (court->out->leak_count)
        qsort_r(court->out->leaks, court->out->leak_count, sizeof *court->out->leaks, by_added, court->report);
    if (court->out->warning_count)
        qsort_r(court->out->warnings, court->out->warning_count, sizeof *court->out->warnings, by_weight,
                court->report);
}

static bool has_phase(const struct report *report, const char *name) {
    for (size_t i = 0; i < report->phase_count; i++)
        if (strcmp(report->phases[i].name, name) == 0) return true;
    return false;
}

/* Many programs may share a baseline: what is of a phase that this run does not have is another's. */
static void list_unused_leaks(struct court *court) {
    const struct baseline *baseline = court->rules->update_baseline ? NULL : court->rules->baseline;
    for (size_t i = 0; baseline && i < baseline_count(baseline); i++) {
        const char *function = baseline_function(baseline, i), *phase = baseline_phase(baseline, i);
        if (!court->baseline_used[i] && has_phase(court->report, phase))
            ADD_TEXT(court, hints, hint_count, "unused in the baseline: %s in %s; if it is mended, --update-baseline",
                     *function ? function : "an unknown function", phase);
    }
}

static void list_unused(struct court *court) {
    const struct verdict_rules *rules = court->rules;
    for (size_t i = 0; rules->budget && i < budget_ignore_count(rules->budget); i++) {
        if (!court->ignore_used[i])
            ADD_TEXT(court, hints, hint_count, "unused: %s", budget_ignore_text(rules->budget, i, court->arena));
    }
    for (size_t i = 0; rules->suppressions && i < suppressions_count(rules->suppressions); i++) {
        if (!court->suppression_used[i])
            ADD_TEXT(court, hints, hint_count, "unused suppression: leak:%s",
                     suppressions_pattern(rules->suppressions, i));
    }
    list_unused_leaks(court);
}

/* Rules. */

static void apply_budget(struct court *court) {
    struct budget_result result;
    if (!court->rules->budget) return;
    budget_check(court->rules->budget, court->report, court->arena, &result);
    court->out->budgets = result.rows;
    court->out->budget_count = result.row_count;
    if (result.warned) worsen(court, RESULT_WARN);
    if (result.inconclusive) worsen(court, RESULT_INCONCLUSIVE);
    if (result.exceeded) worsen(court, RESULT_BUDGET);
}

/* The limit that a budget sets to RSS, else what the machine has. */
static double rss_limit(const struct court *court) {
    double limit = court->rules->budget ? budget_rss_limit(court->rules->budget) : NAN;
    int64_t ram = court->report->system.ram_bytes;
    return isfinite(limit) || ram <= 0 ? limit : (double)ram;
}

static void foresee(struct court *court) {
    double limit = rss_limit(court);
    for (size_t i = 0; i < court->report->phase_count && isfinite(limit); i++) {
        struct report_phase *phase = &court->report->phases[i];
        bool rises = phase->diagnosis && strcmp(phase->diagnosis, "steady") != 0 && phase->rss_growth.low > 0;
        phase->limit_bytes = (int64_t)limit;
        if (rises && phase->rss_end >= 0 && limit > (double)phase->rss_end)
            phase->limit_s = (limit - (double)phase->rss_end) / phase->rss_growth.value;
    }
}

static bool has_finding(const struct report_finding *findings, size_t count, const char *phase) {
    for (size_t i = 0; i < count; i++)
        if (findings[i].phase && strcmp(findings[i].phase, phase) == 0) return true;
    return false;
}

/* A phase that grows is no pass because nothing can be said of the sites where it does. */
static void weigh_unjudged(struct court *court) {
    const struct report_verdict *out = court->out;
    double rise;
    for (size_t i = 0; i < court->report->phase_count; i++) {
        const struct report_phase *phase = &court->report->phases[i];
        if (has_finding(out->leaks, out->leak_count, phase->name)) continue;
        if (has_finding(out->warnings, out->warning_count, phase->name)) continue;
        if (phase_builds(court, phase->name) || !unjudged_growth(court->report, phase, &rise)) continue;
        ADD_TEXT(court, reasons, reason_count,
                 "%s grew by %s to its end, most of it at call sites that could not be judged: their blocks live for "
                 "too many of its rounds",
                 phase->name, words_bytes(rise).text);
        worsen(court, RESULT_WARN);
    }
}

static void require_rounds(struct court *court) {
    for (size_t i = 0; court->rules->min_rounds > 0 && i < court->report->phase_count; i++) {
        const struct report_phase *phase = &court->report->phases[i];
        if (phase->rounds < 2 || phase->rounds >= court->rules->min_rounds) continue;
        ADD_TEXT(court, reasons, reason_count, "%s has %lld rounds, %lld are asked for", phase->name,
                 (long long)phase->rounds, (long long)court->rules->min_rounds);
        worsen(court, RESULT_INCONCLUSIVE);
    }
}

static void weigh_losses(struct court *court) {
    const struct report_trace *trace = &court->report->trace;
    if (trace->lost_events <= 0 || (double)trace->lost_events < LOSS_MATTERS * (double)trace->events) return;
    int64_t all = report_sum(trace->events, trace->lost_events);
    ADD_TEXT(court, reasons, reason_count, "%lld of %lld event%s lost", (long long)trace->lost_events, (long long)all,
             plural_were((uint64_t)all));
    worsen(court, RESULT_INCONCLUSIVE);
}

/* Whoever names traces wants them judged: what was left out is no pass. */
static void weigh_left_out(struct court *court) {
    int64_t runs = court->report->other_runs, files = court->report->unread_named;
    if (runs)
        ADD_TEXT(court, reasons, reason_count, "%lld trace%s not judged, of other runs: judge each run by itself",
                 (long long)runs, plural_were((uint64_t)runs));
    if (files)
        ADD_TEXT(court, reasons, reason_count, "%lld file%s not judged: no trace can be read from there",
                 (long long)files, plural_were((uint64_t)files));
    if (runs || files) worsen(court, RESULT_INCONCLUSIVE);
}

static void weigh_stop(struct court *court) {
    if (!court->report->stopped) return;
    ADD_TEXT(court, reasons, reason_count, "stopped %s", court->report->stopped);
    worsen(court, RESULT_BUDGET);
}

static bool *marks(const struct court *court, size_t count) { return arena_take(court->arena, count, sizeof(bool)); }

/* Rounds of a server's parent say nothing of workers that do the work. */
static void hint_at_workers(struct court *court) {
    const struct report *report = court->report;
    bool *judged = marks(court, report->process_count);
    int64_t allocations[2] = {0}, processes = 0;
    for (size_t i = 0; i < report->phase_count; i++)
        judged[report->phases[i].process_index] |= report->phases[i].judged;
    for (size_t i = 0; i < report->process_count; i++) {
        allocations[judged[i]] = report_sum(allocations[judged[i]], report->processes[i].allocations);
        processes += !judged[i];
    }
    if (allocations[false] > allocations[true])
        ADD_TEXT(court, hints, hint_count,
                 "%lld process%s without rounds made %.0f%% of the allocations and %s not judged: give each its phases "
                 "(tidemark mark PID --begin NAME), or name them in [process] of a budget (match = EXE)",
                 (long long)processes, processes == 1 ? "" : "es",
                 floor(100.0 * (double)allocations[false] / (double)report_sum(allocations[0], allocations[1])),
                 processes == 1 ? "is" : "are");
}

/* Of a tree in which nothing repeats, the work may be in children that nobody asked about. */
static void hint_at_processes(struct court *court) {
    const struct report *report = court->report;
    if (report->process_count < 2) return;
    if (report->verdict.judged_phases > 0) {
        hint_at_workers(court);
        return;
    }
    ADD_TEXT(
        court, hints, hint_count,
        "%zu other process%s: those without phases are judged where [process] of a budget names them (match = EXE)",
        report->process_count - 1, report->process_count == 2 ? "" : "es");
}

/* Lines that came together have their edges at one moment. */
static bool hint_at_terminal(struct court *court) {
    for (size_t i = 0; i < court->report->phase_count; i++) {
        const struct report_phase *phase = &court->report->phases[i];
        if (!phase->approximate || phase->rounds < 2 || !(phase->round_ns.p50 < GROWTH_LEAST_ROUND_NS)) continue;
        ADD_TEXT(
            court, hints, hint_count,
            "lines of %s came too fast to tell its rounds apart: --no-pty keeps the program at most one line ahead",
            phase->name);
        return true;
    }
    return false;
}

/* Rounds that are left open end together, with the program. */
static bool is_never_ended(const struct report_phase *phase) {
    for (size_t i = 0; i < phase->instance_count; i++)
        if (phase->instances[i].end != phase->end) return false;
    return phase->rounds > 1 && phase->instance_count > 1;
}

static bool hint_at_open_rounds(struct court *court) {
    bool found = false;
    for (size_t i = 0; i < court->report->phase_count; i++) {
        const struct report_phase *phase = &court->report->phases[i];
        if (phase->judged || !is_never_ended(phase)) continue;
        ADD_TEXT(court, hints, hint_count,
                 "%s was begun %lld times and never ended: a round counts when tidemark_phase_end or "
                 "`tidemark mark PID --end` has ended it",
                 phase->name, (long long)phase->rounds);
        found = true;
    }
    return found;
}

/* A program that only starts others hears of their phases, too, and may grow with their number. */
static void hint_at_driver(struct court *court) {
    const struct report *report = court->report;
    bool from_output = false, grows = false;
    if (report->process_count && report->processes[0].only_starts && report->processes[0].exe) {
        const char *name = file_name(report->processes[0].exe);
        ADD_TEXT(court, hints, hint_count,
                 "%s only starts other programs, so it is not judged itself, unless [process] of a budget names it "
                 "(match = %s)",
                 name, name);
        return;
    }
    for (size_t i = 0; i < report->phase_count; i++) from_output |= report->phases[i].approximate;
    for (size_t i = 0; i < court->out->leak_count; i++)
        grows |= report->sites[court->out->leaks[i].site_index].process_index == 0;
    if (!from_output || !grows || report->process_count < 2 || !report->processes[0].exe) return;
    const char *name = file_name(report->processes[0].exe);
    ADD_TEXT(court, hints, hint_count, "if %s only starts the programs that do the work: --skip %s records those alone",
             name, name);
}

/* What a test run keeps of each test until it tells of all of them, and runs in the process of the tests. */
static void hint_at_runner(struct court *court) {
    for (size_t i = 0; i < court->out->leak_count; i++) {
        const char *phase = court->out->leaks[i].phase;
        if (!phase || strcmp(phase, "pytest") != 0) continue;
        ADD_TEXT(court, hints, hint_count,
                 "pytest itself keeps the result of each test: --baseline FILE --update-baseline once, then "
                 "--baseline FILE, and only what is new or faster fails");
        return;
    }
}

static double longest_reach(const struct report *report) {
    double longest = 0;
    for (size_t i = 0; i < report->site_count; i++)
        for (size_t j = 0; j < report->sites[i].growth_count; j++)
            longest = fmax(longest, report->sites[i].growth[j].reach);
    return longest;
}

/*
 * Phases repeat, but not one call site could be judged: blocks live for too many rounds, or the work rises to the end.
 */
static void hint_at_sites(struct court *court) {
    const struct report_verdict *verdict = court->out;
    if (verdict->judged_phases == 0 || verdict->judged_sites > 0 || verdict->not_judged == 0) return;
    ADD_TEXT(court, hints, hint_count, "%s",
             longest_reach(court->report) > 1
                 ? "blocks live for several rounds here: repeat the work more often, so that those that stay tell "
                   "themselves from those that are released late"
                 : "rounds that do more work than any before may rightly need more: repeat the work at one size, so "
                   "that what stays tells itself from what the work needs");
}

/* The command comes first, so that it stands in one line to be copied. */
static void hint_at_function(struct court *court) {
    const char *path = court->report->trace.path;
    if (!path) return;
    const char *quote = strpbrk(path, " \t\n\"\\$`*?;&|<>()#~") ? "'" : "";
    ADD_TEXT(
        court, hints, hint_count,
        "tidemark report %s%s%s --phase-by-function FUNCTION takes each call of FUNCTION for a round; a trace does "
        "not keep that option: give it each time",
        quote, path, quote);
}

/* Whether there was anything to judge, and how to get there if not. */
static void weigh_phases(struct court *court) {
    const struct report *report = court->report;
    hint_at_processes(court);
    hint_at_driver(court);
    if (!court->rules->baseline) hint_at_runner(court);
    hint_at_sites(court);
    bool together = hint_at_terminal(court), left_open = hint_at_open_rounds(court);
    if (court->rules->hint) ADD_TEXT(court, hints, hint_count, "%s", court->rules->hint);
    if (report->verdict.judged_phases > 0) worsen(court, RESULT_PASS);
    if (report->verdict.judged_phases > 0 || court->rules->hint || together || left_open) return;
    bool marked = false;
    for (size_t i = 0; i < report->phase_count; i++) marked |= strcmp(report->phases[i].name, "run") != 0;
    if (marked && report->process_count && report->processes[0].only_starts) return; /* they were not its own */
    if (marked) {
        ADD_TEXT(
            court, hints, hint_count,
            "no phase has enough rounds: repeat the work 5 times or more, so that leaks tell themselves from caches");
        return;
    }
    ADD_TEXT(
        court, hints, hint_count,
        "mark the rounds of the work: tidemark_phase_begin(\"NAME\") and tidemark_phase_end(\"NAME\") around each, "
        "or `tidemark run --phase-from-output REGEX`");
    hint_at_function(court);
}

static int exit_code_of(const struct court *court) {
    const struct verdict_rules *rules = court->rules;
    unsigned met = court->met;
    if (rules->allow_inconclusive) met &= ~(1u << RESULT_INCONCLUSIVE);
    if (rules->leak_exit_code == 0) met &= ~(1u << RESULT_LEAK); /* what else is wrong fails all the same */
    const struct result_row *row = worst_of(met);
    int code = rules->strict ? row->strict_exit_code : row->exit_code;
    return code == results[RESULT_LEAK].exit_code && rules->leak_exit_code >= 0 ? (int)rules->leak_exit_code : code;
}

/* Leak outranks budget in the exit code; a budget that failed as well is told among the reasons by its rows. */
static void decide(struct court *court) {
    judge_findings(court);
    court->out->leaks_below = leaks_below(court->report);
    apply_budget(court);
    foresee(court);
    require_rounds(court);
    weigh_unjudged(court);
    weigh_losses(court);
    weigh_left_out(court);
    weigh_stop(court);
    weigh_phases(court);
    list_unused(court);
    court->out->result = worst_of(court->met)->name;
    court->out->exit_code = exit_code_of(court);
}

void verdict_decide(struct report *report, const struct verdict_rules *rules) {
    const struct report_verdict counts = report->verdict;
    report->verdict = (struct report_verdict){.judged_phases = counts.judged_phases,
                                              .judged_sites = counts.judged_sites,
                                              .not_judged = counts.not_judged,
                                              .rounds_missing = counts.rounds_missing};
    struct court court = {.report = report, .rules = rules, .arena = report->memory, .out = &report->verdict};
    if (rules->budget) court.ignore_used = marks(&court, budget_ignore_count(rules->budget));
    if (rules->suppressions) court.suppression_used = marks(&court, suppressions_count(rules->suppressions));
    if (rules->baseline) court.baseline_used = marks(&court, baseline_count(rules->baseline));
    decide(&court);
}

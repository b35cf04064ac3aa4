/*
 * Opens the files of rules for check, run and report, and turns their options into what the judge and the verdict take.
 */
#include "rulebook.h"

#include <errno.h>
#include <string.h>

#include "../verdict/baseline.h"
#include "../verdict/budget.h"
#include "../verdict/suppressions.h"

static int say_bad_file(const char *path, int error, const struct rule_error *where) {
    if (error == -EINVAL && where->line > 0) say("%s:%d: %s", path, where->line, where->text);
    else if (error == -EINVAL) say("%s: %s", path, where->text);
    else say("%s: can't be read: %s", path, strerror(-error));
    return STATUS_USAGE;
}

/* A baseline that is about to be written need not exist. */
static int open_baseline(const char *path, bool update, struct rulebook *out) {
    struct rule_error where;
    if (!path) return 0;
    if (update) out->baseline_path = path;
    int error = baseline_read(path, &out->baseline, &where);
    if (error == -ENOENT && update) return 0;
    return error ? say_bad_file(path, error, &where) : 0;
}

static int open_suppressions(const char *path, struct rulebook *out) {
    struct rule_error where;
    int error = path ? suppressions_read(path, &out->suppressions, &where) : 0;
    return error ? say_bad_file(path, error, &where) : 0;
}

int rulebook_open(const struct judging_values *judging, struct rulebook *out) {
    struct rule_error where;
    *out = (struct rulebook){.budget = NULL};
    if (!judging) return 0;
    if (judging->budget) {
        int error = budget_read(judging->budget, &out->budget, &where);
        if (error) return say_bad_file(judging->budget, error, &where);
    }
    const char *baseline = judging->baseline, *suppressions = judging->suppressions;
    if (!baseline && out->budget) baseline = budget_baseline(out->budget);
    if (!suppressions && out->budget) suppressions = budget_suppressions(out->budget);
    int status = STATUS_OK;
    if (judging->update_baseline && !baseline) {
        say("--update-baseline needs --baseline FILE, or [baseline] in the budget file");
        status = STATUS_USAGE;
    }
    if (!status) status = open_baseline(baseline, judging->update_baseline, out);
    if (!status) status = open_suppressions(suppressions, out);
    if (status) rulebook_close(out);
    return status;
}

void rulebook_close(struct rulebook *rulebook) {
    budget_release(rulebook->budget);
    baseline_release(rulebook->baseline);
    suppressions_release(rulebook->suppressions);
    *rulebook = (struct rulebook){.budget = NULL};
}

void rulebook_set_options(const struct rulebook *rulebook, const struct judging_values *judging,
                          struct build_options *options) {
    options->settings = GROWTH_SETTINGS_DEFAULT;
    if (judging) {
        options->settings.warm_up_rounds = judging->warm_up.rounds;
        options->settings.warm_up_share = judging->warm_up.share;
        options->settings.lag = judging->lag;
    }
    if (!rulebook->budget) return;
    options->phase_facts = budget_phase_facts;
    options->phase_context = rulebook->budget;
    options->names_process = budget_names_process;
    options->process_context = rulebook->budget;
    if (budget_names_sites(rulebook->budget)) options->names_site = budget_names_site;
    options->site_context = rulebook->budget;
}

struct verdict_rules rulebook_rules(const struct rulebook *rulebook, const struct judging_values *judging) {
    struct verdict_rules rules = {.budget = rulebook->budget,
                                  .baseline = rulebook->baseline,
                                  .suppressions = rulebook->suppressions,
                                  .leak_exit_code = -1};
    if (!judging) return rules;
    rules.update_baseline = rulebook->baseline_path != NULL;
    rules.strict = judging->strict;
    rules.allow_inconclusive = judging->allow_inconclusive;
    rules.leak_exit_code = judging->leak_exitcode;
    rules.min_rounds = judging->min_rounds;
    return rules;
}

int rulebook_update(const struct rulebook *rulebook, const struct report *report) {
    if (!rulebook->baseline_path) return 0;
    int error = baseline_write(rulebook->baseline_path, report);
    if (!error) return 0;
    say("%s: can't be written: %s", rulebook->baseline_path, strerror(-error));
    return STATUS_INTERNAL;
}

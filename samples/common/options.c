/*
 * The command line that all sample workloads share, and the clean way to ask what it says.
 *
 * Called once, first thing in main; nothing is kept between calls and nothing is allocated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sample.h"

static const char *const SIZES[] = {"quick", "standard", "full"};

static void list_kinds(const char *option, const struct kind *kinds) {
    for (; kinds->name; kinds++) printf("  --%s=%-18s %s\n", option, kinds->name, kinds->text);
}

static _Noreturn void help(const struct program *program) {
    printf("%s: %s\n\n", program->name, program->text);
    printf("  --size quick|standard|full  how much work (quick)\n  --rounds N                  repetitions\n");
    printf("  --limit KEY=VALUE           stop at a limit, where the program has one\n");
    printf("  --list                      the leaks and variants, one a line\n");
    list_kinds("leak", program->leaks);
    list_kinds("variant", program->variants);
    exit(0);
}

static _Noreturn void list(const struct program *program) {
    printf("none\n");
    for (const struct kind *kind = program->leaks; kind->name; kind++) printf("leak=%s\n", kind->name);
    for (const struct kind *kind = program->variants; kind->name; kind++) printf("variant=%s\n", kind->name);
    exit(0);
}

static _Noreturn void refuse(const struct program *program, const char *argument) {
    fprintf(stderr, "%s: do not know '%s'; try --help\n", program->name, argument);
    exit(2);
}

static const char *known_kind(const struct program *program, const struct kind *kinds, const char *name) {
    if (strcmp(name, "none") == 0) return "none";
    for (; kinds->name; kinds++)
        if (strcmp(kinds->name, name) == 0) return kinds->name;
    refuse(program, name);
}

static enum sample_size known_size(const struct program *program, const char *name) {
    for (int i = 0; i < 3; i++)
        if (strcmp(SIZES[i], name) == 0) return (enum sample_size)i;
    refuse(program, name);
}

/* The value of option NAME at argv[*i], as --NAME=VALUE or --NAME VALUE; NULL if another option stands there. */
static const char *value_of(const char *name, int argc, char **argv, int *i) {
    size_t length = strlen(name);
    const char *argument = argv[*i];
    if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, length) != 0) return NULL;
    if (argument[2 + length] == '=') return argument + 3 + length;
    if (argument[2 + length] != '\0' || *i + 1 >= argc) return NULL;
    return argv[++*i];
}

static void parse_one(struct options *options, const struct program *program, int argc, char **argv, int *i) {
    const char *value;
    if (strcmp(argv[*i], "--help") == 0) help(program);
    if (strcmp(argv[*i], "--list") == 0) list(program);
    if ((value = value_of("size", argc, argv, i))) options->size = known_size(program, value);
    else if ((value = value_of("rounds", argc, argv, i))) options->rounds = (unsigned)strtoul(value, NULL, 10);
    else if ((value = value_of("leak", argc, argv, i))) options->leak = known_kind(program, program->leaks, value);
    else if ((value = value_of("variant", argc, argv, i)))
        options->variant = known_kind(program, program->variants, value);
    else if ((value = value_of("limit", argc, argv, i))) options->limit = value;
    else refuse(program, argv[*i]);
}

struct options options_parse(const struct program *program, int argc, char **argv) {
    struct options options = {.size = SIZE_QUICK, .leak = "none", .variant = "none"};
    for (int i = 1; i < argc; i++) parse_one(&options, program, argc, argv, &i);
    return options;
}

bool leaks(const struct options *options, const char *kind) { return strcmp(options->leak, kind) == 0; }

bool varies(const struct options *options, const char *kind) { return strcmp(options->variant, kind) == 0; }

unsigned by_size(const struct options *options, unsigned quick, unsigned standard, unsigned full) {
    const unsigned choice[] = {quick, standard, full};
    return choice[options->size];
}

unsigned rounds_or(const struct options *options, unsigned quick, unsigned standard, unsigned full) {
    return options->rounds ? options->rounds : by_size(options, quick, standard, full);
}

/*
 * Environment of the recorder (config.h). Runs in the first hook of a process, possibly before libc's own constructor,
 * so it parses by hand and reads /proc/self/environ when libc has no environment yet.
 */
#include "config.h"

#include "lock.h"
#include "sys.h"
#include "text.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

struct config config;
extern char **environ;

enum { ENVIRONMENT_MAX = 256 << 10, RUN_DIGITS = 32 };
#define NONE "none"
#define RUN_TAIL "%r" /* and the digits of the run */

/* The environment as "NAME=value" strings, each terminated, the last empty; fetched when libc has none. */
static char *early_environment;

static void read_early_environment(void) {
    int fd = sys_open("/proc/self/environ", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return;
    early_environment = sys_memory(ENVIRONMENT_MAX);
    size_t length = 0;
    while (early_environment && length < ENVIRONMENT_MAX - 2) {
        long got = sys_read(fd, early_environment + length, ENVIRONMENT_MAX - 2 - length);
        if (got <= 0) break;
        length += (size_t)got;
    }
    sys_close(fd);
}

static const char *value_in(const char *entry, const char *name) {
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=' ? entry + length + 1 : NULL;
}

static const char *variable(const char *name) {
    const char *value = NULL;
    if (environ) {
        for (char **entry = environ; *entry && !value; entry++) value = value_in(*entry, name);
        return value;
    }
    if (!early_environment) read_early_environment();
    for (const char *entry = early_environment; entry && *entry && !value; entry += strlen(entry) + 1)
        value = value_in(entry, name);
    return value;
}

void config_say(const char *part, ...) {
    char line[1024];
    struct text text = text_into(line, sizeof line);
    text_put(&text, "tidemark: ");
    va_list parts;
    va_start(parts, part);
    for (; part; part = va_arg(parts, const char *)) text_put(&text, part);
    va_end(parts);
    text_put(&text, "\n");
    sys_write(2, line, text_length(&text));
}

/* ---- parsers: true when the whole value was understood ---- */

static bool parse_path(const char *value, void *out) {
    if (!*value || strlen(value) >= CONFIG_PATH) return false;
    strcpy(out, value);
    return true;
}

/* A template: its fields are known ones, the run may stand at the end, and it is no folder. */
static bool parse_out(const char *value, void *out) {
    size_t length = strlen(value);
    if (length && value[length - 1] == '/') return false;
    for (const char *at = value; (at = strchr(at, '%')); at += 2) {
        if (at[1] == RUN_TAIL[1] && strlen(at) == strlen(RUN_TAIL) + RUN_DIGITS) break;
        if (!at[1] || !strchr(CONFIG_FIELDS, at[1])) return false;
    }
    return parse_path(value, out);
}

static bool parse_glob(const char *value, void *out) {
    if (strlen(value) >= sizeof config.only) return false;
    strcpy(out, value);
    return true;
}

static bool parse_switch(const char *value, void *out) {
    static const struct {
        const char *word;
        bool on;
    } words[] = {{"1", true}, {"0", false}, {"on", true}, {"off", false}, {"yes", true}, {"no", false}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal(value, words[i].word)) {
            *(bool *)out = words[i].on;
            return true;
        }
    return false;
}

static bool parse_count(const char *value, uint64_t most, unsigned *out) {
    uint64_t number;
    if (!text_number(&value, &number) || *value || number > most) return false;
    *out = (unsigned)number;
    return true;
}

static bool parse_depth(const char *value, void *out) {
    unsigned depth;
    if (!parse_count(value, 65536, &depth) || depth == 0) return false;
    *(unsigned *)out = depth;
    return true;
}
static bool parse_level(const char *value, void *out) { return parse_count(value, 9, out); }
static bool parse_every(const char *value, void *out) { return parse_count(value, UINT_MAX, out); }

/* A number with at most three decimals and a unit of the table; the unit's factor is applied in exact integers. */
struct unit {
    const char *name;
    uint64_t factor;
};
static bool parse_unit(const char **at, const struct unit *units, size_t count, uint64_t *out) {
    uint64_t whole, thousandths = 0;
    if (!text_number(at, &whole)) return false;
    if (**at == '.') {
        unsigned scale = 100;
        if ((*at)[1] < '0' || (*at)[1] > '9') return false;
        for ((*at)++; **at >= '0' && **at <= '9'; (*at)++, scale /= 10) thousandths += (uint64_t)(**at - '0') * scale;
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(units[i].name);
        if (strncmp(*at, units[i].name, length) != 0) continue;
        *at += length;
        uint64_t bytes;
        if (__builtin_mul_overflow(whole, units[i].factor, &bytes)) return false;
        return !__builtin_add_overflow(
            bytes, units[i].factor / 1000 * thousandths + units[i].factor % 1000 * thousandths / 1000, out);
    }
    return false;
}

/* As on the command line: 64k, 1.5M, 2G, also 2g, 2GB and 2GiB. */
static bool size_at(const char **at, uint64_t *out) {
    static const struct unit units[] = {{"k", 1u << 10},   {"K", 1u << 10},   {"m", 1u << 20},
                                        {"M", 1u << 20},   {"g", 1u << 30},   {"G", 1u << 30},
                                        {"t", 1ull << 40}, {"T", 1ull << 40}, {"", 1}};
    if (!parse_unit(at, units, sizeof units / sizeof *units, out)) return false;
    if (strncmp(*at, "iB", 2) == 0) *at += 2;
    else if (**at == 'B') ++*at;
    return true;
}
static bool time_at(const char **at, uint64_t *out) {
    static const struct unit units[] = {{"ms", 1000000u},   {"us", 1000u},       {"ns", 1},
                                        {"s", 1000000000u}, {"m", 60000000000u}, {"h", 3600000000000u}};
    return parse_unit(at, units, sizeof units / sizeof *units, out);
}
static bool parse_size(const char *value, void *out) {
    if (text_equal(value, NONE)) value = "0";
    return size_at(&value, out) && !*value;
}
static bool parse_interval(const char *value, void *out) {
    uint64_t ns;
    if (!time_at(&value, &ns) || *value || ns < 1000000u) return false;
    *(uint64_t *)out = ns;
    return true;
}

static bool parse_writer(const char *value, void *out) {
    static const char *const names[] = {
        [CONFIG_WRITER_THREAD] = "thread", [CONFIG_WRITER_INLINE] = "inline", [CONFIG_WRITER_PROCESS] = "process"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (text_equal(value, names[i])) {
            *(enum config_writer *)out = (enum config_writer)i;
            return true;
        }
    return false;
}

static bool rate_at(const char **at, uint64_t *out) {
    if (!size_at(at, out) || strncmp(*at, "/s", 2) != 0) return false;
    *at += 2;
    return true;
}
static bool percent_at(const char **at, uint64_t *out) {
    if (!text_number(at, out)) return false;
    if (**at == '%') (*at)++;
    return true;
}

static bool parse_limits(const char *value, void *out) {
    struct config_limits limits = {0};
    const struct {
        const char *key;
        bool (*parse)(const char **, uint64_t *);
        uint64_t *field;
    } rows[] = {{"rss=", size_at, &limits.rss},
                {"growth=", rate_at, &limits.growth},
                {"time=", time_at, &limits.time},
                {"cpu=", percent_at, &limits.cpu},
                {"concurrent=", text_number, &limits.concurrent}};
    const size_t count = sizeof rows / sizeof *rows;
    if (text_equal(value, NONE)) value = "";
    while (*value) {
        size_t row = 0;
        while (row < count && strncmp(value, rows[row].key, strlen(rows[row].key)) != 0) row++;
        if (row == count) return false;
        value += strlen(rows[row].key);
        if (!rows[row].parse(&value, rows[row].field) || *rows[row].field == 0) return false;
        if (*value == ',') value++;
        else if (*value) return false;
    }
    *(struct config_limits *)out = limits;
    return true;
}

static bool parse_run_id(const char *digits, uint8_t out[16]) {
    uint8_t id[16] = {0};
    for (size_t i = 0; i < RUN_DIGITS; i++) {
        const char *all = "0123456789abcdef", *digit = digits[i] ? strchr(all, digits[i]) : NULL;
        if (!digit) return false;
        id[i / 2] = (uint8_t)((i % 2 ? id[i / 2] << 4 : 0) | (digit - all));
    }
    memcpy(out, id, sizeof id);
    return true;
}

/* The run, and which image of which process wrote this. */
static bool parse_run(const char *value, void *out) {
    struct config_run run = {.pid = 0};
    if (!parse_run_id(value, run.id)) return false;
    value += RUN_DIGITS;
    if (*value && !(*value++ == ':' && text_number(&value, &run.pid) && *value++ == ':' &&
                    text_number(&value, &run.execs) && !*value))
        return false;
    *(struct config_run *)out = run;
    return true;
}

static const struct variable {
    const char *name;
    bool (*parse)(const char *value, void *out);
    void *field;
    const char *otherwise; /* the default, parsed like a value; NULL: zero */
} variables[] = {
    {"TIDEMARK_OUT", parse_out, config.out, "tidemark.%e.%p.tmk"},
    {"TIDEMARK_CHILDREN", parse_path, config.children, NULL},
    {"TIDEMARK_ONLY", parse_glob, config.only, NULL},
    {"TIDEMARK_SKIP", parse_glob, config.skip, NULL},
    {"TIDEMARK_RUN", parse_run, &config.run, NULL},
    {"TIDEMARK_FOLLOW", parse_switch, &config.follow, "1"},
    {"TIDEMARK_START", parse_switch, &config.start_on, "on"},
    {"TIDEMARK_VERBOSE", parse_switch, &config.verbose, "0"},
    {"TIDEMARK_DEPTH", parse_depth, &config.depth, "256"},
    {"TIDEMARK_LEVEL", parse_level, &config.level, "1"},
    {"TIDEMARK_CHECK_STACKS", parse_every, &config.check_stacks, "0"},
    {"TIDEMARK_INTERVAL", parse_interval, &config.interval_ns, "10ms"},
    {"TIDEMARK_MAX_SIZE", parse_size, &config.max_size, NULL},
    {"TIDEMARK_WRITER", parse_writer, &config.writer, "thread"},
    {"TIDEMARK_STOP_ABOVE", parse_limits, &config.limits, NULL},
};

enum { VARIABLES = sizeof variables / sizeof *variables };
static bool refused[VARIABLES]; /* was said once, and is not left to children who would say it again */

/* A template may name its run behind the file name (config_show_run). */
static void take_run_of(char *template) {
    char *tail = strstr(template, RUN_TAIL);
    if (tail && parse_run_id(tail + strlen(RUN_TAIL), config.run.id)) *tail = 0;
}

bool config_has_limits(void) {
    static const struct config_limits none;
    return memcmp(&config.limits, &none, sizeof none) != 0;
}

void config_read(void) {
    memset(&config, 0, sizeof config);
    for (size_t i = 0; i < VARIABLES; i++) {
        const struct variable *row = &variables[i];
        const char *value = variable(row->name);
        if (row->otherwise) row->parse(row->otherwise, row->field);
        refused[i] = value && !row->parse(value, row->field);
        if (refused[i])
            config_say(row->name, "=", value, " is not understood; using ", row->otherwise ? row->otherwise : NONE,
                       NULL);
    }
    /* Limits are watched from inside, by somebody who is always awake. */
    if (config.writer == CONFIG_WRITER_PROCESS && config_has_limits()) config.writer = CONFIG_WRITER_THREAD;
    static const uint8_t none[16];
    take_run_of(config.out);
    if (memcmp(config.run.id, none, sizeof none) == 0) sys_getrandom(config.run.id, sizeof config.run.id);
    config.run.execs = config.run.pid == (uint64_t)sys_getpid() ? config.run.execs + 1 : 0;
    if (!config.children[0]) strcpy(config.children, config.out);
}

/* ---- the children's environment ---- */

static void make_absolute(char path[CONFIG_PATH]) {
    char whole[CONFIG_PATH];
    if (path[0] == '/') return;
    struct text text = text_into(whole, sizeof whole);
    long length = sys_readlink("/proc/self/cwd", whole, sizeof whole - 1);
    if (length <= 0) return;
    whole[length] = 0;
    text.at = whole + length;
    text_put(&text, "/");
    text_put(&text, path);
    if (!text.full) strcpy(path, whole);
}

/* The preload list with our entry made absolute, or left out. */
static void rewrite_preload(struct text *out, const char *list, const char *own_path) {
    const char *own_base = text_base(own_path);
    bool first = true;
    while (*list) {
        size_t length = strcspn(list, ": ");
        char entry[CONFIG_PATH];
        struct text text = text_into(entry, sizeof entry);
        text_put_bytes(&text, list, length);
        bool own = text_equal(text_base(entry), own_base);
        if (length && !(own && !config.follow)) {
            text_put(out, first ? "" : ":");
            text_put(out, own ? own_path : entry);
            first = false;
        }
        list += length + (list[length] != 0);
    }
}

static void put_run_id(struct text *out) {
    const char *digits = "0123456789abcdef";
    for (size_t i = 0; i < sizeof config.run.id; i++) {
        text_put_bytes(out, &digits[config.run.id[i] >> 4], 1);
        text_put_bytes(out, &digits[config.run.id[i] & 15], 1);
    }
}

void config_run_entry(char entry[CONFIG_RUN_ENTRY], bool becomes) {
    struct text text = text_into(entry, CONFIG_RUN_ENTRY);
    text_put(&text, "TIDEMARK_RUN=");
    put_run_id(&text);
    if (!becomes) return;
    text_put(&text, ":");
    text_put_number(&text, (uint64_t)sys_getpid());
    text_put(&text, ":");
    text_put_number(&text, config.run.execs);
}

/* One byte, so whoever reads the variable now finds the template with or without its tail, and both mean the same. */
static struct {
    struct lock lock;
    unsigned users;
    char *tail;
} shown;

static void show_run(int users) {
    if (!shown.tail) return;
    uint64_t signals = signals_block();
    lock_take(&shown.lock);
    shown.users += (unsigned)users;
    *(volatile char *)shown.tail = shown.users ? RUN_TAIL[0] : 0;
    lock_give(&shown.lock);
    signals_restore(signals);
}
void config_show_run(void) { show_run(1); }
void config_hide_run(void) { show_run(-1); }

void config_forked(void) {
    config.run.execs = 0;
    if (shown.tail) *shown.tail = 0;
    shown.lock = (struct lock){0};
    shown.users = 0;
}

struct replacement {
    const char *name;
    char *entry; /* NULL: leave the variable out */
    bool done;
};

/* A copy of the environment with the replacements; the old array stays as it is for whoever holds it. */
static void replace_environment(struct replacement *replacements, size_t count) {
    size_t entries = 0;
    while (environ[entries]) entries++;
    char **copy = sys_memory((entries + count + 1) * sizeof *copy);
    if (!copy) return;
    size_t used = 0;
    for (size_t i = 0; i < entries; i++) {
        char *entry = environ[i];
        for (size_t r = 0; r < count; r++)
            if (value_in(environ[i], replacements[r].name)) {
                entry = replacements[r].entry;
                replacements[r].done = true;
            }
        if (entry) copy[used++] = entry;
    }
    for (size_t r = 0; r < count; r++)
        if (!replacements[r].done && replacements[r].entry) copy[used++] = replacements[r].entry;
    copy[used] = NULL;
    environ = copy;
}

void config_export(const char *own_path) {
    make_absolute(config.out);
    make_absolute(config.children);
    const char *preload = variable("LD_PRELOAD");
    if (!environ || !preload) return;
    size_t room = strlen(preload) + strlen(own_path) + 2 * CONFIG_PATH;
    char *memory = sys_memory(2 * room);
    if (!memory) return;
    struct text text = text_into(memory, room);
    text_put(&text, "LD_PRELOAD=");
    rewrite_preload(&text, preload, own_path);
    bool empty = text_equal(memory, "LD_PRELOAD=");
    char *out = text.at + 1;
    struct text out_text = text_into(out, room);
    text_put(&out_text, "TIDEMARK_OUT=");
    text_put(&out_text, config.children);
    shown.tail = out_text.at;
    text_put(&out_text, RUN_TAIL);
    put_run_id(&out_text);
    *shown.tail = 0;
    struct replacement replacements[4 + VARIABLES] = {
        {"LD_PRELOAD", empty ? NULL : memory, false},
        {"TIDEMARK_OUT", config.follow ? out : NULL, false},
        {"TIDEMARK_RUN", NULL, false},
        {"TIDEMARK_CHILDREN", NULL, false},
    };
    size_t count = 4;
    for (size_t i = 0; i < VARIABLES; i++)
        if (refused[i] && variables[i].field != config.out)
            replacements[count++] = (struct replacement){variables[i].name, NULL, false};
    replace_environment(replacements, count);
}

/*
 * The process hooks: starting programs and ending. In the child of a vfork everything runs in the parent's memory:
 * nothing here changes state then but the caller's stack. A child that can't load us gets its environment without our
 * entry, so that its loader has nothing to complain about.
 */
#include "process.h"

#include "config.h"
#include "journal.h"
#include "lifecycle.h"
#include "lock.h"
#include "machine_x86_64.h"
#include "modules.h"
#include "probe.h"
#include "real.h"
#include "rebind.h"
#include "rules.h"
#include "stacks.h"
#include "stamp.h"
#include "target_elf.h"
#include "text.h"

#include <alloca.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define HOOK(type, name, parameters) EXPORT type name parameters;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#include "hooks.def"
#pragma GCC diagnostic pop

extern char **environ;

#define OWN_NAME "libtrace.so"

/* ---- children ---- */

static void put_child(enum process_start how, const char *path, const char *refusal) {
    uint8_t body[1024];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, stamp_now());
    wire_put_varint(&w, 0);
    wire_put_varint(&w, how);
    wire_put_varint(&w, !refusal);
    wire_put_string(&w, path, strnlen(path, 700));
    wire_put_string(&w, refusal ? refusal : "", refusal ? strlen(refusal) : 0);
    if (lifecycle_is_self()) journal_put(TRACE_RECORD_CHILD, body, (size_t)(w.at - body));
}

static const char *preload_of(char *const envp[]) {
    for (; envp && *envp; envp++)
        if (strncmp(*envp, "LD_PRELOAD=", 11) == 0) return *envp + 11;
    return NULL;
}

static const char *own_entry(const char *list) { return list ? strstr(list, OWN_NAME) : NULL; }

/*
 * Below another root, or a mount over it, our file may not be where the entry says; a bare name the loader looks up
 * elsewhere.
 */
static bool is_out_of_reach(const char *list) {
    const char *entry = own_entry(list);
    char path[CONFIG_PATH];
    while (entry > list && entry[-1] != ':' && entry[-1] != ' ') entry--;
    struct text text = text_into(path, sizeof path);
    text_put_bytes(&text, entry, strcspn(entry, ": "));
    return !text.full && strchr(path, '/') && !strchr(path, '$') && target_elf_is_missing(path);
}

/* Why no program of this environment will be traced, NULL when one may be. */
static const char *judge_environment(char *const envp[]) {
    const char *list = preload_of(envp);
    if (!own_entry(list)) return config.follow ? "started with an environment without the recorder" : "not followed";
    return is_out_of_reach(list) ? "started where the recorder can't be read" : NULL;
}

static size_t count_entries(char *const list[]) {
    size_t count = 0;
    while (list && list[count]) count++;
    return count;
}

/* LD_PRELOAD without our entry, into `entry`, which has room for all of it; false when nothing else is left in it. */
static bool strip_preload(const char *list, char *entry) {
    struct text text = text_into(entry, strlen(list) + sizeof "LD_PRELOAD=");
    text_put(&text, "LD_PRELOAD=");
    size_t empty = text_length(&text);
    while (*list) {
        size_t length = strcspn(list, ": ");
        if (length && !memmem(list, length, OWN_NAME, strlen(OWN_NAME))) {
            if (text_length(&text) > empty) text_put(&text, ":");
            text_put_bytes(&text, list, length);
        }
        list += length + (list[length] != 0);
    }
    return text_length(&text) > empty;
}

enum { MOST_ENTRIES = 1000 }; /* a larger environment goes as it is, and its program is a run of its own */

static bool changes(char *const envp[], const char *refusal) {
    return own_entry(preload_of(envp)) && (refusal || count_entries(envp) <= MOST_ENTRIES);
}

/*
 * The environment for a program, in the caller's memory: without our entry where it can't load us, else with its run.
 */
static char **child_environment(char *const envp[], const char *refusal, bool becomes, char **out, char *entry) {
    const char *name = refusal ? "LD_PRELOAD=" : "TIDEMARK_RUN=";
    size_t used = 0;
    for (; *envp; envp++) {
        if (strncmp(*envp, name, strlen(name)) != 0) out[used++] = *envp;
        else if (refusal && strip_preload(*envp + strlen(name), entry)) out[used++] = entry;
    }
    if (!refusal) {
        config_run_entry(entry, becomes);
        out[used++] = entry;
    }
    out[used] = NULL;
    return out;
}

static size_t entry_size(char *const envp[], const char *refusal) {
    return refusal ? strlen(preload_of(envp)) + sizeof "LD_PRELOAD=" : CONFIG_RUN_ENTRY;
}

/* envp for the child, changed on the caller's stack where it must be. */
#define CHILD_ENVIRONMENT(envp, refusal, becomes)                                                                      \
    (changes(envp, refusal)                                                                                            \
         ? child_environment(envp, refusal, becomes, alloca((count_entries(envp) + 2) * sizeof(char *)),               \
                             alloca(entry_size(envp, refusal)))                                                        \
         : (char **)(uintptr_t)(envp))

/* ---- what starts ---- */

/* What lies where no memory is the kernel refuses: we don't read it first. */
static __attribute__((noinline)) bool are_readable(const char *path, char *const envp[]) {
    const void *const first[] = {path, envp ? (const void *)envp : path};
    return sys_are_readable(first, 2) && sys_are_readable((const void *const *)envp, count_entries(envp));
}

struct start {
    enum process_start how;
    const char *path;
    bool search, by_descriptor; /* in PATH; below a folder, or the file, that is open: not looked at */
    int folder, flags;          /* by_descriptor */
    char *const *envp;
    const char *refusal;
};

static void announce(void *argument) {
    struct start *start = argument;
    char found[CONFIG_PATH];
    const char *program = start->search ? target_elf_find(start->path, found, sizeof found) : start->path;
    start->refusal = judge_environment(start->envp);
    if (!start->refusal && !start->by_descriptor) start->refusal = target_elf_refusal(program);
    if (start->refusal && config.verbose) config_say("no trace of ", program, ": ", start->refusal, NULL);
    put_child(start->how, program, start->refusal);
    if (start->how == PROCESS_EXEC) lifecycle_exec(program);
}

/* ---- exec ---- */

static int call_exec(const struct start *start, char *const argv[], char *const envp[]) {
    if (start->by_descriptor) return (int)syscall(SYS_execveat, start->folder, start->path, argv, envp, start->flags);
    return start->search ? real.execvpe(start->path, argv, envp) : real.execve(start->path, argv, envp);
}

static int run_start(struct start start, char *const argv[]) {
    bool becomes = lifecycle_is_self();
    real_resolve();
    if (!are_readable(start.path, start.envp)) return call_exec(&start, argv, start.envp);
    stacks_run(announce, &start);
    char **environment = CHILD_ENVIRONMENT(start.envp, start.refusal, becomes);
    int result = call_exec(&start, argv, environment);
    int error = errno;
    lifecycle_exec_failed(error);
    errno = error;
    return result;
}

static int run(const char *path, bool search, char *const argv[], char *const envp[]) {
    return run_start((struct start){.how = PROCESS_EXEC, .path = path, .search = search, .envp = envp}, argv);
}

int execve(const char *path, char *const argv[], char *const envp[]) { return run(path, false, argv, envp); }
int execv(const char *path, char *const argv[]) { return run(path, false, argv, environ); }
int execvp(const char *file, char *const argv[]) { return run(file, true, argv, environ); }
int execvpe(const char *file, char *const argv[], char *const envp[]) { return run(file, true, argv, envp); }

/* The arguments of a variadic exec as an array on the caller's stack; `list` is left behind the final NULL. */
#define COLLECT(argv, list, arg)                                                                                       \
    va_list count_list;                                                                                                \
    va_start(list, arg);                                                                                               \
    va_copy(count_list, list);                                                                                         \
    size_t count = 1;                                                                                                  \
    for (const char *one = arg; one; one = va_arg(count_list, const char *)) count++;                                  \
    va_end(count_list);                                                                                                \
    char **argv = alloca(count * sizeof(char *));                                                                      \
    argv[0] = (char *)(uintptr_t)arg;                                                                                  \
    for (size_t at = 1; at < count; at++) argv[at] = va_arg(list, char *)

int execl(const char *path, const char *arg, ...) {
    va_list list;
    COLLECT(argv, list, arg);
    va_end(list);
    return run(path, false, argv, environ);
}

int execlp(const char *file, const char *arg, ...) {
    va_list list;
    COLLECT(argv, list, arg);
    va_end(list);
    return run(file, true, argv, environ);
}

int execle(const char *path, const char *arg, ...) {
    va_list list;
    COLLECT(argv, list, arg);
    char *const *envp = va_arg(list, char *const *);
    va_end(list);
    return run(path, false, argv, envp);
}

static int run_at(int folder, const char *path, char *const argv[], char *const envp[], int flags) {
    const struct start start = {
        .how = PROCESS_EXEC, .path = path, .by_descriptor = true, .folder = folder, .flags = flags, .envp = envp};
    return run_start(start, argv);
}

int fexecve(int fd, char *const argv[], char *const envp[]) { return run_at(fd, "", argv, envp, AT_EMPTY_PATH); }
int execveat(int folder, const char *path, char *const argv[], char *const envp[], int flags) {
    return run_at(folder, path, argv, envp, flags);
}

#define SPAWN(name, by_search)                                                                                         \
    int name(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,                                  \
             const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {                            \
        struct start start = {.how = PROCESS_SPAWN, .path = file, .search = by_search, .envp = envp};                  \
        real_resolve();                                                                                                \
        if (!are_readable(file, envp)) return real.name(pid, file, actions, attributes, argv, envp);                   \
        stacks_run(announce, &start);                                                                                  \
        char **environment = CHILD_ENVIRONMENT(envp, start.refusal, false);                                            \
        return real.name(pid, file, actions, attributes, argv, environment);                                           \
    }
SPAWN(posix_spawn, false)
SPAWN(posix_spawnp, true)

static void announce_command(const char *command) {
    if (are_readable(command, NULL)) put_child(PROCESS_SPAWN, command, NULL);
}

int system(const char *command) {
    if (command) announce_command(command);
    real_resolve();
    config_show_run();
    int result = real.system(command);
    int error = errno;
    config_hide_run();
    errno = error;
    return result;
}

FILE *popen(const char *command, const char *mode) {
    announce_command(command);
    real_resolve();
    config_show_run();
    FILE *stream = real.popen(command, mode);
    int error = errno;
    config_hide_run();
    errno = error;
    return stream;
}

/* ---- the end ---- */

static int (*target_main)(int, char **, char **);
static void (*target_rtld_fini)(void);
__attribute__((used)) void *machine_place;

/*
 * The frame of libc's that called us, whose rule is of the plain kind, is one that a target's walk can do without: it
 * finds ours instead, and as many frames as without us. 0: not to be left out.
 */
static uintptr_t frame_to_replace(uintptr_t ip, uintptr_t sp) {
    static struct rules_room room;
    const struct rule *rule = &room.rule;
    if (rules_read(ip, false, &room) != 0 || rule->kind || rule->ra_offset != -(int)sizeof(void *)) return 0;
    return sp + (uintptr_t)rule->cfa_offset;
}

/*
 * libc calls exit with what main returns and needs nothing else of it: programs of Free Pascal return from the middle
 * of their stack.
 */
static int main_in_between(int argc, char **argv, char **envp) {
    struct unwind_registers caller = PROBE_REGISTERS();
    uintptr_t replaced = frame_to_replace(caller.ip, caller.sp);
    int status =
        replaced ? machine_call_in_place(target_main, argc, argv, envp, replaced) : target_main(argc, argv, envp);
    lifecycle_exiting(TRACE_EXIT_RETURN, status);
    return status;
}

/* The loader's last act, running every object's destructors: what comes after it is stdio's flush and _exit. */
static void fini_in_between(void) {
    target_rtld_fini();
    lifecycle_end();
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end) {
    real_resolve();
    if (!lifecycle_is_self()) return real.__libc_start_main(main, argc, argv, init, fini, rtld_fini, stack_end);
    target_main = main;
    target_rtld_fini = rtld_fini;
    return real.__libc_start_main(main_in_between, argc, argv, init, fini, rtld_fini ? fini_in_between : NULL,
                                  stack_end);
}

__attribute__((destructor)) static void destruct(void) {
    if (!target_rtld_fini) lifecycle_end();
}

void exit(int status) {
    lifecycle_exiting(TRACE_EXIT_CALL, status);
    real_resolve();
    real.exit(status);
    __builtin_unreachable();
}

void quick_exit(int status) {
    lifecycle_exiting(TRACE_EXIT_QUICK, status);
    real_resolve();
    real.quick_exit(status);
    __builtin_unreachable();
}

#define EXIT_NOW(name)                                                                                                 \
    void name(int status) {                                                                                            \
        lifecycle_exiting(TRACE_EXIT_UNDERSCORE, status);                                                              \
        lifecycle_end();                                                                                               \
        real_resolve();                                                                                                \
        real.name(status);                                                                                             \
        __builtin_unreachable();                                                                                       \
    }
EXIT_NOW(_exit)
EXIT_NOW(_Exit)

/* ---- modules ---- */

/* All that the new objects refer to is bound once dlopen is done. */
static void *open_deeply(const char *path, int mode) {
    size_t before = rebind_count();
    void *handle = real.dlopen(path, mode);
    if (handle) rebind_behind(handle, before);
    return handle;
}

/* An old libc has it in a library of its own, which the program may have asked for by a weak reference only. */
static void *open_nothing(const char *path, int mode) {
    (void)path, (void)mode;
    return NULL;
}

/* Where dlopen looks depends on who calls it: but for the case that must be seen through, that is the hook's caller. */
typedef void *opener(const char *path, int mode);
__attribute__((used)) opener *choose_opener(const char *path, int mode, uintptr_t caller);
opener *choose_opener(const char *path, int mode, uintptr_t caller) {
    real_resolve();
    if (!real.dlopen) return open_nothing;
    return lifecycle_is_self() && rebind_concerns(path, mode, caller) ? open_deeply : real.dlopen;
}

__attribute__((naked)) void *dlopen(__attribute__((unused)) const char *path, __attribute__((unused)) int mode) {
    MACHINE_CALL_INSTEAD(choose_opener);
}

int dlclose(void *handle) {
    real_resolve();
    int result = real.dlclose(handle);
    if (lifecycle_is_self()) {
        uint64_t signals = signals_block();
        modules_sweep();
        signals_restore(signals);
    }
    return result;
}

/*
 * Our constructor: what needs libc (libunwind, the environment for children, atfork) and so can't come with the first
 * hook, which starts the recording (lifecycle.h) and may run before it.
 */
#include "lifecycle.h"

#include "config.h"
#include "glibc.h"
#include "memory.h"
#include "modules.h"
#include "probe.h"
#include "real.h"
#include "sys.h"
#include "text.h"
#include "thread.h"
#include "unwind.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void own_path(char out[CONFIG_PATH]) {
    struct text text = text_into(out, CONFIG_PATH);
    const char *name = modules_name((uintptr_t)own_path);
    if (!name) return;
    if (name[0] != '/') {
        long length = sys_readlink("/proc/self/cwd", out, CONFIG_PATH - 1);
        if (length > 0) text.at = out + length;
        text_put(&text, "/");
    }
    text_put(&text, name);
}

static void end_quickly(void *unused) {
    (void)unused;
    lifecycle_end();
}

/*
 * A launcher that looks for phases in the output gives us a pipe of packets (pipe(2), O_DIRECT), and could not give a
 * terminal: the program writes whole lines, as it would there.
 */
static void write_whole_lines(void) {
    int flags = sys_fcntl(STDOUT_FILENO, F_GETFL, 0);
    if (flags >= 0 && (flags & O_DIRECT) && sys_fcntl(STDOUT_FILENO, F_GETPIPE_SZ, 0) > 0)
        setvbuf(stdout, NULL, _IOLBF, 0);
}

__attribute__((constructor)) static void construct(void) {
    char path[CONFIG_PATH];
    real_resolve();
    lifecycle_wake(PROBE_EVENTS);
    if (lifecycle_is_foreign()) return;
    own_path(path);
    config_export(path);
    if (!lifecycle_is_self()) return;
    uintptr_t before = probe_ignore();
    unwind_open_reference();
    __register_atfork(lifecycle_forking, NULL, lifecycle_forked, &__dso_handle);
    __cxa_at_quick_exit(end_quickly, &__dso_handle);
    write_whole_lines();
    probe_heed(before);
    uint64_t signals = signals_block();
    modules_scan();
    memory_first();
    signals_restore(signals);
}

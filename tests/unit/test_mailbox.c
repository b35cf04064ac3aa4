/*
 * The sender's side of the mailbox against a made-up trace header: layout as in FORMAT.md, read with plain offsets.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "launch/mailbox.h"

#define SIZE 32768

struct fixture {
    char path[64];
    int fd;
    uint8_t *bytes;
};

static uint32_t u32(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->path, "/tmp/test_mailbox.XXXXXX");
    f->fd = mkstemp(f->path);
    if (f->fd < 0 || ftruncate(f->fd, SIZE) != 0) return -1;
    f->bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    memcpy(f->bytes, "TIDEMARK", 8);
    f->bytes[8] = 2;
    put32(f->bytes + 40, (uint32_t)getpid());
    f->bytes[44] = 2;
    put32(f->bytes + 48, 1);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    unlink(f->path);
    munmap(f->bytes, SIZE);
    close(f->fd);
    free(f);
    return 0;
}

static void a_request_fills_its_slot(void **state) {
    struct fixture *f = *state;
    struct mailbox mailbox;
    uint32_t number = 77;
    put32(f->bytes + 132, 66);
    put32(f->bytes + 136, 66);
    assert_int_equal(mailbox_open(&mailbox, f->path), 0);
    assert_int_equal(mailbox_post(&mailbox, TRACE_COMMAND_PHASE_BEGIN, "load", 8, mailbox_now(), &number), 0);
    const uint8_t *slot = f->bytes + 4096 + 2 * 384;
    assert_int_equal(number, 66);
    assert_int_equal(u32(f->bytes + 132), 67);
    assert_int_equal(u32(slot), 67);
    assert_int_equal(u32(slot + 4), 2);
    assert_int_equal(u32(slot + 8), 0); /* a counter's stamp is the recorder's to take */
    assert_int_equal(u32(slot + 16), 8);
    assert_int_equal(u32(slot + 20), 4);
    assert_memory_equal(slot + 24, "load", 4);
    mailbox_close(&mailbox);
}

static void a_full_mailbox_refuses(void **state) {
    struct fixture *f = *state;
    struct mailbox mailbox;
    assert_int_equal(mailbox_open(&mailbox, f->path), 0);
    for (int i = 0; i < 64; i++)
        assert_int_equal(mailbox_post(&mailbox, TRACE_COMMAND_MARK, "m", 0, mailbox_now(), NULL), 0);
    assert_int_equal(mailbox_post(&mailbox, TRACE_COMMAND_MARK, "m", 0, mailbox_now(), NULL), -EAGAIN);
    assert_int_equal(u32(f->bytes + 132), 64);
    put32(f->bytes + 136, 1);
    assert_int_equal(mailbox_post(&mailbox, TRACE_COMMAND_MARK, "m", 0, mailbox_now(), NULL), 0);
    mailbox_close(&mailbox);
}

static void numbers_wrap_around(void **state) {
    struct fixture *f = *state;
    struct mailbox mailbox;
    uint32_t number;
    put32(f->bytes + 132, UINT32_MAX);
    put32(f->bytes + 136, UINT32_MAX);
    assert_int_equal(mailbox_open(&mailbox, f->path), 0);
    assert_int_equal(mailbox_post(&mailbox, TRACE_COMMAND_ON, "", 0, mailbox_now(), &number), 0);
    assert_int_equal(u32(f->bytes + 132), 0);
    assert_int_equal(mailbox_wait(&mailbox, number, 2000000), -ETIMEDOUT);
    put32(f->bytes + 136, 0);
    assert_int_equal(mailbox_wait(&mailbox, number, 2000000), 0);
    mailbox_close(&mailbox);
}

static void long_names_are_refused(void **state) {
    struct fixture *f = *state;
    struct mailbox mailbox;
    char name[257];
    memset(name, 'n', sizeof name);
    name[256] = 0;
    assert_int_equal(mailbox_open(&mailbox, f->path), 0);
    assert_int_equal(mailbox_post(&mailbox, TRACE_COMMAND_MARK, name, 0, mailbox_now(), NULL), -EINVAL);
    assert_int_equal(u32(f->bytes + 132), 0);
    name[255] = 0;
    assert_int_equal(mailbox_post(&mailbox, TRACE_COMMAND_MARK, name, 0, mailbox_now(), NULL), 0);
    mailbox_close(&mailbox);
}

static void only_live_traces_open(void **state) {
    struct fixture *f = *state;
    struct mailbox mailbox;
    put32(f->bytes + 48, 2);
    assert_int_equal(mailbox_open(&mailbox, f->path), -ESHUTDOWN);
    put32(f->bytes + 48, 1);
    put32(f->bytes + 20, 2);
    assert_int_equal(mailbox_open(&mailbox, f->path), -EPROTO);
    put32(f->bytes + 20, 0);
    f->bytes[8] = 3;
    assert_int_equal(mailbox_open(&mailbox, f->path), -EPROTO);
    f->bytes[8] = 2;
    f->bytes[0] = 't';
    assert_int_equal(mailbox_open(&mailbox, f->path), -EPROTO);
    assert_int_equal(ftruncate(f->fd, 100), 0);
    assert_int_equal(mailbox_open(&mailbox, f->path), -EPROTO);
    assert_int_equal(mailbox_open(&mailbox, "/dev/null"), -EPROTO);
    assert_int_equal(mailbox_open(&mailbox, "/nonexistent"), -ENOENT);
}

static void our_own_trace_is_found(void **state) {
    struct fixture *f = *state;
    struct mailbox mailbox;
    assert_int_equal(mailbox_find(&mailbox, getpid()), 0);
    assert_int_equal(mailbox_pid(&mailbox), getpid());
    mailbox_close(&mailbox);
    put32(f->bytes + 40, (uint32_t)getpid() + 1); /* a parent's trace, still mapped */
    assert_int_equal(mailbox_find(&mailbox, getpid()), -ENOENT);
}

#define SENDERS 4
#define REQUESTS 2000

static void *send_many(void *path) {
    struct mailbox mailbox;
    char name[32];
    if (mailbox_open(&mailbox, path) != 0) return NULL;
    for (int i = 0; i < REQUESTS;) {
        snprintf(name, sizeof name, "%lu:%d", (unsigned long)pthread_self(), i);
        if (mailbox_post(&mailbox, TRACE_COMMAND_MARK, name, 0, mailbox_now(), NULL) == 0) i++;
    }
    mailbox_close(&mailbox);
    return NULL;
}

/* Serves as a recorder does, and returns the sum of the numbers after the colons. */
static uint64_t serve(const struct fixture *f, uint32_t count) {
    uint64_t sum = 0;
    for (uint32_t number = 0; number < count; number++) {
        uint8_t *slot = f->bytes + 4096 + (size_t)(number % 64) * 384;
        while (__atomic_load_n((uint32_t *)(void *)slot, __ATOMIC_ACQUIRE) != number + 1) usleep(1);
        char name[256] = "";
        memcpy(name, slot + 24, u32(slot + 20));
        sum += strtoull(strchr(name, ':') + 1, NULL, 10);
        __atomic_store_n((uint32_t *)(void *)(f->bytes + 136), number + 1, __ATOMIC_RELEASE);
    }
    return sum;
}

static void many_senders_lose_nothing(void **state) {
    struct fixture *f = *state;
    pthread_t senders[SENDERS];
    for (int i = 0; i < SENDERS; i++) pthread_create(&senders[i], NULL, send_many, f->path);
    assert_int_equal(serve(f, SENDERS * REQUESTS), (uint64_t)SENDERS * (REQUESTS - 1) * REQUESTS / 2);
    for (int i = 0; i < SENDERS; i++) pthread_join(senders[i], NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_request_fills_its_slot),  TEST(a_full_mailbox_refuses), TEST(numbers_wrap_around),
        TEST(long_names_are_refused),    TEST(only_live_traces_open),  TEST(our_own_trace_is_found),
        TEST(many_senders_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* flags: -Isamples samples/survey/segy.c samples/bulkimport/fit.c samples/breaker/circuit.c samples/pipeline/wal.c samples/pipeline/rows.c samples/common/basics.c libs: -lz */
/*
 * The real parts of the sample workloads are real: IBM floats, SEG-Y, FIT, the breaker and the write-ahead log.
 *
 * Expected numbers are worked by hand from the formats' definitions; damage is done to files byte by byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "breaker/circuit.h"
#include "bulkimport/fit.h"
#include "common/sample.h"
#include "pipeline/wal.h"
#include "survey/segy.h"

/* -118.625 is -0x76.A: fraction 0x76A000, exponent 16^2, so 0x80 | 66. */
static void ibm_floats_by_hand(void **state) {
    static const struct {
        float value;
        uint32_t ibm;
    } KNOWN[] = {{0.0f, 0},
                 {1.0f, 0x41100000},
                 {-1.0f, 0xc1100000},
                 {-118.625f, 0xc276a000},
                 {0.15625f, 0x40280000},
                 {16.0f, 0x42100000},
                 {0.0625f, 0x40100000},
                 {0.00390625f, 0x3f100000}};
    (void)state;
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        assert_int_equal(ibm_from_float(KNOWN[i].value), KNOWN[i].ibm);
        assert_true(ibm_to_float(KNOWN[i].ibm) == KNOWN[i].value);
    }
}

/* An IBM fraction has at least 21 significant bits. */
static void ibm_floats_come_back(void **state) {
    struct rng rng = rng_seeded(3);
    (void)state;
    for (int i = 0; i < 100000; i++) {
        float value = (float)ldexp(rng_unit(&rng) - 0.5, (int)rng_below(&rng, 60) - 30);
        float back = ibm_to_float(ibm_from_float(value));
        assert_true(fabs((double)back - (double)value) <= ldexp(fabs((double)value), -20));
    }
}

static void segy_is_laid_out_by_the_standard(void **state) {
    char *folder = work_folder("test"), *path = path_in(folder, "a.sgy");
    unsigned char bytes[3600];
    struct stat status;
    (void)state;
    segy_write(path, (struct segy_layout){7, 50, 4000}, 1);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, bytes, sizeof bytes), 3600);
    assert_int_equal(bytes[0], 0xc3); /* EBCDIC C */
    assert_int_equal(bytes[3216] << 8 | bytes[3217], 4000);
    assert_int_equal(bytes[3220] << 8 | bytes[3221], 50);
    assert_int_equal(bytes[3224] << 8 | bytes[3225], 1);
    fstat(fd, &status);
    assert_int_equal(status.st_size, 3600 + 7 * (240 + 4 * 50));
    close(fd);
    free(path);
    work_folder_remove(folder);
}

static void segy_reads_what_it_wrote_in_chunks(void **state) {
    char *folder = work_folder("test"), *path = path_in(folder, "a.sgy");
    struct segy_reader reader;
    float samples[3 * 50];
    (void)state;
    segy_write(path, (struct segy_layout){7, 50, 4000}, 1);
    assert_int_equal(segy_open(&reader, path, 3), 0);
    assert_int_equal(segy_read(&reader, samples), 3);
    assert_int_equal(segy_read(&reader, samples), 3);
    assert_int_equal(segy_header(&reader, 2)[3], 6); /* sequence number, from 1 */
    assert_int_equal(segy_read(&reader, samples), 1);
    assert_int_equal(segy_read(&reader, samples), 0);
    segy_close(&reader);
    assert_int_equal(truncate(path, 3600 + 100), 0);
    assert_int_equal(segy_open(&reader, path, 3), -EINVAL);
    free(path);
    work_folder_remove(folder);
}

static size_t two_workouts(unsigned char *bytes) {
    struct rng rng = rng_seeded(9);
    size_t size = fit_write(bytes, 20, 77, &rng);
    return size + fit_write(bytes + size, 30, 78, &rng);
}

static void fit_parses_chained_workouts(void **state) {
    unsigned char bytes[4096];
    struct fit_workout workouts[FIT_MOST_WORKOUTS];
    (void)state;
    size_t size = two_workouts(bytes);
    assert_memory_equal(bytes + 8, ".FIT", 4);
    assert_int_equal(fit_parse(bytes, size, workouts), 2);
    assert_int_equal(workouts[0].athlete, 77);
    assert_int_equal(workouts[1].point_count, 30);
    assert_int_equal(workouts[1].elapsed_ms, 30000);
    assert_int_equal(workouts[1].points[29].distance_cm, workouts[1].distance_cm);
    for (int i = 0; i < 2; i++) fit_workout_release(&workouts[i]);
}

/* A CRC-16 finds every single wrong bit, and no length is trusted on the way there. */
static void fit_refuses_every_damaged_byte(void **state) {
    unsigned char bytes[4096];
    struct fit_workout workouts[FIT_MOST_WORKOUTS];
    (void)state;
    size_t size = two_workouts(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(fit_parse(bytes, size, workouts), -EBADMSG);
        bytes[i] ^= 0x10;
    }
    for (size_t cut = 1; cut < 100; cut++) assert_int_equal(fit_parse(bytes, size - cut, workouts), -EBADMSG);
}

static void circuit_opens_tries_and_closes(void **state) {
    struct circuit circuit;
    (void)state;
    circuit_init(&circuit);
    for (int i = 0; i < CIRCUIT_FAILURES; i++) {
        assert_true(circuit_allows(&circuit, 1));
        circuit_report(&circuit, false, 1);
    }
    assert_int_equal(circuit.state, CIRCUIT_OPEN);
    assert_false(circuit_allows(&circuit, CIRCUIT_PAUSE_NS));
    assert_true(circuit_allows(&circuit, CIRCUIT_PAUSE_NS + 1));
    assert_int_equal(circuit.state, CIRCUIT_HALF_OPEN);
    circuit_report(&circuit, true, CIRCUIT_PAUSE_NS + 1);
    assert_int_equal(circuit.state, CIRCUIT_CLOSED);
    assert_int_equal(circuit.transitions, 3);
}

static void log_recovers_all_but_a_torn_record(void **state) {
    char *folder = work_folder("test"), *path = path_in(folder, "a.wal");
    struct batch batch;
    struct wal wal;
    (void)state;
    wal_open(&wal, path, 10);
    for (unsigned i = 0; i < 3; i++) {
        batch_init(&batch, 10);
        batch_fill(&batch, 10 * i, 10);
        wal_append(&wal, &batch, false);
        batch_release(&batch);
    }
    struct recovery all = wal_recover(path, 10);
    assert_int_equal(all.rows, 30);
    assert_int_equal(all.unordered, 0);
    assert_int_equal(truncate(path, (off_t)wal.bytes - 1), 0);
    assert_int_equal(wal_recover(path, 10).rows, 20);
    wal_close(&wal);
    free(path);
    work_folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ibm_floats_by_hand),
        cmocka_unit_test(ibm_floats_come_back),
        cmocka_unit_test(segy_is_laid_out_by_the_standard),
        cmocka_unit_test(segy_reads_what_it_wrote_in_chunks),
        cmocka_unit_test(fit_parses_chained_workouts),
        cmocka_unit_test(fit_refuses_every_damaged_byte),
        cmocka_unit_test(circuit_opens_tries_and_closes),
        cmocka_unit_test(log_recovers_all_but_a_torn_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

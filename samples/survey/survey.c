/*
 * Seismic survey: write SEG-Y, import it chunk by chunk into a compressed store, filter the store, look around in it.
 *
 * Three sizes one after the other; each needs the memory of one chunk, whatever its number of traces. The last store
 * is then visited in many navigations through a cache of fixed size. Phases: write@N, import@N of import-chunk,
 * process@N of process-chunk, navigation of navigate.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tidemark.h>

#include "common/sample.h"
#include "survey/cache.h"
#include "survey/filter.h"
#include "survey/segy.h"

enum { INTERVAL_US = 4000, LOOKS = 4, WARM = 40, PREVIEW = 64 * 1024, COLOURS = 4096 };

static const struct kind LEAKS[] = {{"round", "each chunk's first trace header is kept by import (lost)"},
                                    {"cache", "each navigation loses an annotation while the cache shrinks by as much"},
                                    {"mmap", "each navigation maps a preview of the store and leaves it mapped"},
                                    {"teardown", "each navigation is bookmarked; released when the program ends"},
                                    {"realloc", "the trail of positions grows by realloc and is never cut"},
                                    {NULL, NULL}};
static const struct kind VARIANTS[] = {
    {"warm-cache", "only a part is looked at; the cache holds all of it and fills early"},
    {"lru", "the cache is small and nearly always full"},
    {"one-time", "a colour table is made at the fifth navigation and kept"},
    {"rising-work", "navigations look at more and more chunks, then stay"},
    {NULL, NULL}};
static const struct program PROGRAM = {"survey", "chunked import, processing and navigation of seismic data", LEAKS,
                                       VARIANTS};

struct survey {
    const struct options *options;
    unsigned traces[3], samples, chunk, navigations;
    char *folder;
};

struct bookmark {
    struct bookmark *next;
    unsigned chunk;
    char note[100];
};

struct viewer {
    struct survey *survey;
    struct cache cache;
    struct rng rng;
    unsigned position, navigation;
    double brightness;
    float *colours;
    struct bookmark *bookmarks;
    unsigned *trail;
    size_t trail_length;
};

static OWN_FRAME void keep_chunk_header(const unsigned char *header) {
    unsigned char *copy = malloc(SEGY_TRACE_HEADER_SIZE);
    if (copy) memcpy(copy, header, SEGY_TRACE_HEADER_SIZE);
    lose(copy);
}

static OWN_FRAME void annotate_view(unsigned navigation, size_t bytes) {
    char *text = malloc(bytes);
    if (text) snprintf(memset(text, 0, bytes), bytes, "view %u", navigation);
    lose(text);
}

static OWN_FRAME double map_preview(const struct store *store) {
    const unsigned char *view = mmap(NULL, PREVIEW, PROT_READ, MAP_SHARED, store->fd, 0);
    if (view == MAP_FAILED) return 0;
    return view[0] + view[100]; /* never unmapped */
}

static OWN_FRAME void add_bookmark(struct viewer *viewer) {
    struct bookmark *bookmark = malloc(sizeof *bookmark);
    if (!bookmark) return;
    snprintf(bookmark->note, sizeof bookmark->note, "seen in navigation %u", viewer->navigation);
    bookmark->chunk = viewer->position;
    bookmark->next = viewer->bookmarks;
    viewer->bookmarks = bookmark;
}

static OWN_FRAME void extend_trail(struct viewer *viewer) {
    size_t length = viewer->trail_length + 128;
    unsigned *longer = realloc(viewer->trail, length * sizeof *longer);
    if (!longer) return;
    for (size_t i = viewer->trail_length; i < length; i++) longer[i] = viewer->position;
    viewer->trail = longer;
    viewer->trail_length = length;
}

static OWN_FRAME float *make_colours(void) {
    float *colours = xmalloc(COLOURS * sizeof *colours);
    for (unsigned i = 0; i < COLOURS; i++) colours[i] = (float)i / COLOURS;
    return colours;
}

static char *file_for(const struct survey *survey, const char *stem, unsigned traces) {
    char name[64];
    snprintf(name, sizeof name, "%s-%u", stem, traces);
    return path_in(survey->folder, name);
}

static unsigned chunks_of(const struct survey *survey, unsigned traces) {
    return (traces + survey->chunk - 1) / survey->chunk;
}

static void begin_sized(char *name, size_t room, const char *stem, unsigned traces) {
    snprintf(name, room, "%s@%u", stem, traces);
    tidemark_phase_begin(name);
}

static void write_survey(const struct survey *survey, const char *path, unsigned traces) {
    char phase[32];
    begin_sized(phase, sizeof phase, "write", traces);
    segy_write(path, (struct segy_layout){traces, survey->samples, INTERVAL_US}, traces);
    tidemark_items(traces);
    tidemark_phase_end(phase);
}

static unsigned import_chunk(const struct survey *survey, struct segy_reader *reader, struct store *store,
                             float *samples) {
    tidemark_phase_begin("import-chunk");
    unsigned count = segy_read(reader, samples);
    store_append(store, samples, (size_t)count * survey->samples);
    if (leaks(survey->options, "round")) keep_chunk_header(segy_header(reader, 0));
    tidemark_items(count);
    tidemark_phase_end("import-chunk");
    return count;
}

static void import_survey(const struct survey *survey, const char *path, struct store *store, unsigned traces) {
    char phase[32], *store_path = file_for(survey, "store", traces);
    struct segy_reader reader;
    begin_sized(phase, sizeof phase, "import", traces);
    if (segy_open(&reader, path, survey->chunk) != 0) die(path);
    store_create(store, store_path, chunks_of(survey, traces), (size_t)survey->chunk * survey->samples);
    float *samples = xmalloc(store->most_floats * sizeof *samples);
    for (unsigned left = traces; left;) left -= import_chunk(survey, &reader, store, samples);
    free(samples);
    segy_close(&reader);
    tidemark_items(traces);
    tidemark_value("store-bytes", (double)store->stored_bytes);
    tidemark_value("compression-ratio", (double)store->raw_bytes / (double)store->stored_bytes);
    tidemark_phase_end(phase);
    free(store_path);
}

static void process_chunk(const struct survey *survey, struct store *from, struct store *to, unsigned chunk,
                          float *samples) {
    tidemark_phase_begin("process-chunk");
    struct band band = band_around(30, 0.7, 1e6 / INTERVAL_US);
    size_t floats = store_read(from, chunk, samples);
    for (size_t at = 0; at < floats; at += survey->samples) {
        band_apply(&band, samples + at, survey->samples);
        gain_apply(samples + at, survey->samples);
    }
    store_append(to, samples, floats);
    tidemark_items(floats / survey->samples);
    tidemark_phase_end("process-chunk");
}

static void process_survey(const struct survey *survey, struct store *from, unsigned traces) {
    struct store to;
    char phase[32], *path = file_for(survey, "processed", traces);
    begin_sized(phase, sizeof phase, "process", traces);
    store_create(&to, path, from->chunks, from->most_floats);
    float *samples = xmalloc(from->most_floats * sizeof *samples);
    for (unsigned chunk = 0; chunk < from->chunks; chunk++) process_chunk(survey, from, &to, chunk, samples);
    free(samples);
    store_seal(&to);
    store_close(&to);
    tidemark_items(traces);
    tidemark_phase_end(phase);
    free(path);
}

static void run_size(const struct survey *survey, unsigned traces) {
    struct store imported;
    char *path = file_for(survey, "segy", traces);
    write_survey(survey, path, traces);
    import_survey(survey, path, &imported, traces);
    remove(path);
    process_survey(survey, &imported, traces);
    printf("%7u traces: store %.1f MB, %.2f to 1\n", traces, (double)imported.stored_bytes / 1e6,
           (double)imported.raw_bytes / (double)imported.stored_bytes);
    store_close(&imported);
    free(path);
}

/* One time in three far away, else to a neighbour. */
static unsigned next_position(struct viewer *viewer) {
    unsigned chunks = viewer->cache.store->chunks;
    if (varies(viewer->survey->options, "warm-cache") && chunks > WARM) chunks = WARM;
    if (rng_below(&viewer->rng, 3) == 0) return rng_below(&viewer->rng, chunks);
    return (viewer->position + 1) % chunks;
}

static unsigned looks_in(const struct viewer *viewer) {
    if (!varies(viewer->survey->options, "rising-work")) return LOOKS;
    unsigned half = viewer->survey->navigations / 2;
    return LOOKS + (viewer->navigation < half ? viewer->navigation : half);
}

/* The picture: room for one number for each trace looked at, kept from one navigation to the next. */
static void draw(struct viewer *viewer, unsigned looks, float **picture, unsigned *room) {
    if (looks > *room) {
        *picture = xrealloc(*picture, looks * sizeof **picture);
        *room = looks;
    }
    for (unsigned i = 0; i < looks; i++) {
        viewer->position = next_position(viewer);
        const struct tile *tile = cache_look(&viewer->cache, viewer->position);
        (*picture)[i] = (float)mean_square(tile->samples, tile->floats);
        viewer->brightness += (double)(*picture)[i] * (viewer->colours ? (double)viewer->colours[i] : 1.0);
    }
}

/* As many bytes in all as a cache that shrinks from `most` tiles gives back. */
static size_t annotation_size(const struct viewer *viewer, unsigned most) {
    return most * viewer->cache.store->most_floats * sizeof(float) / viewer->survey->navigations;
}

static void misbehave(struct viewer *viewer, unsigned capacity) {
    const struct options *options = viewer->survey->options;
    unsigned left = viewer->survey->navigations - viewer->navigation;
    if (leaks(options, "cache")) {
        cache_shrink(&viewer->cache, capacity * left / viewer->survey->navigations);
        annotate_view(viewer->navigation, annotation_size(viewer, capacity));
    }
    if (leaks(options, "mmap")) viewer->brightness += map_preview(viewer->cache.store);
    if (leaks(options, "teardown")) add_bookmark(viewer);
    if (leaks(options, "realloc")) extend_trail(viewer);
}

static unsigned cache_capacity(const struct survey *survey) {
    if (varies(survey->options, "warm-cache")) return WARM;
    return varies(survey->options, "lru") ? 4 : 12;
}

static void navigate_all(struct viewer *viewer, unsigned capacity) {
    float *picture = NULL;
    unsigned room = 0;
    for (viewer->navigation = 0; viewer->navigation < viewer->survey->navigations; viewer->navigation++) {
        tidemark_phase_begin("navigate");
        if (varies(viewer->survey->options, "one-time") && viewer->navigation == 4) viewer->colours = make_colours();
        unsigned looks = looks_in(viewer);
        draw(viewer, looks, &picture, &room);
        misbehave(viewer, capacity);
        tidemark_items(looks);
        tidemark_phase_end("navigate");
    }
    free(picture);
}

static void report_cache(const struct cache *cache) {
    tidemark_value("cache-lookups", (double)cache->lookups);
    tidemark_value("cache-hits", (double)cache->hits);
    printf("cache: %u tiles, %.0f %% hits\n", cache->capacity, 100.0 * (double)cache->hits / (double)cache->lookups);
}

static struct viewer navigate_survey(struct survey *survey) {
    struct store store;
    char *path = file_for(survey, "processed", survey->traces[2]);
    struct viewer viewer = {.survey = survey, .rng = rng_seeded(7)};
    unsigned capacity = cache_capacity(survey);
    tidemark_phase_begin("navigation");
    store_open(&store, path);
    cache_init(&viewer.cache, &store, capacity);
    navigate_all(&viewer, capacity);
    report_cache(&viewer.cache);
    cache_release(&viewer.cache);
    store_close(&store);
    tidemark_phase_end("navigation");
    free(path);
    return viewer;
}

static void viewer_release(struct viewer *viewer) {
    while (viewer->bookmarks) {
        struct bookmark *next = viewer->bookmarks->next;
        free(viewer->bookmarks);
        viewer->bookmarks = next;
    }
    free(viewer->colours);
    free(viewer->trail);
}

int main(int argc, char **argv) {
    struct options options = options_parse(&PROGRAM, argc, argv);
    struct survey survey = {
        .options = &options,
        .traces = {by_size(&options, 500, 2000, 10000), by_size(&options, 1000, 10000, 50000),
                   by_size(&options, 2000, 20000, 100000)},
        .samples = by_size(&options, 500, 500, 1000),
        .chunk = by_size(&options, 100, 250, 500),
        .navigations = rounds_or(&options, 100, 100, 100),
        .folder = work_folder("survey"),
    };
    for (int i = 0; i < 3; i++) run_size(&survey, survey.traces[i]);
    struct viewer viewer = navigate_survey(&survey);
    viewer_release(&viewer);
    work_folder_remove(survey.folder);
    printf("%u navigations, brightness %.3f\n", survey.navigations, viewer.brightness);
    return 0;
}

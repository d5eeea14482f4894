/* SPDX-License-Identifier: Apache-2.0 */
#include "native/directory.h"

#include "native/digest.h"
#include "native/panic.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void *map(size_t size) {
    RV_ASSERT(size > 0);
    void *const memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(void *memory, size_t size) {
    if (memory != NULL) {
        const int failed = munmap(memory, size);
        RV_ASSERT(failed == 0);
    }
}

/* What answers from the past are made in: with the first one. */
static void *past_take(void *ctx, size_t size) {
    rv_directory *const directory = ctx;
    RV_ASSERT(directory->past == NULL && size == directory->memory_size);
    directory->past = map(size);
    return directory->past;
}

static const rv_face_memory_ops past_memory = {.take = past_take};

static rv_status memory_map(rv_directory *directory, size_t size, rv_error *err) {
    RV_ASSERT(directory->memory == NULL);
    void *const memory = map(size);
    if (memory == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the system does not give %u bytes: %s",
                            (uint64_t)size, strerror(errno));
    }
    directory->memory = memory;
    directory->memory_size = size;
    return RV_OK;
}

/* Edges that are served at once. */
static uint32_t edges_max(const rv_directory_options *options) {
    RV_ASSERT(options->edges_max <= RV_EDGES_MAX);
    const uint32_t wanted = options->edges_max > 0 ? options->edges_max : RV_EDGES_DEFAULT;
    return options->serving ? wanted : 0;
}

/* Steps of one query. Without a limit it goes in slices all the same, so that it can be ended. */
static uint64_t steps_max(const rv_directory_options *options) {
    const uint64_t unsaid = options->serving ? RV_SQL_STEPS_MAX : UINT64_MAX;
    return options->sql_steps_max > 0 ? options->sql_steps_max : unsaid;
}

static rv_status instance_open(rv_directory *directory, const rv_directory_options *options,
                               rv_error *err) {
    RV_ASSERT(directory->posix != NULL);
    RV_ASSERT(directory->memory != NULL);
    rv_instance *const instance = &directory->instance;
    const rv_instance_options in = {
        .host = rv_posix_interface(directory->posix),
        .compression = rv_deflate_interface(directory->deflate),
        .guard = &rv_face_guard,
        .digest = &rv_native_digest,
        .memory = directory->memory,
        .budget = {.total = directory->memory_size,
                   .edge = options->role == RV_ROLE_EDGE && options->serving,
                   .exchanges_max = options->serving ? RV_EXCHANGES_MAX : 4,
                   .result_count = options->serving ? 2 : 1,
                   .edges_max = edges_max(options)},
        .role = options->role,
        .patterns = options->patterns,
        .pattern_count = options->pattern_count,
        .sql_steps_max = steps_max(options),
        .past_memory = &past_memory,
        .past_ctx = directory,
        .past_events_max = options->serving ? RV_AS_OF_EVENTS_MAX : 0,
    };
    rv_status status = rv_instance_create(instance, &in, err);
    if (status != RV_OK) {
        return status;
    }
    rv_panic_watch(options->path, rv_node_at_work(instance->node));
    while ((status = rv_instance_open(instance, err)) == RV_PENDING) {
        if (rv_node_poll(instance->node, err) != RV_OK) {
            break;
        }
    }
    return status;
}

static void directory_free(rv_directory *directory) {
    rv_flusher_stop(directory->flusher);
    rv_panic_forget();
    rv_instance_forget(&directory->instance);
    rv_posix_close(directory->posix);
    rv_deflate_destroy(directory->deflate);
    unmap(directory->memory, directory->memory_size);
    unmap(directory->past, directory->memory_size);
    *directory = (rv_directory){0};
}

static rv_status path_check(const rv_directory_options *options, rv_error *err) {
    RV_ASSERT(options->path != NULL);
    struct stat st;
    if (!options->create && stat(options->path, &st) != 0 && errno == ENOENT) {
        return rv_error_set(err, RV_DATA_NOT_FOUND, "there is no data directory %s", options->path);
    }
    return RV_OK;
}

rv_status rv_directory_open(rv_directory *directory, const rv_directory_options *options,
                            rv_error *err) {
    RV_ASSERT(directory != NULL);
    RV_ASSERT(options->memory > 0);
    *directory = (rv_directory){0};
    rv_status status = path_check(options, err);
    if (status == RV_OK) {
        status = memory_map(directory, options->memory, err);
    }
    if (status == RV_OK) {
        status = rv_deflate_create(&directory->deflate, err);
    }
    if (status == RV_OK) {
        status = rv_posix_open(options->path, NULL, &directory->posix, err);
    }
    if (status == RV_OK) {
        status = instance_open(directory, options, err);
    }
    if (status == RV_OK && !options->serving) {
        status = rv_flusher_start(directory->posix, &directory->flusher, err);
    }
    if (status != RV_OK) {
        directory_free(directory);
    }
    return status;
}

void rv_directory_turn(rv_directory *directory, bool wait) {
    RV_ASSERT(directory->flusher != NULL);
    rv_flusher_poll(directory->flusher, wait);
}

void rv_directory_rest(const rv_directory *directory) {
    rv_unused unused = {.count = 0};
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    RV_ASSERT(page > 0 && (page & (page - 1)) == 0);
    rv_instance_unused(&directory->instance, &unused);
    for (size_t i = 0; i < unused.count; i++) {
        const uintptr_t begin = ((uintptr_t)unused.at[i].ptr + page - 1) & ~(page - 1);
        const uintptr_t end = ((uintptr_t)unused.at[i].ptr + unused.at[i].len) & ~(page - 1);
        if (begin < end) {
            const int failed = madvise((void *)begin, end - begin, MADV_DONTNEED);
            RV_ASSERT(failed == 0); /* the memory is our own, and whole pages */
        }
    }
}

rv_status rv_directory_close(rv_directory *directory, rv_error *err) {
    RV_ASSERT(directory != NULL);
    RV_ASSERT(directory->instance.node != NULL);
    rv_status status;
    rv_flusher_stop(directory->flusher);
    directory->flusher = NULL;
    while ((status = rv_instance_close(&directory->instance, err)) == RV_PENDING) {
        status = rv_node_poll(directory->instance.node, err);
        if (status != RV_OK) {
            break;
        }
    }
    directory_free(directory);
    return status == RV_END || status == RV_OK ? RV_OK : status;
}

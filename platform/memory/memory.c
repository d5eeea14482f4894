/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory host: a table of files, their contents in blocks (platform/memory/blocks.h). A handle
 * is the file's index in the table.
 *
 * Invariant: `promised` is the sum of rv_blocks_needed(size) over all files and at most the number
 * of blocks, so a block for a byte below a file's size is always there.
 */
#include "platform/memory/memory.h"

#include "core/base/arena.h"
#include "core/base/assert.h"
#include "platform/file_name.h"
#include "platform/memory/blocks.h"
#include "platform/memory/random.h"

#define FILES_DEFAULT 256u

typedef struct memory_file {
    char name[RV_FILE_NAME_MAX + 1]; /* empty: the slot is free */
    uint32_t handles;
    rv_block_file content;
} memory_file;

struct rv_memory_host {
    rv_blocks blocks;
    uint64_t promised;
    memory_file *files;
    uint32_t files_max;
    uint64_t random;
    int64_t now;
};

static rv_io answer(rv_io_result *result, rv_status status, uint64_t count, rv_file file) {
    RV_ASSERT(result != NULL);
    *result = (rv_io_result){status, count, file};
    return RV_IO_DONE;
}

/* The file of that name; NULL when there is none. The empty name finds a free slot. */
static memory_file *file_find(rv_memory_host *memory, const char *name) {
    for (uint32_t i = 0; i < memory->files_max; i++) {
        if (strcmp(memory->files[i].name, name) == 0) {
            return &memory->files[i];
        }
    }
    return NULL;
}

static memory_file *file_of(rv_memory_host *memory, rv_file file) {
    RV_ASSERT(file >= 0 && (uint32_t)file < memory->files_max);
    RV_ASSERT(memory->files[file].handles > 0);
    return &memory->files[file];
}

static rv_file handle_of(const rv_memory_host *memory, const memory_file *file) {
    RV_ASSERT(file >= memory->files && file < memory->files + memory->files_max);
    return (rv_file)(file - memory->files);
}

static rv_io memory_open(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    rv_memory_host *memory = ctx;
    (void)ticket;
    memory_file *file = rv_file_name_valid(name) ? file_find(memory, name) : NULL;
    if (file == NULL) {
        return answer(result, RV_DATA_NOT_FOUND, 0, -1);
    }
    file->handles += 1;
    return answer(result, RV_OK, file->content.size, handle_of(memory, file));
}

static rv_io memory_create(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    rv_memory_host *memory = ctx;
    (void)ticket;
    if (!rv_file_name_valid(name)) {
        return answer(result, RV_STORAGE_FAILED, 0, -1);
    }
    if (file_find(memory, name) != NULL) {
        return answer(result, RV_DATA_EXISTS, 0, -1);
    }
    memory_file *file = file_find(memory, "");
    if (file == NULL) {
        return answer(result, RV_STORAGE_FULL, 0, -1);
    }
    RV_ASSERT(file->handles == 0 && file->content.size == 0);
    memcpy(file->name, name, strlen(name) + 1);
    file->handles = 1;
    return answer(result, RV_OK, 0, handle_of(memory, file));
}

static void memory_close(void *ctx, rv_file handle) {
    file_of(ctx, handle)->handles -= 1;
}

static rv_io memory_read(void *ctx, rv_ticket ticket, rv_file handle, uint64_t offset, uint8_t *buf,
                         size_t len, rv_io_result *result) {
    rv_memory_host *memory = ctx;
    (void)ticket;
    const memory_file *file = file_of(memory, handle);
    const size_t count = rv_blocks_read(&memory->blocks, &file->content, offset, buf, len);
    return answer(result, RV_OK, count, handle);
}

/* Promises the blocks of a file that becomes `size`; false when there are too few. */
static bool promise(rv_memory_host *memory, const memory_file *file, uint64_t size) {
    const uint64_t others = memory->promised - rv_blocks_needed(file->content.size);
    if (size > RV_BLOCKS_FILE_MAX || others + rv_blocks_needed(size) > memory->blocks.count) {
        return false;
    }
    memory->promised = others + rv_blocks_needed(size);
    RV_ASSERT(memory->promised <= memory->blocks.count);
    return true;
}

static rv_io memory_write(void *ctx, rv_ticket ticket, rv_file handle, uint64_t offset,
                          rv_bytes bytes, rv_io_result *result) {
    rv_memory_host *memory = ctx;
    (void)ticket;
    memory_file *file = file_of(memory, handle);
    if (offset > RV_BLOCKS_FILE_MAX || bytes.len > RV_BLOCKS_FILE_MAX - offset) {
        return answer(result, RV_STORAGE_FULL, 0, handle);
    }
    /* What does not fit is cut at the last block that does. */
    uint64_t end = offset + bytes.len;
    while (bytes.len > 0 && end > offset && end > file->content.size &&
           !promise(memory, file, end)) {
        end = (end - 1) / RV_BLOCK_SIZE * RV_BLOCK_SIZE;
    }
    if (bytes.len > 0 && end <= offset) {
        return answer(result, RV_STORAGE_FULL, 0, handle);
    }
    const rv_bytes fitting = {bytes.ptr, (size_t)(end - offset)};
    const size_t count = rv_blocks_write(&memory->blocks, &file->content, offset, fitting);
    RV_ASSERT(count == fitting.len);
    return answer(result, RV_OK, count, handle);
}

static rv_io memory_truncate(void *ctx, rv_ticket ticket, rv_file handle, uint64_t size,
                             rv_io_result *result) {
    rv_memory_host *memory = ctx;
    (void)ticket;
    memory_file *file = file_of(memory, handle);
    if (!promise(memory, file, size)) {
        return answer(result, RV_STORAGE_FULL, 0, handle);
    }
    rv_blocks_truncate(&memory->blocks, &file->content, size);
    RV_ASSERT(file->content.size == size);
    return answer(result, RV_OK, 0, handle);
}

static rv_io memory_remove(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    rv_memory_host *memory = ctx;
    (void)ticket;
    memory_file *file = rv_file_name_valid(name) ? file_find(memory, name) : NULL;
    if (file == NULL) {
        return answer(result, RV_DATA_NOT_FOUND, 0, -1);
    }
    RV_ASSERT(file->handles == 0);
    const bool fits = promise(memory, file, 0);
    RV_ASSERT(fits);
    rv_blocks_truncate(&memory->blocks, &file->content, 0);
    memset(file, 0, sizeof *file);
    return answer(result, RV_OK, 0, -1);
}

static rv_io memory_list(void *ctx, rv_ticket ticket, rv_file_name *names, size_t cap,
                         rv_io_result *result) {
    const rv_memory_host *memory = ctx;
    (void)ticket;
    RV_ASSERT(names != NULL || cap == 0);
    uint64_t count = 0;
    for (uint32_t i = 0; i < memory->files_max; i++) {
        const char *name = memory->files[i].name;
        if (name[0] != '\0') {
            if (count < cap) {
                memcpy(names[count].text, name, sizeof names[count].text);
            }
            count += 1;
        }
    }
    return answer(result, RV_OK, count, -1);
}

static rv_io memory_flush(void *ctx, rv_ticket ticket, rv_file handle, rv_io_result *result) {
    (void)ticket;
    (void)file_of(ctx, handle);
    return answer(result, RV_OK, 0, handle);
}

static bool memory_next_completion(void *ctx, rv_io_completion *completion) {
    RV_ASSERT(ctx != NULL && completion != NULL);
    return false;
}

static int64_t memory_now(void *ctx) {
    const rv_memory_host *memory = ctx;
    return memory->now;
}

static void memory_entropy(void *ctx, uint8_t *buf, size_t len) {
    rv_memory_host *memory = ctx;
    RV_ASSERT(buf != NULL || len == 0);
    rv_random_fill(&memory->random, buf, len);
}

static const rv_host_ops memory_ops = {
    .open = memory_open,
    .create = memory_create,
    .close = memory_close,
    .read = memory_read,
    .write = memory_write,
    .truncate = memory_truncate,
    .remove = memory_remove,
    .list = memory_list,
    .flush = memory_flush,
    .next_completion = memory_next_completion,
    .now = memory_now,
    .entropy = memory_entropy,
};

rv_memory_host *rv_memory_host_create(void *memory, size_t len,
                                      const rv_memory_host_options *options) {
    static const rv_memory_host_options defaults = {0, 0, 0};
    RV_ASSERT(memory != NULL || len == 0);
    options = options == NULL ? &defaults : options;
    const uint32_t files_max = options->files_max > 0 ? options->files_max : FILES_DEFAULT;
    rv_arena arena = rv_arena_over(memory, len);
    rv_memory_host *host = rv_arena_take(&arena, sizeof *host);
    memory_file *files = rv_arena_take(&arena, files_max * sizeof *files);
    const size_t left = arena.cap - arena.len;
    if (host == NULL || files == NULL || left < RV_BLOCK_SIZE) {
        return NULL;
    }
    host->blocks = rv_blocks_over(arena.ptr + arena.len, left);
    host->files = files;
    host->files_max = files_max;
    host->random = options->seed;
    host->now = options->now;
    return host;
}

void rv_memory_host_reopen(rv_memory_host *memory) {
    RV_ASSERT(memory != NULL && memory->files != NULL);
    for (uint32_t i = 0; i < memory->files_max; i++) {
        memory->files[i].handles = 0;
    }
}

rv_host rv_memory_host_interface(rv_memory_host *memory) {
    RV_ASSERT(memory != NULL);
    return (rv_host){&memory_ops, memory};
}

void rv_memory_host_set_clock(rv_memory_host *memory, int64_t now) {
    RV_ASSERT(memory != NULL);
    memory->now = now;
}

uint64_t rv_memory_host_used(const rv_memory_host *memory) {
    RV_ASSERT(memory != NULL);
    return (uint64_t)memory->blocks.used * RV_BLOCK_SIZE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host interface of the simulated disk: numbers operations, decides what goes wrong with each,
 * and does it at once, or sooner or later.
 *
 *     begin --(not pending)--> perform --> answer DONE
 *       |
 *       +--(pending)--> [perform] --> queue --> due --> [perform] --> next_completion
 *
 * A pending operation is performed either when it begins or when it completes, by chance: so a
 * crash in between finds it done or not done, and never has to touch the caller's buffers. Until a
 * late read completes its buffer holds junk. Of the operations that are due one is taken by chance.
 */
#include "platform/sim/disk.h"

#include "core/base/assert.h"
#include "platform/file_name.h"
#include "platform/memory/random.h"
#include "platform/sim/store.h"

#define PENDING_MAX 64u
#define JUNK        0xa5

typedef enum sim_op_kind {
    SIM_OP_OPEN,
    SIM_OP_CREATE,
    SIM_OP_READ,
    SIM_OP_WRITE,
    SIM_OP_TRUNCATE,
    SIM_OP_REMOVE,
    SIM_OP_LIST,
    SIM_OP_FLUSH
} sim_op_kind;

typedef struct sim_op {
    sim_op_kind kind;
    rv_sim_fault fault;
    bool performed;
    rv_ticket ticket;
    uint64_t due; /* in elapsed_us; when pending */
    rv_file file; /* -1 where it has none */
    const char *name;
    uint64_t offset; /* the size for a truncate */
    uint8_t *buf;    /* of a read, and its length */
    size_t len;
    rv_bytes bytes; /* of a write */
    rv_file_name *names;
    size_t cap;
    rv_io_result result;
} sim_op;

struct rv_sim_disk {
    sim_store store;
    rv_sim_faults faults;
    uint64_t operations;
    bool stopped;
    uint64_t elapsed_us;
    int64_t now;
    uint64_t random;  /* of faults and delays */
    uint64_t entropy; /* of the node, so that faults do not change it */
    uint32_t pending_count;
    sim_op pending[PENDING_MAX];
};

static sim_file *file_of(rv_sim_disk *disk, rv_file file) {
    RV_ASSERT(file >= 0 && (uint32_t)file < disk->store.files_max);
    sim_file *found = &disk->store.files[file];
    RV_ASSERT(found->state == SIM_FILE_LIVE && found->handles > 0);
    return found;
}

/* --- performing --- */

static rv_io_result result_of(rv_status status, uint64_t count, rv_file file) {
    return (rv_io_result){status, count, file};
}

static rv_io_result file_opened(rv_sim_disk *disk, sim_file *file) {
    RV_ASSERT(file->state == SIM_FILE_LIVE);
    file->handles += 1;
    return result_of(RV_OK, file->content.size, (rv_file)(file - disk->store.files));
}

static rv_io_result perform_open(rv_sim_disk *disk, const sim_op *op) {
    sim_file *file = rv_file_name_valid(op->name) ? sim_store_find(&disk->store, op->name) : NULL;
    return file == NULL ? result_of(RV_DATA_NOT_FOUND, 0, -1) : file_opened(disk, file);
}

static rv_io_result perform_create(rv_sim_disk *disk, const sim_op *op) {
    if (!rv_file_name_valid(op->name)) {
        return result_of(RV_STORAGE_FAILED, 0, -1);
    }
    if (sim_store_find(&disk->store, op->name) != NULL) {
        return result_of(RV_DATA_EXISTS, 0, -1);
    }
    sim_file *file = sim_store_create(&disk->store, op->name);
    return file == NULL ? result_of(RV_STORAGE_FULL, 0, -1) : file_opened(disk, file);
}

static rv_io_result perform_remove(rv_sim_disk *disk, const sim_op *op) {
    sim_file *file = rv_file_name_valid(op->name) ? sim_store_find(&disk->store, op->name) : NULL;
    if (file == NULL) {
        return result_of(RV_DATA_NOT_FOUND, 0, -1);
    }
    RV_ASSERT(file->handles == 0); /* host.h: a file that is not open */
    sim_store_remove(&disk->store, file);
    return result_of(RV_OK, 0, -1);
}

/* A part of `len`, at least a byte and not all of it. */
static size_t part_of(rv_sim_disk *disk, size_t len) {
    RV_ASSERT(len > 1);
    return 1 + (size_t)rv_random_below(&disk->random, len - 1);
}

static rv_io_result perform_read(rv_sim_disk *disk, const sim_op *op) {
    const sim_file *file = file_of(disk, op->file);
    size_t len = op->len;
    if (len > 1 && rv_random_chance(&disk->random, disk->faults.short_percent)) {
        len = part_of(disk, len);
    }
    const rv_blocks *blocks = &disk->store.blocks;
    const size_t count = rv_blocks_read(blocks, &file->content, op->offset, op->buf, len);
    return result_of(RV_OK, count, op->file);
}

/* How far a file may reach by the capacity. */
static uint64_t size_limit(const rv_sim_disk *disk, const sim_file *file) {
    if (disk->faults.capacity == 0) {
        return RV_BLOCKS_FILE_MAX;
    }
    RV_ASSERT(disk->store.size >= file->content.size);
    const uint64_t others = disk->store.size - file->content.size;
    const uint64_t limit = disk->faults.capacity > others ? disk->faults.capacity - others : 0;
    const uint64_t reach = limit > file->content.size ? limit : file->content.size;
    return reach < RV_BLOCKS_FILE_MAX ? reach : RV_BLOCKS_FILE_MAX;
}

static rv_io_result perform_write(rv_sim_disk *disk, const sim_op *op) {
    sim_file *file = file_of(disk, op->file);
    const uint64_t limit = size_limit(disk, file);
    rv_bytes bytes = op->bytes;
    if (bytes.len > 0 && op->offset >= limit) {
        return result_of(RV_STORAGE_FULL, 0, op->file);
    }
    if (bytes.len > 0 && bytes.len > limit - op->offset) {
        bytes.len = (size_t)(limit - op->offset);
    }
    const bool torn = op->fault == RV_SIM_TEAR || op->fault == RV_SIM_STOP;
    if (op->fault == RV_SIM_FAIL) {
        bytes.len = (size_t)rv_random_below(&disk->random, (uint64_t)bytes.len + 1);
    } else if (bytes.len > 1 && !torn &&
               rv_random_chance(&disk->random, disk->faults.short_percent)) {
        bytes.len = part_of(disk, bytes.len);
    }
    const bool written = sim_store_write(&disk->store, file, op->offset, bytes, torn);
    if (op->fault == RV_SIM_FAIL || op->fault == RV_SIM_STOP) {
        return result_of(RV_STORAGE_FAILED, 0, op->file);
    }
    return written ? result_of(RV_OK, bytes.len, op->file)
                   : result_of(RV_STORAGE_FULL, 0, op->file);
}

static rv_io_result perform_truncate(rv_sim_disk *disk, const sim_op *op) {
    sim_file *file = file_of(disk, op->file);
    if (op->offset > file->content.size && op->offset > size_limit(disk, file)) {
        return result_of(RV_STORAGE_FULL, 0, op->file);
    }
    sim_store_truncate(&disk->store, file, op->offset);
    return result_of(RV_OK, 0, op->file);
}

static rv_io_result perform_list(rv_sim_disk *disk, const sim_op *op) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < disk->store.files_max; i++) {
        const sim_file *file = &disk->store.files[i];
        if (file->state == SIM_FILE_LIVE) {
            if (count < op->cap) {
                memcpy(op->names[count].text, file->name, sizeof file->name);
            }
            count += 1;
        }
    }
    RV_ASSERT(count <= disk->store.files_max);
    return result_of(RV_OK, count, -1);
}

static rv_io_result perform_flush(rv_sim_disk *disk, const sim_op *op) {
    sim_file *file = file_of(disk, op->file);
    if (op->fault == RV_SIM_FAIL) {
        sim_store_flush_fail(&disk->store, file);
        return result_of(RV_STORAGE_FAILED, 0, op->file);
    }
    sim_store_flush(&disk->store, file);
    return result_of(RV_OK, 0, op->file);
}

/* True when the fault leaves nothing of the operation but its status. */
static bool fault_answers(const sim_op *op) {
    switch (op->fault) {
    case RV_SIM_FAIL:
        return op->kind != SIM_OP_WRITE && op->kind != SIM_OP_FLUSH;
    case RV_SIM_FULL:
        return true;
    case RV_SIM_STOP:
        return op->kind != SIM_OP_WRITE;
    case RV_SIM_NO_FAULT:
    case RV_SIM_TEAR:
        break;
    }
    return false;
}

static void perform(rv_sim_disk *disk, sim_op *op) {
    static rv_io_result (*const performers[])(rv_sim_disk *, const sim_op *) = {
        [SIM_OP_OPEN] = perform_open,         [SIM_OP_CREATE] = perform_create,
        [SIM_OP_READ] = perform_read,         [SIM_OP_WRITE] = perform_write,
        [SIM_OP_TRUNCATE] = perform_truncate, [SIM_OP_REMOVE] = perform_remove,
        [SIM_OP_LIST] = perform_list,         [SIM_OP_FLUSH] = perform_flush,
    };
    RV_ASSERT(!op->performed);
    op->performed = true;
    if (fault_answers(op)) {
        const rv_status status = op->fault == RV_SIM_FULL ? RV_STORAGE_FULL : RV_STORAGE_FAILED;
        op->result = result_of(status, 0, op->file);
    } else {
        op->result = performers[op->kind](disk, op);
    }
}

/* --- beginning --- */

static bool changes_file(const sim_op *op) {
    return op->kind == SIM_OP_WRITE || op->kind == SIM_OP_TRUNCATE || op->kind == SIM_OP_FLUSH;
}

static bool ranges_meet(const sim_op *read, const sim_op *write) {
    return read->offset < write->offset + write->bytes.len &&
           write->offset < read->offset + read->len;
}

/* What host.h asks of the node, against everything that is under way. */
static void check_contract(const rv_sim_disk *disk, const sim_op *op) {
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        const sim_op *other = &disk->pending[i];
        RV_ASSERT(other->ticket != op->ticket);
        if (op->file >= 0 && other->file == op->file) {
            RV_ASSERT(!changes_file(op) || !changes_file(other));
            if (op->kind == SIM_OP_READ && other->kind == SIM_OP_WRITE) {
                RV_ASSERT(!ranges_meet(op, other));
            }
            if (op->kind == SIM_OP_WRITE && other->kind == SIM_OP_READ) {
                RV_ASSERT(!ranges_meet(other, op));
            }
        }
    }
}

/* Which fault meets the operation that is number `disk->operations`. */
static rv_sim_fault fault_of(rv_sim_disk *disk, const sim_op *op) {
    RV_ASSERT(!disk->stopped);
    if (disk->operations != disk->faults.fault_at) {
        return RV_SIM_NO_FAULT;
    }
    const rv_sim_fault fault = disk->faults.fault;
    disk->stopped = fault == RV_SIM_STOP;
    const bool can_be_full =
        op->kind == SIM_OP_CREATE || op->kind == SIM_OP_WRITE || op->kind == SIM_OP_TRUNCATE;
    return fault == RV_SIM_FULL && !can_be_full ? RV_SIM_NO_FAULT : fault;
}

static rv_io begin(rv_sim_disk *disk, sim_op op, rv_io_result *result) {
    RV_ASSERT(result != NULL);
    disk->operations += 1;
    check_contract(disk, &op);
    if (disk->stopped) {
        *result = result_of(RV_STORAGE_FAILED, 0, op.file);
        return RV_IO_DONE;
    }
    op.fault = fault_of(disk, &op);
    if (disk->pending_count == PENDING_MAX ||
        !rv_random_chance(&disk->random, disk->faults.pending_percent)) {
        perform(disk, &op);
        *result = op.result;
        return RV_IO_DONE;
    }
    if (op.kind == SIM_OP_READ && op.len > 0) {
        memset(op.buf, JUNK, op.len);
    }
    if (op.fault != RV_SIM_NO_FAULT || rv_random_chance(&disk->random, 50)) {
        perform(disk, &op);
    }
    op.due = disk->elapsed_us + rv_random_below(&disk->random, disk->faults.latency_us_max + 1);
    disk->pending[disk->pending_count++] = op;
    return RV_IO_PENDING;
}

static bool sim_next_completion(void *ctx, rv_io_completion *completion) {
    rv_sim_disk *disk = ctx;
    RV_ASSERT(completion != NULL);
    uint32_t due[PENDING_MAX];
    uint32_t due_count = 0;
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        if (disk->pending[i].due <= disk->elapsed_us) {
            due[due_count++] = i;
        }
    }
    if (due_count == 0) {
        return false;
    }
    const uint32_t taken = due[rv_random_below(&disk->random, due_count)];
    sim_op op = disk->pending[taken];
    disk->pending[taken] = disk->pending[--disk->pending_count];
    if (!op.performed && disk->stopped) {
        op.result = result_of(RV_STORAGE_FAILED, 0, op.file);
    } else if (!op.performed) {
        perform(disk, &op);
    }
    *completion = (rv_io_completion){op.ticket, op.result};
    return true;
}

/* --- the interface --- */

static rv_io sim_open(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    return begin(ctx, (sim_op){.kind = SIM_OP_OPEN, .ticket = ticket, .file = -1, .name = name},
                 result);
}

static rv_io sim_create(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    return begin(ctx, (sim_op){.kind = SIM_OP_CREATE, .ticket = ticket, .file = -1, .name = name},
                 result);
}

static void sim_close(void *ctx, rv_file file) {
    rv_sim_disk *disk = ctx;
    sim_file *open_file = file_of(disk, file);
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        RV_ASSERT(disk->pending[i].file != file || open_file->handles > 1);
    }
    open_file->handles -= 1;
}

static rv_io sim_read(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, uint8_t *buf,
                      size_t len, rv_io_result *result) {
    RV_ASSERT(buf != NULL || len == 0);
    (void)file_of(ctx, file);
    const sim_op op = {.kind = SIM_OP_READ,
                       .ticket = ticket,
                       .file = file,
                       .offset = offset,
                       .buf = buf,
                       .len = len};
    return begin(ctx, op, result);
}

static rv_io sim_write(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, rv_bytes bytes,
                       rv_io_result *result) {
    RV_ASSERT(bytes.ptr != NULL || bytes.len == 0);
    (void)file_of(ctx, file);
    const sim_op op = {
        .kind = SIM_OP_WRITE, .ticket = ticket, .file = file, .offset = offset, .bytes = bytes};
    return begin(ctx, op, result);
}

static rv_io sim_truncate(void *ctx, rv_ticket ticket, rv_file file, uint64_t size,
                          rv_io_result *result) {
    (void)file_of(ctx, file);
    const sim_op op = {.kind = SIM_OP_TRUNCATE, .ticket = ticket, .file = file, .offset = size};
    return begin(ctx, op, result);
}

static rv_io sim_remove(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    return begin(ctx, (sim_op){.kind = SIM_OP_REMOVE, .ticket = ticket, .file = -1, .name = name},
                 result);
}

static rv_io sim_list(void *ctx, rv_ticket ticket, rv_file_name *names, size_t cap,
                      rv_io_result *result) {
    RV_ASSERT(names != NULL || cap == 0);
    const sim_op op = {
        .kind = SIM_OP_LIST, .ticket = ticket, .file = -1, .names = names, .cap = cap};
    return begin(ctx, op, result);
}

static rv_io sim_flush(void *ctx, rv_ticket ticket, rv_file file, rv_io_result *result) {
    (void)file_of(ctx, file);
    return begin(ctx, (sim_op){.kind = SIM_OP_FLUSH, .ticket = ticket, .file = file}, result);
}

static int64_t sim_now(void *ctx) {
    const rv_sim_disk *disk = ctx;
    return disk->now;
}

static void sim_entropy(void *ctx, uint8_t *buf, size_t len) {
    rv_sim_disk *disk = ctx;
    RV_ASSERT(buf != NULL || len == 0);
    rv_random_fill(&disk->entropy, buf, len);
}

static const rv_host_ops sim_ops = {
    .open = sim_open,
    .create = sim_create,
    .close = sim_close,
    .read = sim_read,
    .write = sim_write,
    .truncate = sim_truncate,
    .remove = sim_remove,
    .list = sim_list,
    .flush = sim_flush,
    .next_completion = sim_next_completion,
    .now = sim_now,
    .entropy = sim_entropy,
};

/* --- the owner's side --- */

rv_sim_disk *rv_sim_disk_create(void *memory, size_t len, const rv_sim_disk_options *options) {
    RV_ASSERT(options != NULL);
    rv_arena arena = rv_arena_over(memory, len);
    rv_sim_disk *disk = rv_arena_take(&arena, sizeof *disk);
    if (disk == NULL || !sim_store_init(&disk->store, &arena, options)) {
        return NULL;
    }
    uint64_t seeds = options->seed;
    disk->store.random = rv_random_next(&seeds);
    disk->random = rv_random_next(&seeds);
    disk->entropy = rv_random_next(&seeds);
    disk->now = options->now;
    disk->faults = options->faults;
    return disk;
}

rv_host rv_sim_disk_interface(rv_sim_disk *disk) {
    RV_ASSERT(disk != NULL);
    return (rv_host){&sim_ops, disk};
}

void rv_sim_disk_set_faults(rv_sim_disk *disk, const rv_sim_faults *faults) {
    RV_ASSERT(faults->pending_percent <= 100 && faults->short_percent <= 100);
    RV_ASSERT(faults->latency_us_max < UINT64_MAX);
    disk->faults = *faults;
}

uint64_t rv_sim_disk_operations(const rv_sim_disk *disk) {
    RV_ASSERT(disk != NULL);
    return disk->operations;
}

void rv_sim_disk_crash(rv_sim_disk *disk) {
    RV_ASSERT(disk->faults.crash <= RV_SIM_CRASH_REORDER);
    sim_store_crash(&disk->store, disk->faults.crash);
    disk->pending_count = 0;
    disk->stopped = false;
}

rv_status rv_sim_disk_flip(rv_sim_disk *disk, const char *name, uint64_t offset, unsigned bit) {
    RV_ASSERT(bit < 8);
    sim_file *file = sim_store_find(&disk->store, name);
    if (file == NULL || offset >= file->content.size) {
        return RV_DATA_NOT_FOUND;
    }
    uint8_t byte;
    rv_blocks *blocks = &disk->store.blocks;
    size_t done = rv_blocks_read(blocks, &file->content, offset, &byte, 1);
    RV_ASSERT(done == 1);
    byte = (uint8_t)(byte ^ (1u << bit));
    done = rv_blocks_write(blocks, &file->content, offset, rv_bytes_of(&byte, 1));
    return done == 1 ? RV_OK : RV_STORAGE_FULL;
}

void rv_sim_disk_set_clock(rv_sim_disk *disk, int64_t now) {
    RV_ASSERT(disk != NULL);
    disk->now = now;
}

void rv_sim_disk_advance(rv_sim_disk *disk, uint64_t elapsed_us) {
    RV_ASSERT(elapsed_us <= INT64_MAX);
    disk->elapsed_us += elapsed_us;
    disk->now += (int64_t)elapsed_us;
}

uint64_t rv_sim_disk_deadline(const rv_sim_disk *disk) {
    RV_ASSERT(disk->pending_count <= PENDING_MAX);
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        const uint64_t due = disk->pending[i].due;
        const uint64_t left = due > disk->elapsed_us ? due - disk->elapsed_us : 0;
        first = left < first ? left : first;
    }
    return first;
}

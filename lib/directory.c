/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database over a directory: the POSIX host, whose operations are all done in the call, and
 * memory from the system, mapped once and zero pages until they are used.
 */
#include "rivulet/directory.h"

#include "core/base/assert.h"
#include "lib/db.h"
#include "platform/posix/posix.h"

#include <sys/mman.h>

#define MEMORY_DEFAULT ((size_t)64 << 20)

/* Gives back what was taken before the database could be opened. */
static rv_status give_up(rv_posix *posix, void *memory, size_t size, rv_status status) {
    RV_ASSERT(status != RV_OK);
    if (memory != MAP_FAILED) {
        const int failed = munmap(memory, size);
        RV_ASSERT(failed == 0);
    }
    rv_posix_close(posix);
    return status;
}

rv_status rv_db_open_directory(const char *path, const rv_db_directory_options *options,
                               rv_db **out, rv_error *err) {
    RV_ASSERT(path != NULL && out != NULL);
    static const rv_db_directory_options none = {0};
    const rv_db_directory_options *const o = options == NULL ? &none : options;
    const size_t size = o->memory_size == 0 ? MEMORY_DEFAULT : o->memory_size;
    *out = NULL;
    rv_posix *posix = NULL;
    rv_status status = rv_posix_open(path, NULL, &posix, err);
    if (status != RV_OK) {
        return status;
    }
    void *const memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        rv_error_set(err, RV_MEMORY_EXHAUSTED, "the system gives no %u bytes", (uint64_t)size);
        return give_up(posix, memory, size, RV_MEMORY_EXHAUSTED);
    }
    const rv_db_options made = {.host = rv_posix_interface(posix),
                                .memory = memory,
                                .memory_size = size,
                                .without_sql = o->without_sql,
                                .query_steps_max = o->query_steps_max};
    rv_db *db = NULL;
    status = rv_db_create(&db, &made, err);
    if (status != RV_OK) {
        return give_up(posix, memory, size, status);
    }
    db->waits = true;
    status = rv_db_open(db, err);
    if (status != RV_OK && status != RV_DATA_DAMAGED && status != RV_PANICKED) {
        return give_up(posix, memory, size, status);
    }
    db->posix = posix;
    db->mapped = memory;
    db->mapped_size = size;
    *out = db;
    return status;
}

rv_status rv_db_close_directory(rv_db *db, rv_error *err) {
    if (db == NULL) {
        return RV_OK;
    }
    RV_ASSERT(db->waits && db->posix != NULL);
    const rv_status status = rv_db_close(db, err);
    rv_posix *const posix = db->posix;
    const int failed = munmap(db->mapped, db->mapped_size);
    RV_ASSERT(failed == 0);
    rv_posix_close(posix);
    return status == RV_END ? RV_OK : status;
}

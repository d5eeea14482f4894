/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/directory.h"

#include "core/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define TICKET (UINT64_MAX - 1) /* of nobody else */

/* Reads a whole file, which the disk may give in parts. */
static void read_file(sim_copied_file *copy, rv_host host) {
    rv_io_result result;
    rv_io io = host.ops->open(host.ctx, TICKET, copy->name, &result);
    RV_ASSERT(io == RV_IO_DONE && result.status == RV_OK);
    const rv_file file = result.file;
    copy->len = (size_t)result.count;
    copy->bytes = malloc(copy->len + 1);
    RV_ASSERT(copy->bytes != NULL);
    for (size_t done = 0; done < copy->len;) {
        io = host.ops->read(host.ctx, TICKET, file, done, copy->bytes + done, copy->len - done,
                            &result);
        RV_ASSERT(io == RV_IO_DONE && result.status == RV_OK && result.count > 0);
        done += (size_t)result.count;
    }
    host.ops->close(host.ctx, file);
}

void sim_directory_take(sim_directory *directory, rv_host host) {
    rv_file_name names[SIM_FILES_MAX];
    rv_io_result result;
    sim_directory_free(directory);
    const rv_io io = host.ops->list(host.ctx, TICKET, names, SIM_FILES_MAX, &result);
    RV_ASSERT(io == RV_IO_DONE && result.status == RV_OK && result.count <= SIM_FILES_MAX);
    directory->count = (uint32_t)result.count;
    for (uint32_t i = 0; i < directory->count; i++) {
        memcpy(directory->files[i].name, names[i].text, sizeof names[i].text);
        read_file(&directory->files[i], host);
    }
}

void sim_directory_put(const sim_directory *directory, rv_host host) {
    RV_ASSERT(directory->count <= SIM_FILES_MAX);
    for (uint32_t i = 0; i < directory->count; i++) {
        const sim_copied_file *const copy = &directory->files[i];
        rv_io_result result;
        rv_io io = host.ops->create(host.ctx, TICKET, copy->name, &result);
        RV_ASSERT(io == RV_IO_DONE && result.status == RV_OK);
        const rv_file file = result.file;
        for (size_t done = 0; done < copy->len;) {
            const rv_bytes rest = {copy->bytes + done, copy->len - done};
            io = host.ops->write(host.ctx, TICKET, file, done, rest, &result);
            RV_ASSERT(io == RV_IO_DONE && result.status == RV_OK && result.count > 0);
            done += (size_t)result.count;
        }
        io = host.ops->flush(host.ctx, TICKET, file, &result);
        RV_ASSERT(io == RV_IO_DONE && result.status == RV_OK);
        host.ops->close(host.ctx, file);
    }
}

void sim_directory_free(sim_directory *directory) {
    RV_ASSERT(directory->count <= SIM_FILES_MAX);
    for (uint32_t i = 0; i < directory->count; i++) {
        free(directory->files[i].bytes);
    }
    directory->count = 0;
}

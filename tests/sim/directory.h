/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of what is on a disk, as an administrator's `cp -r` makes it, and putting it back. */
#ifndef RV_TESTS_SIM_DIRECTORY_H
#define RV_TESTS_SIM_DIRECTORY_H

#include "rivulet/host.h"

#define SIM_FILES_MAX 64

typedef struct sim_copied_file {
    char name[RV_FILE_NAME_MAX + 1];
    uint8_t *bytes;
    size_t len;
} sim_copied_file;

typedef struct sim_directory {
    uint32_t count;
    sim_copied_file files[SIM_FILES_MAX];
} sim_directory;

/* Copies all files. Nothing may be under way on the disk, and no fault may be due. */
void sim_directory_take(sim_directory *directory, rv_host host);

/* Writes them to an empty disk, durably. */
void sim_directory_put(const sim_directory *directory, rv_host host);

void sim_directory_free(sim_directory *directory);

#endif

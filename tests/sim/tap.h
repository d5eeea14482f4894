/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host between a node and its disk: it hands everything on and counts, so that one sees what a
 * run has exercised; and it is where a canary makes the disk lie (tests/sim/canary.h).
 */
#ifndef RV_TESTS_SIM_TAP_H
#define RV_TESTS_SIM_TAP_H

#include "rivulet/host.h"

typedef struct sim_tap {
    rv_host inner;
    uint64_t operations;
    uint64_t flushes;
    uint64_t failures; /* operations that answered an error of the storage */
    bool keeps_files;  /* removing answers RV_OK and does nothing */
    bool flush_lies;   /* a flush answers RV_OK and does nothing */
} sim_tap;

rv_host sim_tap_interface(sim_tap *tap);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compression that is simple enough to be right at a glance, so that deflated messages travel in
 * simulated worlds: runs of a byte become a count and the byte.
 *
 *     u8 count (1 to 255)   u8 byte   …
 */
#ifndef RV_TESTS_SIM_SQUEEZE_H
#define RV_TESTS_SIM_SQUEEZE_H

#include "rivulet/compression.h"

rv_compression sim_squeeze(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How a terminal shows a character: how many of its columns it takes, and whether it is seen. */
#ifndef RV_CLI_WIDTH_H
#define RV_CLI_WIDTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0, 1 or 2 columns; of one that is seen. */
size_t rv_width_of(uint32_t code_point);

/* True for controls, and for what is not seen itself but changes how other characters are. */
bool rv_width_is_hidden(uint32_t code_point);

#endif

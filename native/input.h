/* SPDX-License-Identifier: Apache-2.0 */
/* Files and standard input as they are or packed by gzip, which zlib tells apart. */
#ifndef RV_NATIVE_INPUT_H
#define RV_NATIVE_INPUT_H

#include "cli/input.h"

extern const rv_input_ops rv_input_gzip;

#endif

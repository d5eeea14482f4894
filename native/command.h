/* SPDX-License-Identifier: Apache-2.0 */
/* The command line on a POSIX system: data directories, running nodes, the daemon. */
#ifndef RV_NATIVE_COMMAND_H
#define RV_NATIVE_COMMAND_H

#include "cli/cli.h"

extern const rv_cli_platform rv_native_platform;

/* `rivulet serve` (native/command_serve.c). */
int rv_native_serve(rv_cli *cli);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The program: the command line decides everything. */
#include "native/command.h"

#include <signal.h>

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* told by the write */
    signal(SIGXFSZ, SIG_IGN); /* a full disk as well */
    return rv_cli_main(&rv_native_platform, argc, argv);
}

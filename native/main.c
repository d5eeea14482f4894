/* SPDX-License-Identifier: Apache-2.0 */
/* The program: the command line decides everything. */
#include "native/cli/cli.h"

int main(int argc, char **argv) {
    return rv_cli_main(argc, argv);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "native/command.h"

#include "native/client_http.h"
#include "native/directory.h"
#include "native/input.h"
#include "native/look.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

static rv_directory directory; /* the one that a command opens */

static rv_status directory_open(const rv_cli_directory_options *options, rv_instance **instance,
                                rv_error *err) {
    RV_ASSERT(options->path != NULL);
    RV_ASSERT(directory.memory == NULL);
    const rv_directory_options in = {
        .path = options->path,
        .create = options->create,
        .role = RV_ROLE_STORED,
        .memory = options->memory,
        .sql_steps_max = options->sql_steps,
    };
    *instance = &directory.instance;
    return rv_directory_open(&directory, &in, err);
}

static rv_status directory_close(rv_instance *instance, rv_error *err) {
    RV_ASSERT(instance == &directory.instance);
    return rv_directory_close(&directory, err);
}

static void directory_turn(rv_instance *instance, bool wait) {
    RV_ASSERT(instance == &directory.instance);
    rv_directory_turn(&directory, wait);
}

static volatile sig_atomic_t interrupts; /* by Ctrl-C */

static void on_interrupt(int number) {
    (void)number;
    interrupts = 1;
}

/* What is being written then is written on: a call that was broken off would lose what it had. */
static bool interrupted(void) {
    static bool watched;
    if (!watched) {
        const struct sigaction action = {.sa_handler = on_interrupt,
                                         .sa_flags = (int)SA_RESETHAND | SA_RESTART};
        struct sigaction before;
        const int failed = sigaction(SIGINT, &action, &before);
        watched = true;
        if (failed == 0 && before.sa_handler == SIG_IGN) {
            watched = sigaction(SIGINT, &before, NULL) == 0; /* it is to go on: in the background */
        }
    }
    return interrupts != 0;
}

static bool terminal(int stream) {
    return isatty(stream) != 0;
}

static int64_t now_ms(void) {
    struct timespec ts;
    const int failed = clock_gettime(CLOCK_MONOTONIC, &ts);
    RV_ASSERT(failed == 0);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const rv_cli_platform rv_native_platform = {
    .directory_open = directory_open,
    .directory_turn = directory_turn,
    .directory_close = directory_close,
    .interrupted = interrupted,
    .connect = rv_client_http_open,
    .serve = rv_native_serve,
    .unpack = &rv_input_gzip,
    .look = &rv_native_look,
    .terminal = terminal,
    .now_ms = now_ms,
};

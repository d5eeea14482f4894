/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an assertion that fails in a process that watches a directory leaves a record of the
 * position and the place there, and ends the process by the signal that it would have ended by;
 * one that watches nothing leaves nothing.
 * Method: children that stop at RV_ASSERT(false), and their directory afterwards.
 */
#undef RV_COVERAGE /* where branches are counted, too, an assertion fails here */
#include "native/panic.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/panic.h"
#include "tests/unit/test.h"

static volatile uint64_t at_work;
static char folder[] = "/tmp/rivulet-panic-XXXXXX";
static char file[sizeof folder + 16];

/* A child that stops; the signal that ended it. */
static int stopped(bool watching, uint64_t position) {
    const pid_t child = fork();
    if (child == 0) {
        const int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        at_work = position;
        rv_panic_watch(folder, &at_work);
        if (!watching) {
            rv_panic_forget();
        }
        RV_ASSERT(position == UINT64_MAX);
        _exit(0);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int records(rv_panic *panics, int max) {
    const int fd = open(file, O_RDONLY);
    uint8_t bytes[RV_PANIC_SIZE];
    int count = 0;
    while (fd >= 0 && count < max && read(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes &&
           rv_panic_decode(bytes, &panics[count])) {
        count += 1;
    }
    if (fd >= 0) {
        close(fd);
    }
    return count;
}

RV_TEST(a_failed_assertion_is_recorded) {
    rv_panic panics[4];
    RV_CHECK_EQ(records(panics, 4), 0);
    const int signal_met = stopped(true, 42);
    RV_CHECK(signal_met == SIGILL || signal_met == SIGTRAP);
    RV_CHECK_EQ(stopped(true, 43), signal_met);
    RV_CHECK_EQ(records(panics, 4), 2);
    RV_CHECK_EQ(panics[0].position, 42);
    RV_CHECK_EQ(panics[1].position, 43);
    RV_CHECK(panics[0].place != 0 && panics[0].place == panics[1].place);
    RV_CHECK(panics[0].time > INT64_C(1700000000000000));
}

RV_TEST(one_that_watches_nothing_leaves_nothing) {
    rv_panic panics[4];
    const int signal_met = stopped(false, 44);
    RV_CHECK(signal_met == SIGILL || signal_met == SIGTRAP);
    RV_CHECK_EQ(records(panics, 4), 2);
}

int main(void) {
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    snprintf(file, sizeof file, "%s/%s", folder, RV_PANICS_FILE);
    RV_RUN(a_failed_assertion_is_recorded);
    RV_RUN(one_that_watches_nothing_leaves_nothing);
    unlink(file);
    rmdir(folder);
    return rv_test_done();
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a name whose look-up does not end holds nothing up: the attempt is given up in its time,
 * the edge is offline and waits for its next attempt, which waits for the same look-up; and the
 * link is idle at once when the node stops, with a loop that can be closed. Method: a real edge and
 * loop; the program's own getaddrinfo, which answers when it is told to.
 */
#include "native/directory.h"
#include "native/limits.h"
#include "native/link.h"
#include "sync/edge.h"
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TURNS_MAX 1000000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned asked; /* look-ups that began, */
static unsigned may;   /* that may end, */
static unsigned over;  /* and that have */

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    (void)node;
    (void)service;
    (void)hints;
    *found = NULL;
    pthread_mutex_lock(&mutex);
    asked += 1;
    pthread_cond_broadcast(&changed);
    while (over == may) {
        pthread_cond_wait(&changed, &mutex);
    }
    over += 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    return EAI_AGAIN;
}

/* Waits until so many look-ups have begun, or ended. */
static void await(const unsigned *counter, unsigned count) {
    pthread_mutex_lock(&mutex);
    while (*counter < count) {
        pthread_cond_wait(&changed, &mutex);
    }
    pthread_mutex_unlock(&mutex);
}

static void let_one_end(void) {
    pthread_mutex_lock(&mutex);
    may += 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static char path[] = "/tmp/rivulet-link-XXXXXX";
static uv_loop_t loop;
static rv_directory directory;
static rv_link *upstream;

RV_TEST(link_start) {
    const rv_bytes patterns[] = {RV_LITERAL("/**")};
    rv_error err;
    RV_CHECK(mkdtemp(path) != NULL);
    RV_CHECK_EQ(uv_loop_init(&loop), 0);
    const rv_directory_options where = {.path = path,
                                        .create = true,
                                        .serving = true,
                                        .role = RV_ROLE_EDGE,
                                        .patterns = patterns,
                                        .pattern_count = 1,
                                        .memory = RV_MEMORY_DEFAULT};
    RV_CHECK_STATUS(rv_directory_open(&directory, &where, &err), RV_OK);
    const rv_link_options options = {.address = {.host = "name", .port = "1", .path = "/sync"}};
    RV_CHECK_STATUS(rv_link_create(&upstream, &loop, directory.instance.edge, &options, &err),
                    RV_OK);
}

static rv_edge_status status_now(void) {
    rv_edge_status status;
    rv_edge_status_of(directory.instance.edge, &status);
    return status;
}

static int64_t now_us(void) {
    return (int64_t)(uv_hrtime() / 1000);
}

/* The time for an attempt is over. */
static void pass_time(void) {
    upstream->since_ms -= RV_CONNECT_TIMEOUT_MS + 1;
    rv_link_tick(upstream, now_us());
}

RV_TEST(an_attempt_ends_before_its_look_up) {
    rv_link_ask(upstream, now_us());
    await(&asked, 1);
    RV_CHECK_EQ(upstream->state, RV_LINK_RESOLVING);
    pass_time();
    RV_CHECK(rv_link_idle(upstream));
    RV_CHECK_EQ(status_now().state, RV_EDGE_OFFLINE);
    RV_CHECK_EQ(status_now().reason.status, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK(rv_edge_deadline(directory.instance.edge) > now_us());
}

RV_TEST(the_next_attempt_waits_for_the_same_look_up) {
    const int64_t next = rv_edge_deadline(directory.instance.edge);
    rv_link_ask(upstream, next);
    RV_CHECK_EQ(upstream->state, RV_LINK_RESOLVING);
    let_one_end();
    for (int i = 0; i < TURNS_MAX && upstream->state == RV_LINK_RESOLVING; i++) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    RV_CHECK(rv_link_idle(upstream));
    RV_CHECK_EQ(asked, 1);
    const rv_edge_status status = status_now();
    RV_CHECK_EQ(status.state, RV_EDGE_OFFLINE);
    RV_CHECK(strncmp(status.reason.detail, "cannot find name:1: ", 20) == 0);
}

RV_TEST(one_that_was_given_up_is_asked_anew) {
    rv_link_ask(upstream, rv_edge_deadline(directory.instance.edge));
    await(&asked, 2);
    pass_time();
    let_one_end();
    for (int i = 0; i < TURNS_MAX && upstream->lookup != NULL; i++) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    RV_CHECK(rv_link_idle(upstream) && upstream->lookup == NULL);
}

RV_TEST(link_end) {
    rv_error err;
    rv_link_ask(upstream, rv_edge_deadline(directory.instance.edge));
    await(&asked, 3);
    RV_CHECK_EQ(upstream->state, RV_LINK_RESOLVING);
    rv_link_stop(upstream);
    RV_CHECK(rv_link_idle(upstream));
    rv_link_free(upstream);
    RV_CHECK_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0); /* which waits for no look-up */
    RV_CHECK_EQ(uv_loop_close(&loop), 0);
    RV_CHECK_STATUS(rv_directory_close(&directory, &err), RV_OK);
    let_one_end(); /* and it frees what is left */
    await(&over, 3);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", path);
    RV_CHECK_EQ(system(command), 0);
}

int main(void) {
    RV_RUN(link_start);
    RV_RUN(an_attempt_ends_before_its_look_up);
    RV_RUN(the_next_attempt_waits_for_the_same_look_up);
    RV_RUN(one_that_was_given_up_is_asked_anew);
    RV_RUN(link_end);
    return rv_test_done();
}

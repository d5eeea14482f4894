/* SPDX-License-Identifier: Apache-2.0 */
#include "native/daemon.h"

#include "core/engine/decide.h"
#include "core/engine/outbox.h"
#include "core/engine/token.h"
#include "native/network.h"
#include "native/server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct flush_job {
    uv_work_t work;
    rv_posix_job *job;
    struct rv_daemon *daemon;
} flush_job;

typedef struct rv_daemon {
    uv_loop_t loop;
    rv_directory directory;
    rv_server *server;
    rv_link *link; /* NULL on a root */
    rv_network network;
    int network_failed; /* why it is not known when the network comes up: libuv's; 0: it is */
    flush_job jobs[RV_POSIX_JOBS_MAX];
    unsigned jobs_under_way;
    uv_prepare_t round;
    uv_idle_t again; /* active: the loop does not wait */
    uv_timer_t tick;
    uv_timer_t deadline;
    uv_signal_t signals[2];
    uint64_t moved;     /* what the node had reached when feeds were last asked */
    bool job_done;      /* since then */
    bool busy;          /* the node had work of its own at the end of the last round */
    bool failed;        /* the node became read-only; said once */
    bool upstream_told; /* how it stands with the upstream, and with what reason */
    rv_status upstream_reason;
    bool stopping;
    uint64_t stopping_since_ms;
    uint64_t ticked;      /* `moved` at the last tick */
    unsigned quiet_ticks; /* for so many nothing has moved */
} rv_daemon;

static int64_t now_us(void) {
    return (int64_t)(uv_hrtime() / 1000);
}

/* --- flushes, on libuv's pool --- */

static void on_flush(uv_work_t *work) {
    flush_job *const j = work->data;
    rv_posix_job_run(j->job);
}

static void on_flushed(uv_work_t *work, int cancelled) {
    flush_job *const j = work->data;
    RV_ASSERT(cancelled == 0); /* nothing here calls a flush off */
    RV_ASSERT(j->daemon->jobs_under_way > 0);
    j->daemon->jobs_under_way -= 1;
    j->daemon->job_done = true;
    rv_posix_job_finish(j->daemon->directory.posix, j->job);
}

static void submit(void *ctx, rv_posix_job *job) {
    rv_daemon *const d = ctx;
    flush_job *const j = &d->jobs[rv_posix_job_index(d->directory.posix, job)];
    j->job = job;
    j->daemon = d;
    j->work.data = j;
    const int failed = uv_queue_work(&d->loop, &j->work, on_flush, on_flushed);
    RV_ASSERT(failed == 0); /* it fails without a function only */
    d->jobs_under_way += 1;
}

/* --- rounds --- */

/* A read-only node still answers reads: it is said, and served on. */
static void node_poll(rv_daemon *d) {
    rv_error err;
    if (rv_node_poll(d->directory.instance.node, &err) != RV_OK && !d->failed) {
        d->failed = true;
        fprintf(stderr, "rivulet: %s: %s\nrivulet: the node is read-only until it is restarted\n",
                rv_status_code(err.status), err.detail);
    }
}

static void edge_poll(rv_daemon *d, int64_t now) {
    rv_error err;
    if (d->link != NULL && rv_network_take(&d->network, now)) {
        rv_edge_network_up(d->directory.instance.edge, now);
    }
    if (d->link != NULL && rv_edge_poll(d->directory.instance.edge, now, &err) != RV_OK) {
        rv_link_fail(d->link, &err);
    }
}

static void on_deadline(uv_timer_t *timer) {
    (void)timer; /* the round that follows does what is due */
}

static void set_deadline(rv_daemon *d, int64_t now) {
    int64_t deadline = rv_server_deadline(d->server);
    if (d->link != NULL) {
        const int64_t edge = rv_edge_deadline(d->directory.instance.edge);
        deadline = edge < deadline ? edge : deadline;
    }
    if (deadline == INT64_MAX) {
        uv_timer_stop(&d->deadline);
        return;
    }
    const uint64_t wait_ms = deadline > now ? (uint64_t)(deadline - now + 999) / 1000 : 1;
    const int failed = uv_timer_start(&d->deadline, on_deadline, wait_ms, 0);
    RV_ASSERT(failed == 0);
}

static void on_again(uv_idle_t *idle) {
    (void)idle; /* being active is all it does */
}

/* Moves with whatever others may wait for: events, W, batches of the log that hold neither, and
 * what an edge's outbox has. */
static uint64_t progress(const rv_node *node) {
    const uint64_t events = rv_node_sequence(node) + rv_node_sequence_durable(node);
    const uint64_t position = rv_node_watermark(node) + rv_node_watermark_durable(node);
    const uint64_t outbox = rv_node_role(node) == RV_ROLE_EDGE
                                ? rv_node_outbox(node).durable + rv_node_revision(node)
                                : 0;
    return events + position + outbox + rv_node_decisions_made(node) +
           rv_node_decisions_durable(node);
}

static void round_run(rv_daemon *d) {
    const int64_t now = now_us();
    rv_node *const node = d->directory.instance.node;
    node_poll(d);
    edge_poll(d, now);
    const uint64_t reached = progress(node);
    const rv_face *const face = d->directory.instance.face;
    const bool moved = reached != d->moved || d->job_done || d->busy || rv_face_busy(face);
    d->moved = reached;
    d->job_done = false;
    rv_server_ask(d->server, moved, now);
    if (d->link != NULL && !d->stopping) {
        rv_link_ask(d->link, now);
    }
    node_poll(d); /* flushes what the answers appended */
    const uint64_t after = progress(node);
    d->busy = !d->stopping && rv_node_busy(node);
    const bool again = d->server->again || (d->link != NULL && d->link->again) ||
                       after != reached || d->busy || rv_face_busy(face);
    const int failed = again ? uv_idle_start(&d->again, on_again) : uv_idle_stop(&d->again);
    RV_ASSERT(failed == 0);
    set_deadline(d, now);
}

/* --- stopping --- */

static void on_signal(uv_signal_t *handle, int number) {
    rv_daemon *const d = handle->data;
    (void)number;
    if (d->stopping) {
        rv_server_abort(d->server);
        return;
    }
    d->stopping = true;
    d->stopping_since_ms = uv_now(&d->loop);
    rv_server_stop(d->server);
    if (d->link != NULL) {
        rv_link_stop(d->link);
    }
}

static bool stopped(const rv_daemon *d) {
    return d->stopping && rv_server_idle(d->server) && d->jobs_under_way == 0 &&
           (d->link == NULL || rv_link_idle(d->link));
}

static void on_round(uv_prepare_t *prepare) {
    rv_daemon *const d = prepare->data;
    round_run(d);
    if (stopped(d)) {
        uv_stop(&d->loop);
    }
}

/* Says on stderr how it stands with the upstream, once each time that changes; attempts between
 * two failures for one reason are no change. */
static void tell_upstream(rv_daemon *d) {
    rv_edge_status status;
    rv_edge_status_of(d->directory.instance.edge, &status);
    const bool connected = status.state == RV_EDGE_CONNECTED;
    const rv_status reason = connected ? RV_OK : status.reason.status;
    if (status.state == RV_EDGE_CONNECTING || (!connected && reason == RV_OK) ||
        (d->upstream_told && reason == d->upstream_reason)) {
        return;
    }
    d->upstream_told = true;
    d->upstream_reason = reason;
    if (connected) {
        fprintf(stderr, "rivulet: connected to the upstream\n");
    } else {
        fprintf(stderr, "rivulet: %s: %s\n", rv_status_code(reason), status.reason.detail);
    }
}

/* Buffers that a burst has touched are given back when it is over; those that requests which only
 * read have touched, now and then. */
static void rest(rv_daemon *d) {
    const bool quiet = d->moved == d->ticked && !d->busy && d->jobs_under_way == 0;
    d->ticked = d->moved;
    d->quiet_ticks = quiet ? d->quiet_ticks + 1 : 0;
    if (d->quiet_ticks == RV_REST_TICKS || d->quiet_ticks == RV_REST_AGAIN_TICKS) {
        rv_directory_rest(&d->directory);
    }
    if (d->quiet_ticks == RV_REST_AGAIN_TICKS) {
        d->quiet_ticks = RV_REST_TICKS;
    }
    RV_ASSERT(d->quiet_ticks < RV_REST_AGAIN_TICKS);
}

/* What is renewed while the node runs is said: who renews it looks there. */
static void renew(rv_daemon *d) {
    rv_error err;
    const rv_status status = rv_server_renew(d->server, &err);
    if (status == RV_OK) {
        fprintf(stderr, "rivulet: there is another certificate, which is used from now on\n");
    } else if (status != RV_PENDING) {
        fprintf(stderr, "rivulet: %s: the certificate is used on: %s\n", rv_status_code(status),
                err.detail);
    }
}

static void on_tick(uv_timer_t *timer) {
    rv_daemon *const d = timer->data;
    rv_server_tick(d->server, now_us());
    renew(d);
    rest(d);
    if (d->stopping) {
        if (uv_now(&d->loop) - d->stopping_since_ms > RV_STOP_TIMEOUT_MS) {
            rv_server_abort(d->server);
        }
    } else if (d->link != NULL) {
        rv_link_tick(d->link, now_us());
        tell_upstream(d);
    }
}

/* --- starting --- */

static void loop_open(rv_daemon *d) {
    static const int numbers[2] = {SIGTERM, SIGINT};
    int failed = uv_loop_init(&d->loop);
    RV_ASSERT(failed == 0);
    failed = uv_prepare_init(&d->loop, &d->round) + uv_idle_init(&d->loop, &d->again) +
             uv_timer_init(&d->loop, &d->tick) + uv_timer_init(&d->loop, &d->deadline);
    RV_ASSERT(failed == 0);
    d->round.data = d->tick.data = d;
    for (unsigned i = 0; i < 2; i++) {
        failed = uv_signal_init(&d->loop, &d->signals[i]);
        d->signals[i].data = d;
        failed += uv_signal_start(&d->signals[i], on_signal, numbers[i]);
        RV_ASSERT(failed == 0);
    }
}

static void close_handle(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* Closes what the loop still has, and waits for flushes that are under way. */
static void loop_close(rv_daemon *d) {
    uv_walk(&d->loop, close_handle, NULL);
    int left = uv_run(&d->loop, UV_RUN_DEFAULT);
    RV_ASSERT(left == 0);
    left = uv_loop_close(&d->loop);
    RV_ASSERT(left == 0);
}

/* Who listens beyond this machine lets everybody in, unless there are tokens. */
static rv_status refuse_openness(const rv_daemon_options *options, rv_error *err) {
    RV_ASSERT(!options->open);
    return rv_error_set(err, RV_UNAUTHENTICATED,
                        "%s can be reached from other machines, and this node has no token, so "
                        "that everybody could read and write: make one first (rivulet token "
                        "generate root --admin --data %s), or say --open",
                        options->listen, options->directory);
}

static rv_status openness_check(const rv_daemon *d, const rv_daemon_options *options,
                                rv_error *err) {
    RV_ASSERT(d->server != NULL);
    return options->open || d->server->access.loopback ||
                   rv_node_token_count(d->directory.instance.node) > 0
               ? RV_OK
               : refuse_openness(options, err);
}

/* The same, as far as it can be told before the directory is opened, which makes it: one that is
 * not there has no tokens. */
static rv_status listen_check(const rv_daemon_options *options, rv_error *err) {
    bool loopback = false;
    const rv_status status = rv_server_address_check(options->listen, &loopback, err);
    RV_ASSERT(status == RV_OK || !loopback);
    const bool closed = loopback || options->open || access(options->directory, F_OK) == 0;
    return status != RV_OK || closed ? status : refuse_openness(options, err);
}

/* Reads certificates once, for the same reason. */
static rv_status certificates_check(const rv_daemon_options *options, const rv_address *upstream,
                                    rv_error *err) {
    rv_tls_config *config = NULL;
    rv_status status = RV_OK;
    if (options->cert_file != NULL) {
        status = rv_tls_config_server(&config, options->cert_file, options->key_file, err);
        rv_tls_config_drop(config);
    }
    if (status == RV_OK && upstream->secure) {
        status = rv_tls_config_client(&config, options->ca_file, err);
        rv_tls_config_drop(config);
    }
    return status;
}

static rv_status parts_open(rv_daemon *d, const rv_daemon_options *options,
                            const rv_address *address, rv_error *err) {
    static const rv_posix_deferral_ops deferral = {submit};
    const rv_server_options server = {
        .instance = &d->directory.instance,
        .access = options->access,
        .public_directory = options->public_directory,
        .edges_max = options->edges_max,
        .cert_file = options->cert_file,
        .key_file = options->key_file,
    };
    const rv_link_options link = {*address, options->token_file, options->ca_file};
    rv_status status = rv_server_create(&d->server, &d->loop, &server, err);
    if (status == RV_OK && options->upstream != NULL) {
        status = rv_link_create(&d->link, &d->loop, d->directory.instance.edge, &link, err);
        d->network_failed = rv_network_open(&d->network, &d->loop);
    }
    if (status == RV_OK) {
        status = rv_server_listen(d->server, options->listen, err);
    }
    if (status == RV_OK) {
        status = openness_check(d, options, err);
    }
    if (status == RV_OK) {
        rv_posix_set_deferral(d->directory.posix, &deferral, d);
    }
    return status;
}

/* How the memory is split, for people. */
static void print_budget(const rv_budget *budget) {
    RV_ASSERT(budget->node > 0);
    const struct {
        const char *name;
        size_t bytes;
    } rows[] = {{"node", budget->node},         {"sql", budget->sql},   {"face", budget->face},
                {"upstream", budget->upstream}, {"edge", budget->edge}, {"total", budget->total}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fprintf(stderr, "memory %-10s %10zu KiB\n", rows[i].name, rows[i].bytes / 1024);
    }
}

static void say_ready(const rv_daemon *d, const rv_daemon_options *options) {
    const char *const colon = strrchr(options->listen, ':');
    RV_ASSERT(colon != NULL);
    printf("listening on %s://%.*s:%d\n", rv_server_secure(d->server) ? "https" : "http",
           (int)(colon - options->listen), options->listen, d->server->port);
    fflush(stdout);
    if (options->verbose) {
        print_budget(&d->directory.instance.budget);
    }
    if (options->verbose && d->network_failed != 0) {
        fprintf(stderr, "rivulet: it is not seen here when the network comes up: %s\n",
                uv_strerror(d->network_failed));
    }
}

/* An edge that holds nothing yet has to be told what to hold. */
static rv_status selection_check(const rv_daemon *d, const rv_daemon_options *options,
                                 rv_error *err) {
    const size_t count = rv_node_selection(d->directory.instance.node)->count;
    if (options->upstream != NULL && count == 0) {
        return rv_error_set(err, RV_SELECTION_INVALID,
                            "a new edge needs a selection: add --select PATTERN, such as '/**'");
    }
    return RV_OK;
}

static rv_status run_open(rv_daemon *d, const rv_daemon_options *options, const rv_address *address,
                          rv_error *err) {
    loop_open(d);
    rv_status status = parts_open(d, options, address, err);
    if (status == RV_OK) {
        const int failed = uv_prepare_start(&d->round, on_round) +
                           uv_timer_start(&d->tick, on_tick, RV_TICK_MS, RV_TICK_MS);
        RV_ASSERT(failed == 0);
        say_ready(d, options);
        (void)uv_run(&d->loop, UV_RUN_DEFAULT);
    }
    rv_posix_set_deferral(d->directory.posix, NULL, NULL);
    loop_close(d);
    rv_network_close(&d->network);
    rv_link_free(d->link);
    if (d->server != NULL) {
        rv_server_free(d->server);
    }
    return status;
}

/* Sees to it that the process may open a file for each connection. RV_PARAMETER_INVALID. */
static rv_status files_allow(const rv_daemon_options *options, rv_error *err) {
    const uint32_t edges = options->edges_max > 0 ? options->edges_max : RV_EDGES_DEFAULT;
    const rlim_t wanted = RV_CONNECTIONS_BESIDE + RV_FILES_BESIDE + edges;
    struct rlimit limit;
    RV_ASSERT(edges <= RV_EDGES_MAX);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return RV_OK;
    }
    if (limit.rlim_max < wanted && options->edges_max > 0) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "%u edges need %u open files, and this process may have %u: raise "
                            "`ulimit -Hn`, or serve fewer with --edges",
                            (uint64_t)edges, (uint64_t)wanted, (uint64_t)limit.rlim_max);
    }
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* then connections wait to be accepted */
    return RV_OK;
}

rv_status rv_daemon_run(const rv_daemon_options *options, rv_error *err) {
    static rv_daemon daemon; /* large; one a process */
    RV_ASSERT(options->directory != NULL);
    RV_ASSERT(options->listen != NULL);
    rv_daemon *const d = &daemon;
    rv_address address = {0};
    rv_status status = RV_OK;
    if (options->upstream != NULL) {
        status = rv_address_read(options->upstream, RV_ADDRESS_WEBSOCKET, &address, err);
    }
    status = status == RV_OK ? listen_check(options, err) : status;
    status = status == RV_OK ? certificates_check(options, &address, err) : status;
    status = status == RV_OK ? files_allow(options, err) : status;
    if (status != RV_OK) {
        return status;
    }
    const rv_directory_options directory = {
        .path = options->directory,
        .create = true,
        .serving = true,
        .role = options->upstream != NULL ? RV_ROLE_EDGE : RV_ROLE_ROOT,
        .patterns = options->patterns,
        .pattern_count = options->pattern_count,
        .memory = options->memory,
        .edges_max = options->edges_max,
        .sql_steps_max = options->sql_steps_max,
    };
    status = rv_directory_open(&d->directory, &directory, err);
    if (status != RV_OK) {
        return status;
    }
    if (d->directory.instance.damage.status != RV_OK) {
        *err = d->directory.instance.damage;
        status = err->status;
    } else {
        status = selection_check(d, options, err);
    }
    if (status == RV_OK) {
        status = run_open(d, options, &address, err);
    }
    rv_error closing;
    const rv_status closed = rv_directory_close(&d->directory, &closing);
    if (status == RV_OK && closed != RV_OK) {
        *err = closing;
        status = closed;
    }
    return status;
}

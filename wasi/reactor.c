/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a module's database, its memory, and the facts about it. */
#include "wasi/reactor_internal.h"

#include "core/base/assert.h"
#include "core/engine/keys.h"
#include "core/engine/outbox.h"
#include "core/engine/rewind.h"
#include "wasi/reactor_host.h"
#include "wasi/reactor_memory.h"
#include "wasi/reactor_options.h"

#define RESULTS  2u                 /* of queries, held at once */
#define TIME_MAX 9007199254740992.0 /* 2^53 microseconds: 285 years */

rv_reactor rv_reactor_one;

/* --- calls --- */

rv_reactor *rv_reactor_enter(void) {
    rv_reactor *const r = &rv_reactor_one;
    RV_ASSERT(r->phase <= RV_REACTOR_CLOSING);
    r->out = rv_bytes_of(NULL, 0);
    return r;
}

int32_t rv_reactor_misuse(rv_reactor *r, const char *why) {
    RV_ASSERT(r == &rv_reactor_one);
    return (int32_t)rv_error_set(&r->error, RV_REQUEST_INVALID, "%s", why);
}

int64_t rv_reactor_time(double now) {
    return now >= 0 && now <= TIME_MAX ? (int64_t)now : now > TIME_MAX ? (int64_t)TIME_MAX : 0;
}

void rv_reactor_error_out(rv_reactor *r, const rv_error *err) {
    RV_ASSERT(err->status < RV_STATUS_COUNT);
    rv_writer w = rv_writer_over(r->buffer, sizeof r->buffer);
    rv_write_text(&w, "{\"status\":");
    rv_write_int(&w, (int64_t)err->status);
    rv_write_text(&w, ",\"title\":");
    rv_write_json_string(&w, rv_bytes_of_string(rv_status_text(err->status)));
    rv_write_u8(&w, ',');
    rv_error_write_members(err, &w);
    rv_write_u8(&w, '}');
    RV_ASSERT(!w.full);
    r->out = rv_writer_bytes(&w);
}

uint32_t rv_module_abi(void) {
    return RV_MODULE_ABI;
}

uint8_t *rv_module_alloc(uint32_t len) {
    return rv_reactor_memory_take(len);
}

const uint8_t *rv_module_out_ptr(void) {
    return rv_reactor_one.out.ptr;
}

uint32_t rv_module_out_len(void) {
    RV_ASSERT(rv_reactor_one.out.len <= UINT32_MAX);
    return (uint32_t)rv_reactor_one.out.len;
}

void rv_module_error(void) {
    rv_reactor *const r = rv_reactor_enter();
    rv_reactor_error_out(r, &r->error);
}

/* --- opening --- */

/* The database's memory: what the one before had when that suffices. */
static rv_status memory_take(rv_reactor *r, const rv_budget_options *budget, rv_error *err) {
    rv_budget split; /* a budget that is too small is refused before memory grows for it */
    rv_status status = rv_budget_split(&split, budget, err);
    if (status == RV_OK && r->memory_size < budget->total) {
        uint8_t *const memory = rv_reactor_memory_take(budget->total);
        if (memory == NULL) {
            return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                                "the host does not give the module %u bytes of memory",
                                (uint64_t)budget->total);
        }
        r->memory = memory;
        r->memory_size = budget->total;
    }
    return status;
}

/* What answers from the past are made in: with the first one; kept for the next database. */
static void *past_take(void *ctx, size_t size) {
    rv_reactor *const r = ctx;
    if (r->past_size < size) {
        uint8_t *const memory = rv_reactor_memory_take(size);
        r->past = memory != NULL ? memory : r->past;
        r->past_size = memory != NULL ? size : r->past_size;
    }
    return r->past_size < size ? NULL : r->past;
}

static const rv_face_memory_ops past_memory = {.take = past_take};

static rv_status instance_create(rv_reactor *r, const rv_reactor_options *o, rv_error *err) {
    RV_ASSERT(r->phase == RV_REACTOR_CLOSED);
    rv_instance_options in = {
        .budget = {.total = o->memory,
                   .edge = o->role == RV_ROLE_EDGE,
                   .exchanges_max = RV_REACTOR_EXCHANGES,
                   .result_count = RESULTS,
                   .edges_max = 0},
        .role = o->role,
        .patterns = o->patterns,
        .pattern_count = o->pattern_count,
        .sql_steps_max = RV_SQL_STEPS_MAX,
        .past_memory = &past_memory,
        .past_ctx = r,
        .past_events_max = RV_AS_OF_EVENTS_MAX,
    };
    rv_status status = memory_take(r, &in.budget, err);
    if (status == RV_OK && o->inflate) {
        status = rv_reactor_host_inflate(&in.compression, err);
    }
    status = status == RV_OK ? rv_reactor_host_open(o->directory, &in.host, err) : status;
    if (status == RV_OK) {
        in.memory = r->memory;
        status = rv_instance_create(&r->instance, &in, err);
        if (status != RV_OK) {
            rv_reactor_host_close();
        }
    }
    return status;
}

static rv_status begin_opening(rv_reactor *r, rv_bytes text, rv_error *err) {
    static rv_reactor_options options; /* large for a module's stack */
    rv_arena scratch = rv_arena_over(r->buffer, sizeof r->buffer);
    if (!rv_reactor_host_idle()) {
        return RV_PENDING; /* of an opening that failed */
    }
    rv_status status = rv_reactor_options_read(text, &scratch, &options, err);
    status = status == RV_OK ? instance_create(r, &options, err) : status;
    if (status == RV_OK) {
        r->phase = RV_REACTOR_OPENING;
        r->link = RV_REACTOR_LINK_NONE;
        r->edge_failed = false;
        r->edge_error = (rv_error){.status = RV_OK};
    }
    return status;
}

static void forget(rv_reactor *r) {
    RV_ASSERT(r->phase != RV_REACTOR_CLOSED);
    rv_instance_forget(&r->instance);
    rv_reactor_host_close();
    r->phase = RV_REACTOR_CLOSED;
}

int32_t rv_module_open(const uint8_t *options, uint32_t len) {
    rv_reactor *const r = rv_reactor_enter();
    if (r->phase != RV_REACTOR_CLOSED && r->phase != RV_REACTOR_OPENING) {
        return rv_reactor_misuse(r, "the module has a database open");
    }
    if (!rv_reactor_memory_holds(options, len)) {
        return rv_reactor_misuse(r, "the options lie outside of the memory");
    }
    rv_status status = RV_OK;
    if (r->phase == RV_REACTOR_CLOSED) {
        status = begin_opening(r, rv_bytes_of(options, len), &r->error);
    }
    if (status != RV_OK) {
        return (int32_t)status;
    }
    status = rv_instance_open(&r->instance, &r->error);
    if (status == RV_OK) {
        r->phase = RV_REACTOR_OPEN;
        if (r->instance.damage.status != RV_OK) {
            r->error = r->instance.damage;
            status = r->instance.damage.status;
        }
    } else if (status != RV_PENDING) {
        forget(r);
    }
    return (int32_t)status;
}

int32_t rv_module_close(void) {
    rv_reactor *const r = rv_reactor_enter();
    if (r->phase == RV_REACTOR_CLOSED) {
        return RV_END;
    }
    if (r->phase == RV_REACTOR_OPENING) {
        return rv_reactor_misuse(r, "the database is still being opened");
    }
    if (r->phase == RV_REACTOR_OPEN) {
        rv_reactor_requests_end(r);
        rv_reactor_edge_end(r);
        r->phase = RV_REACTOR_CLOSING;
    }
    const rv_status status = rv_instance_close(&r->instance, &r->error);
    RV_ASSERT(status != RV_OK);
    if (status != RV_PENDING) {
        forget(r);
    }
    return (int32_t)status;
}

int32_t rv_module_poll(double now) {
    rv_reactor *const r = rv_reactor_enter();
    if (r->phase == RV_REACTOR_CLOSED) {
        return rv_reactor_misuse(r, "no database is open");
    }
    rv_status status = rv_node_poll(r->instance.node, &r->error);
    if (r->phase == RV_REACTOR_OPEN) {
        rv_reactor_edge_poll(r, rv_reactor_time(now));
        status = rv_node_poll(r->instance.node, &r->error); /* writes what the edge appended */
    }
    return (int32_t)status;
}

/* --- facts --- */

const volatile uint64_t *rv_module_at_work(void) {
    const rv_reactor *const r = &rv_reactor_one; /* whatever it is like */
    return r->phase == RV_REACTOR_CLOSED || r->instance.node == NULL
               ? NULL
               : rv_node_at_work(r->instance.node);
}

static void outbox_facts(const rv_node *node, double *facts) {
    const rv_outbox_facts outbox = rv_node_outbox(node);
    RV_ASSERT(outbox.suspended <= outbox.pending);
    facts[RV_MODULE_REVISION] = (double)rv_node_revision(node);
    facts[RV_MODULE_OUTBOX_DURABLE] = (double)outbox.durable;
    facts[RV_MODULE_OUTBOX_SETTLED] = (double)outbox.settled;
    facts[RV_MODULE_PENDING] = (double)outbox.pending;
    facts[RV_MODULE_SUSPENDED] = (double)outbox.suspended;
    facts[RV_MODULE_REJECTIONS] = (double)outbox.rejections;
    facts[RV_MODULE_HELD_BACK] = (double)outbox.held_back;
    facts[RV_MODULE_UNKNOWN] = (double)outbox.unknown;
    facts[RV_MODULE_PROVISIONAL] = rv_node_provisional(node) ? 1 : 0;
    const rv_keys_facts keys = rv_node_keys_facts(node);
    facts[RV_MODULE_LEASE_BLOCKS] = (double)keys.blocks;
    facts[RV_MODULE_LEASE_KEYS] = (double)keys.left;
    rv_forked forked;
    if (rv_node_forked(node, &forked)) {
        facts[RV_MODULE_FORKS] = (double)forked.count;
        facts[RV_MODULE_FORKED_AT] = (double)forked.at;
    }
    rv_rewound gone;
    if (rv_node_rewound(node, &gone)) {
        facts[RV_MODULE_DIVERGED_EPOCH] = (double)gone.epoch;
        facts[RV_MODULE_DIVERGED_FROM] = (double)gone.from;
        facts[RV_MODULE_DIVERGED_TO] = (double)gone.to;
        facts[RV_MODULE_DIVERGED_DROPPED] = (double)gone.dropped;
        facts[RV_MODULE_DIVERGED_REQUEUED] = (double)gone.requeued;
        facts[RV_MODULE_DIVERGED_AT] = (double)gone.at;
    }
}

static void node_facts(rv_node *node, double *facts) {
    const rv_role role = rv_node_role(node);
    facts[RV_MODULE_ROLE] = role == RV_ROLE_ROOT ? 0 : role == RV_ROLE_EDGE ? 1 : -1;
    facts[RV_MODULE_WATERMARK] = (double)rv_node_watermark(node);
    facts[RV_MODULE_WATERMARK_DURABLE] = (double)rv_node_watermark_durable(node);
    facts[RV_MODULE_SEQUENCE] = (double)rv_node_sequence(node);
    facts[RV_MODULE_SEQUENCE_DURABLE] = (double)rv_node_sequence_durable(node);
    facts[RV_MODULE_READ_ONLY] = (double)rv_node_failed(node, NULL);
    facts[RV_MODULE_SCHEMA_VERSION] = (double)rv_schema_version(rv_node_schema(node));
    if (role == RV_ROLE_EDGE) {
        outbox_facts(node, facts);
    }
}

static void edge_facts(const rv_edge *edge, double *facts) {
    rv_edge_status status;
    rv_edge_status_of(edge, &status);
    facts[RV_MODULE_EDGE_STATE] = (double)status.state;
    facts[RV_MODULE_EDGE_REASON] = (double)status.reason.status;
    facts[RV_MODULE_UPSTREAM_POSITION] = (double)status.upstream_position;
    facts[RV_MODULE_BYTES_RECEIVED] = (double)status.bytes_received;
    facts[RV_MODULE_BYTES_SENT] = (double)status.bytes_sent;
    facts[RV_MODULE_EVENTS_RECEIVED] = (double)status.events_received;
    facts[RV_MODULE_RELAYED] = (double)status.relayed;
}

const double *rv_module_facts(void) {
    rv_reactor *const r = rv_reactor_enter();
    memset(r->facts, 0, sizeof r->facts);
    r->facts[RV_MODULE_ROLE] = -1;
    r->facts[RV_MODULE_EDGE_STATE] = -1;
    if (r->phase == RV_REACTOR_OPEN || r->phase == RV_REACTOR_CLOSING) {
        node_facts(r->instance.node, r->facts);
        if (r->instance.edge != NULL) {
            edge_facts(r->instance.edge, r->facts);
        }
    }
    return r->facts;
}

int32_t rv_module_state_hash(void) {
    rv_reactor *const r = rv_reactor_enter();
    if (r->phase != RV_REACTOR_OPEN) {
        return rv_reactor_misuse(r, "no database is open");
    }
    if (rv_node_in_batch(r->instance.node)) {
        return RV_PENDING;
    }
    rv_writer w = rv_writer_over(r->buffer, sizeof r->buffer);
    rv_hash128_write(rv_node_state_hash(r->instance.node), &w);
    r->out = rv_writer_bytes(&w);
    return RV_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/engine/rewind.h"

#define TRIES_MAX 4000 /* of a request that the node does not take */

/* --- making operations --- */

void sim_workload_draw_event(sim_world *world, bool edge, uint64_t *random, sim_asked *asked) {
    const sim_schema *const schema = sim_schema_of(world->plan->schema);
    const uint32_t extras = world->workload.extras;
    RV_ASSERT(extras <= SIM_EXTRAS_MAX);
    const bool older =
        world->plan->features.older; /* an edge does not write what it does not know */
    if (extras > 0 && rv_random_chance(random, older ? 35 : 12) && !(older && edge)) {
        sim_extra_draw(random, (uint32_t)rv_random_below(random, extras), world->plan->keys,
                       &asked->draft);
        return;
    }
    schema->draw(random, world->plan->keys, &asked->draft);
}

/* A caller who has looked: event `i` is one that the model would take behind those before it, if
 * some tries find one. */
static void draw_sensible(sim_world *world, uint64_t *random, sim_operation *o, uint8_t i) {
    const uint8_t count = o->count;
    rv_status status = RV_REQUEST_INVALID;
    RV_ASSERT(i < count);
    o->count = (uint8_t)(i + 1);
    for (uint32_t tries = 0; tries < 6 && status != RV_OK; tries++) {
        sim_workload_draw_event(world, o->kind == SIM_STEP_WRITE, random, &o->asked[i]);
        status = sim_model_judge(world->models[0], o, SIM_EPOCH_US + world->now);
    }
    o->count = count;
}

static void draw_id(uint64_t *random, sim_asked *asked) {
    asked->has_id = true;
    rv_random_fill(random, asked->id, sizeof asked->id);
    asked->id[6] = (uint8_t)(0x40 | (asked->id[6] & 0x0f));
    asked->id[8] = (uint8_t)(0x80 | (asked->id[8] & 0x3f));
}

/* What the caller believes of the stream: often right, as it is of the truth, which lags. */
static void draw_expected(const sim_world *world, uint64_t *random, sim_asked *asked) {
    uint64_t version = 0;
    for (uint32_t i = 0; i < world->truth.stream_count; i++) {
        if (rv_bytes_are(world->truth.streams[i].path, asked->draft.path)) {
            version = world->truth.streams[i].version;
        }
    }
    asked->expected = version == 0 ? RV_EXPECTED_NONE : RV_EXPECTED_NUMBER;
    asked->expected_version = version;
    const uint64_t chance = rv_random_below(random, 10);
    if (chance == 0) {
        asked->expected = RV_EXPECTED_EXISTS;
    } else if (chance == 1) {
        asked->expected = RV_EXPECTED_NONE;
    } else if (chance == 2) {
        asked->expected_version += 1;
    }
    RV_ASSERT(asked->expected <= RV_EXPECTED_NUMBER);
}

/* Makes the request malformed in one of the ways there are. */
static void spoil(uint64_t *random, sim_asked *asked) {
    static const char *const data[] = {"{\"no_such_field\":1}", "{", "[]", "{\"id\":\"x\"}", ""};
    switch (rv_random_below(random, 3)) {
    case 0:
        (void)snprintf(asked->draft.path, sizeof asked->draft.path, "/nowhere/1");
        return;
    case 1:
        (void)snprintf(asked->draft.type, sizeof asked->draft.type, "no_such_type");
        return;
    default:
        (void)snprintf(asked->draft.data, sizeof asked->draft.data, "%s",
                       data[rv_random_below(random, 5)]);
        return;
    }
}

/* An earlier operation of which the first event has an id; NULL: none was met. */
static sim_operation *earlier(const sim_world *world, uint64_t *random) {
    for (uint32_t i = 0; i < 20 && world->operations.count > 0; i++) {
        sim_operation *const o =
            world->operations.list[rv_random_below(random, world->operations.count)];
        if (!o->schema && o->kind != SIM_STEP_WRITE && o->asked[0].has_id) {
            return o;
        }
    }
    return NULL;
}

static sim_operation *make_operation(sim_world *world, const sim_step *step) {
    uint64_t random = step->seed;
    const bool batch = step->kind == SIM_STEP_BATCH ||
                       (step->kind == SIM_STEP_WRITE && rv_random_chance(&random, 30));
    const uint8_t count = batch ? (uint8_t)(2 + rv_random_below(&random, SIM_BATCH_MAX - 1)) : 1;
    sim_operation *const again = sim_retry_draw(world, step);
    if (again != NULL) {
        return again;
    }
    sim_operation *const other = earlier(world, &random);
    if (step->kind == SIM_STEP_AGAIN && other != NULL) {
        return other;
    }
    sim_operation *const o = sim_operations_add(&world->operations, step->kind, count);
    if (o == NULL) {
        return NULL;
    }
    const bool ids = rv_random_chance(&random, 50);
    const bool sensible = step->kind != SIM_STEP_WRONG && rv_random_chance(&random, 70);
    for (uint8_t i = 0; i < count; i++) {
        sim_asked *const asked = &o->asked[i];
        if (sensible) {
            draw_sensible(world, &random, o, i);
        } else {
            sim_workload_draw_event(world, o->kind == SIM_STEP_WRITE, &random, asked);
        }
        if (world->plan->bulk_max > 0) {
            const uint64_t len = rv_random_below(&random, world->plan->bulk_max);
            sim_asked_fill(asked, (uint32_t)len, random);
        }
        if (ids) {
            draw_id(&random, asked);
        }
        if (step->kind == SIM_STEP_EXPECTED) {
            draw_expected(world, &random, asked);
        }
        if (step->kind == SIM_STEP_WRITE && asked->draft.path[0] == '/' &&
            rv_random_chance(&random, 30)) {
            asked->counting = rv_random_chance(&random, 85) ? SIM_COUNTS : SIM_COUNTS_WRONG;
        }
    }
    if (step->kind == SIM_STEP_WRONG) {
        spoil(&random, &o->asked[rv_random_below(&random, count)]);
    }
    if (step->kind == SIM_STEP_REUSED && other != NULL) {
        o->asked[0].has_id = true;
        memcpy(o->asked[0].id, other->asked[0].id, sizeof other->asked[0].id);
    }
    RV_ASSERT(o->count == count);
    sim_command_draw(world, step->seed, o);
    return o;
}

uint32_t sim_workload_extra_missing(const sim_world *world) {
    for (uint32_t n = 1; n <= world->workload.extras && world->truth.count > 0; n++) {
        char name[SIM_TYPE_LEN];
        (void)snprintf(name, sizeof name, "extra%u_made", n - 1);
        if (rv_schema_event_type_named(world->truth.schema, rv_bytes_of_string(name)) == NULL) {
            return n;
        }
    }
    RV_ASSERT(world->workload.extras <= SIM_EXTRAS_MAX);
    return 0;
}

static sim_operation *make_schema_change(sim_world *world) {
    const uint32_t missing = sim_workload_extra_missing(world);
    if (world->workload.extras_asked > SIM_EXTRAS_MAX && missing == 0) {
        return NULL;
    }
    sim_operation *const o = sim_operations_add(&world->operations, SIM_STEP_SCHEMA, 1);
    if (o != NULL) {
        o->schema = true;
        o->nth = missing > 0 ? missing : world->workload.extras_asked; /* 0: the world's own */
        world->workload.extras_asked += missing == 0;
    }
    RV_ASSERT(world->workload.extras_asked <= SIM_EXTRAS_MAX + 1);
    return o;
}

static sim_request *free_request(sim_world *world) {
    for (uint32_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        if (world->workload.requests[i].state == SIM_REQUEST_FREE) {
            return &world->workload.requests[i];
        }
    }
    return NULL;
}

void sim_workload_step(sim_world *world, const sim_step *step) {
    sim_member *const member = &world->members[step->member];
    sim_request *const request = free_request(world);
    if (member->life != SIM_UP || request == NULL) {
        sim_note(world, step->member, "%s: nobody is there", sim_step_text(step->kind));
        return;
    }
    sim_operation *const o =
        step->kind == SIM_STEP_SCHEMA ? make_schema_change(world) : make_operation(world, step);
    if (o == NULL) {
        return;
    }
    *request = (sim_request){.state = SIM_REQUEST_ASKING, .member = step->member, .operation = o};
    member->wake_at = world->now;
    sim_note(world, step->member, "%s: op %u, %u events, %s %s %.60s", sim_step_text(step->kind),
             o->number, (unsigned)o->count, o->asked[0].draft.path, o->asked[0].draft.type,
             o->asked[0].draft.data);
}

/* --- answers --- */

/* Accepted, as far as memory, at these places. */
static void accepted(sim_world *world, sim_request *request, sim_level level) {
    sim_operation *const o = request->operation;
    RV_ASSERT(level > SIM_UNANSWERED);
    if (o->schema && o->nth > 0 && o->nth > world->workload.extras) {
        world->workload.extras = o->nth;
    }
    o->refused_for = RV_OK;
    o->level = level > o->level ? level : o->level;
    world->figures.accepted[level] += 1;
    sim_note(world, request->member, "op %u: %s, position %llu", o->number,
             level == SIM_MEMORY  ? "in memory"
             : level == SIM_LOCAL ? "local"
                                  : "upstream",
             (unsigned long long)o->asked[o->count - 1].position);
}

/* An event of an answer: the same as in every earlier answer that still counts. */
static void answered(sim_world *world, const sim_operation *o, sim_asked *asked, uint64_t position,
                     uint64_t version, const uint8_t *id) {
    const bool same = asked->position == position && asked->version == version &&
                      memcmp(asked->event_id, id, sizeof asked->event_id) == 0;
    if (o->level > SIM_UNANSWERED && !same) {
        sim_fail(world, SIM_CHECK_TWICE, "op %u was at position %llu, and now at %llu", o->number,
                 (unsigned long long)asked->position, (unsigned long long)position);
    }
    if (asked->has_id && memcmp(asked->id, id, sizeof asked->id) != 0) {
        sim_fail(world, SIM_CHECK_CONTENT, "op %u has another id than it brought", o->number);
    }
    RV_ASSERT(position > 0);
    asked->position = position;
    asked->version = version;
    memcpy(asked->event_id, id, sizeof asked->event_id);
}

/* Statuses of an operation that the node could not judge. */
static bool is_of_the_node(rv_status status) {
    return status == RV_READ_ONLY || status == RV_CLOSING || status == RV_STORAGE_FULL ||
           status == RV_STORAGE_FAILED || status == RV_BUSY || status == RV_STATE_FULL ||
           status == RV_EVENT_TOO_LARGE || status == RV_BATCH_TOO_LARGE ||
           status == RV_REQUEST_TOO_LARGE;
}

void sim_workload_refused(sim_world *world, sim_request *request, rv_status status,
                          uint64_t position) {
    sim_operation *const o = request->operation;
    RV_ASSERT(status > RV_END);
    world->figures.statuses[status] += 1;
    world->figures.refused += 1;
    sim_note(world, request->member, "op %u: refused: %s", o->number, rv_status_code(status));
    if (position > 0 && !o->schema && !is_of_the_node(status)) {
        o->refused_at = position;
        o->refused_for = status;
    }
    request->state = SIM_REQUEST_FREE;
}

/* --- at the root --- */

static rv_status ask_schema(const sim_world *world, sim_member *member, sim_operation *o,
                            rv_event *result, rv_error *err) {
    char text[SIM_EXTRA_TEXT_LEN];
    rv_bytes bytes = rv_bytes_of_string(sim_schema_of(world->plan->schema)->text);
    if (o->nth > 0) {
        sim_extra_text(o->nth - 1, text);
        bytes = rv_bytes_of_string(text);
    }
    return rv_node_schema_apply(member->node, bytes, result, err);
}

static bool ask_root(sim_world *world, sim_member *member, sim_request *request) {
    sim_operation *const o = request->operation;
    rv_append events[SIM_BATCH_MAX];
    rv_event results[SIM_BATCH_MAX];
    rv_error err;
    const uint64_t before = rv_node_watermark(member->node);
    for (uint8_t i = 0; i < o->count && !o->schema; i++) {
        events[i] = sim_asked_append(&o->asked[i]);
    }
    const rv_status status = o->schema
                                 ? ask_schema(world, member, o, results, &err)
                                 : rv_node_append(member->node, events, o->count, results, &err);
    request->tries += 1;
    if ((status == RV_PENDING || status == RV_BUSY) && request->tries < TRIES_MAX) {
        return false;
    }
    if (status != RV_OK) {
        if (rv_node_watermark(member->node) != before) {
            sim_fail(world, SIM_CHECK_ORDER, "op %u was refused and moved W", o->number);
        }
        sim_workload_refused(world, request, status == RV_PENDING ? RV_BUSY : status, before);
        return true;
    }
    world->figures.statuses[RV_OK] += 1;
    for (uint8_t i = 0; i < o->count; i++) {
        answered(world, o, &o->asked[i], results[i].position, results[i].version,
                 results[i].event_id);
    }
    request->sequence = results[o->count - 1].sequence;
    request->state = SIM_REQUEST_FLUSHING;
    accepted(world, request, SIM_MEMORY);
    return true;
}

static bool ask(sim_world *world, sim_member *member, sim_request *request) {
    RV_ASSERT(request->state == SIM_REQUEST_ASKING);
    if (request->operation->kind == SIM_STEP_WRITE) {
        return sim_outbox_ask(world, member, request);
    }
    return ask_root(world, member, request);
}

bool sim_workload_turn(sim_world *world, sim_member *member) {
    bool moved = false;
    RV_ASSERT(member->life == SIM_UP);
    if (rv_node_rewinding(member->node)) {
        return false;
    }
    for (uint32_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        sim_request *const request = &world->workload.requests[i];
        if (request->state == SIM_REQUEST_FREE || request->member != member->index) {
            continue;
        }
        if (request->state == SIM_REQUEST_ASKING) {
            moved = ask(world, member, request) || moved;
        } else if (request->state == SIM_REQUEST_WRITTEN) {
            moved = sim_outbox_hear(world, member, request) || moved;
        } else if (rv_node_sequence_durable(member->node) >= request->sequence) {
            accepted(world, request, SIM_LOCAL);
            request->state = SIM_REQUEST_FREE;
            moved = true;
        }
    }
    return sim_outbox_turn(world, member) || moved;
}

bool sim_workload_asks(const sim_world *world, const sim_member *member) {
    bool asks = false;
    for (uint32_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        const sim_request *const request = &world->workload.requests[i];
        asks = asks || (request->state == SIM_REQUEST_ASKING && request->member == member->index);
    }
    RV_ASSERT(member->life == SIM_UP);
    return asks;
}

void sim_workload_drop(sim_world *world, const sim_member *member) {
    for (uint32_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        sim_request *const request = &world->workload.requests[i];
        if (request->state != SIM_REQUEST_FREE && request->member == member->index) {
            world->figures.unknown += 1;
            request->state = SIM_REQUEST_FREE;
        }
    }
    RV_ASSERT(member->life != SIM_UP || member->node != NULL);
}

bool sim_workload_waits(const sim_world *world) {
    bool waits = false;
    for (uint32_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        waits = waits || world->workload.requests[i].state != SIM_REQUEST_FREE;
    }
    RV_ASSERT(world->operations.count <= SIM_OPERATIONS_MAX);
    return waits;
}

bool sim_workload_schema_waits(const sim_world *world) {
    bool waits = false;
    for (uint32_t i = 0; i < SIM_REQUESTS_MAX && !waits; i++) {
        const sim_request *const request = &world->workload.requests[i];
        waits = request->state != SIM_REQUEST_FREE && request->operation->schema;
    }
    RV_ASSERT(world->operations.count <= SIM_OPERATIONS_MAX);
    return waits;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/rights.h"

#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/engine/decide.h"
#include "core/engine/purge.h"
#include "core/engine/rewind.h"
#include "core/engine/token.h"
#include "tests/sim/squeeze.h"
#include "tests/unit/digest.h"

#define PAUSE_US (12 * SIM_US_OF_SECOND) /* between two changes, at most */
#define TELL_US  (10 * SIM_US_OF_SECOND) /* until an edge hears of its secret, at most */
#define GRACE_US (60 * SIM_US_OF_SECOND)
#define AGAIN_US 1000
#define LIST_MAX 1024
#define NOTHING  "/nowhere" /* a pattern of no stream of any world */
#define ALL      "/**"

static const char feature[] = "rights";

static bool is_used(const sim_world *world) {
    return world->plan->features.rights;
}

/* Whose token it has: two who use one directory have one. */
static uint8_t owner_of(const sim_world *world, uint8_t edge) {
    const uint8_t twin = world->plan->members[edge].twin;
    RV_ASSERT(edge < world->plan->member_count);
    return twin > 0 && twin < edge ? twin : edge;
}

static sim_edge_rights *rights_of(sim_world *world, uint8_t edge) {
    return &world->rights.edges[owner_of(world, edge)];
}

void sim_rights_reset(sim_world *world) {
    sim_rights *const r = &world->rights;
    memset(r, 0, sizeof *r);
    r->random = sim_plan_stream(world->plan->seed, feature) + 1;
    r->next_at = (int64_t)rv_random_below(&r->random, (uint64_t)world->plan->quiet_at / 2);
    RV_ASSERT(world->plan->member_count > 1);
}

void sim_rights_principal(const sim_world *world, uint8_t edge, char *text) {
    const int len = snprintf(text, 8, "edge%u", (unsigned)owner_of(world, edge));
    RV_ASSERT(is_used(world) && len > 0 && len < 8);
}

static void secret_text(uint8_t edge, uint32_t secret, char *text) {
    const int len = snprintf(text, 32, "rvt_edge_%u_%u", (unsigned)edge, secret);
    RV_ASSERT(len > 0 && len < 32);
}

/* --- what is wanted --- */

static bool has_entry(const sim_selection *selection, const sim_entry *entry) {
    bool has = false;
    for (uint8_t i = 0; i < selection->count; i++) {
        const sim_entry *const e = &selection->entries[i];
        has = has || (e->pattern != NULL && e->pattern == entry->pattern) ||
              (e->given != NULL && e->given == entry->given);
    }
    return has;
}

static const sim_entry *taken_entry(const sim_member_plan *plan) {
    return plan->taken < plan->selections[0].count ? &plan->selections[0].entries[plan->taken]
                                                   : NULL;
}

/* The right to this entry of some selection may be taken. */
static bool may_lose(const sim_member_plan *plan, const sim_entry *entry) {
    return plan->takes != NULL && entry->pattern != NULL &&
           strcmp(entry->pattern, plan->takes) == 0;
}

uint8_t sim_rights_selection(const sim_world *world, const sim_member *edge) {
    const sim_edge_rights *const rights = &world->rights.edges[owner_of(world, edge->index)];
    if (is_used(world) && rights->taken && edge->plan->takes != NULL) {
        return edge->plan->without[edge->selection];
    }
    const bool taken = is_used(world) && rights->taken &&
                       has_entry(&edge->plan->selections[edge->selection], taken_entry(edge->plan));
    return taken ? 1 : edge->selection;
}

/* Its administrator wants it to hold what it may hold again. */
static void select_again(sim_world *world, sim_member *edge) {
    edge->selection = 2;
    world->figures.selections += 1;
    edge->selects = edge->life == SIM_UP;
    edge->wake_at = world->now;
    RV_ASSERT(edge->plan->selection_count > 2);
}

/* Something else is wanted than what may be kept. */
static void want_other(sim_edge_rights *rights) {
    for (uint8_t i = 0; i < SIM_MEMBERS_MAX; i++) {
        rights->at[i].kept = false;
        rights->at[i].made = 0;
    }
    RV_ASSERT(rights->writes != NULL);
}

/* Who has the token hears of it, and whoever has a copy of the directory, each when it does. */
static void new_secret(sim_world *world, uint8_t edge) {
    sim_rights *const r = &world->rights;
    sim_edge_rights *const rights = &r->edges[edge];
    const uint8_t twin = world->plan->members[edge].twin;
    rights->token = true;
    want_other(rights);
    rights->secret += 1;
    rights->grace_us = rv_random_chance(&r->random, 50) ? GRACE_US : 0;
    rights->tell_at = world->now + (int64_t)rv_random_below(&r->random, TELL_US);
    if (twin > 0) {
        r->edges[twin].tell_at = world->now + (int64_t)rv_random_below(&r->random, TELL_US);
    }
    RV_ASSERT(rights->secret > 0 && owner_of(world, edge) == edge);
}

/* The right to one entry is taken from it, or it has that again. */
static void select_taken(sim_world *world, sim_member *edge, bool taken) {
    if (edge->plan->takes != NULL) { /* it selects all the time what it wants */
        edge->selects = !taken && edge->life == SIM_UP;
        edge->wake_at = world->now;
    } else if (!taken) {
        select_again(world, edge);
    } else if (edge->selection == 0) {
        edge->selection = 1;
    }
}

static void change(sim_world *world, sim_member *edge, sim_edge_rights *rights) {
    sim_rights *const r = &world->rights;
    const uint8_t twin = edge->plan->twin;
    const sim_schema *const schema = sim_schema_of(world->plan->schema);
    const uint64_t what = rv_random_below(&r->random, 10);
    want_other(rights);
    if (what < 5 && (taken_entry(edge->plan) != NULL || edge->plan->takes != NULL)) {
        rights->taken = !rights->taken;
        select_taken(world, edge, rights->taken);
        if (twin > 0 && world->members[twin].process > 0) {
            select_taken(world, &world->members[twin], rights->taken);
        }
        world->figures.rights_taken += rights->taken;
        world->figures.gate_taken += rights->taken && edge->plan->takes != NULL;
    } else if (what < 7 && edge->plan->serves) {
        new_secret(world, edge->index); /* what it may write counts for others, too */
    } else if (what < 7) {
        const uint64_t nth = rv_random_below(&r->random, sim_schema_patterns(schema));
        rights->writes = strcmp(rights->writes, ALL) != 0 ? ALL : schema->patterns[nth];
    } else if (what < 8) {
        rights->token = false;
        world->figures.tokens_revoked += 1;
    } else {
        new_secret(world, edge->index);
    }
    sim_note(world, edge->index, "rights: token %d, secret %u, %s, may write %s", rights->token,
             rights->secret, rights->taken ? "one is taken" : "all it selects", rights->writes);
}

void sim_rights_moment(sim_world *world) {
    sim_rights *const r = &world->rights;
    const uint8_t edges = (uint8_t)(world->plan->member_count - 1);
    const bool due = world->quiet ? r->next_at < INT64_MAX : world->now >= r->next_at;
    if (!is_used(world) || !due) {
        return;
    }
    for (uint8_t i = 1; i <= edges; i++) {
        sim_edge_rights *const rights = &r->edges[i];
        const bool own = owner_of(world, i) == i;
        if (!r->begun) {
            rights->writes = ALL;
        }
        if (own && (!r->begun || (world->quiet && !rights->token))) {
            new_secret(world, i);
        }
    }
    for (uint8_t i = 1; i <= edges; i++) {
        sim_edge_rights *const rights = &r->edges[i];
        rights->tell_at = world->quiet ? world->now : rights->tell_at;
    }
    if (r->begun && !world->quiet) {
        const uint8_t drawn = (uint8_t)(1 + rv_random_below(&r->random, edges));
        const uint8_t edge = owner_of(world, drawn);
        change(world, &world->members[edge], &r->edges[edge]);
    }
    r->begun = true;
    r->next_at =
        world->quiet ? INT64_MAX : world->now + (int64_t)rv_random_below(&r->random, PAUSE_US);
    for (uint8_t i = 0; i <= edges; i++) {
        world->members[i].wake_at =
            world->members[i].plan->serves ? world->now : world->members[i].wake_at;
    }
}

/* --- the root, and gateways --- */

static void add_right(rv_writer *w, rv_token_list *list, const char *text) {
    rv_write_blob(w, rv_bytes_of_string(text));
    list->count += 1;
    RV_ASSERT(!w->full);
}

/* How many of its selections the edge may read. */
static uint8_t read_count(const sim_member_plan *plan) {
    RV_ASSERT(plan->selection_count > 0);
    return plan->taken == UINT8_MAX ? plan->change_count : 1;
}

static bool has_right(const rv_token_list *list, const rv_writer *w, const char *text) {
    rv_token_list sofar = {.count = list->count, .bytes = rv_writer_bytes(w)};
    rv_bytes right;
    bool has = false;
    for (size_t at = 0; !has && rv_token_list_next(&sofar, &at, &right);) {
        has = rv_bytes_are(right, text);
    }
    return has;
}

/* What the edge may read: the entries of its selections, but one if that is taken. */
static rv_token_list reads_of(const sim_member_plan *plan, bool taken, uint8_t *memory) {
    rv_token_list list = {.count = 0};
    rv_writer w = rv_writer_over(memory, LIST_MAX);
    for (uint8_t k = 0; k < read_count(plan); k++) {
        for (uint8_t i = 0; i < plan->selections[k].count; i++) {
            const sim_entry *const entry = &plan->selections[k].entries[i];
            char text[SIM_ENTRY_LEN];
            (void)snprintf(text, sizeof text, "%s%s", entry->pattern != NULL ? "" : "aggregate ",
                           entry->pattern != NULL ? entry->pattern : entry->given->aggregate);
            if ((!taken || (i != plan->taken && !may_lose(plan, entry))) &&
                (k == 0 || !has_right(&list, &w, text))) {
                add_right(&w, &list, text);
            }
        }
    }
    list.bytes = rv_writer_bytes(&w);
    return list;
}

/* Does who has the token ever connect there? */
static bool admits(const sim_world *world, const sim_member *node, uint8_t edge) {
    const uint8_t upstream = world->plan->members[edge].upstream;
    return edge != node->index && owner_of(world, edge) == edge &&
           (node->index == 0 || upstream == owner_of(world, node->index));
}

/* What it may write by the node's token: the root limits that, or the gateway that it is behind. */
static const char *writes_at(const sim_world *world, const sim_member *node, uint8_t edge) {
    const bool gated =
        world->plan->features.gate_limits && world->plan->members[edge].upstream != 0;
    RV_ASSERT(edge > 0);
    return gated == (node->index > 0) ? world->rights.edges[edge].writes : ALL;
}

static rv_status put(sim_world *world, sim_member *root, uint8_t edge) {
    sim_edge_rights *const rights = &world->rights.edges[edge];
    uint8_t reads[LIST_MAX];
    uint8_t writes[LIST_MAX];
    char name[8], secret[32];
    rv_writer w = rv_writer_over(writes, sizeof writes);
    sim_rights_principal(world, edge, name);
    secret_text(edge, rights->secret, secret);
    const bool kept = world->canary == SIM_CANARY_RIGHT_KEPT;
    rv_access_token token = {.name = rv_bytes_of_string(name), .created_at = 1};
    test_sha256(rv_bytes_of_string(secret), token.digest);
    token.reads = reads_of(&world->plan->members[edge], rights->taken && !kept, reads);
    token.relay = world->plan->members[edge].serves;
    add_right(&w, &token.writes, writes_at(world, root, edge));
    token.writes.bytes = rv_writer_bytes(&w);
    const int64_t until = rights->grace_us == 0 ? 0 : rv_node_now(root->node) + rights->grace_us;
    return rv_node_token_put(root->node, &token, until, NULL);
}

/* Is that what the root has? */
static bool has(const sim_world *world, const sim_member *root, uint8_t edge) {
    const sim_edge_rights *const rights = &world->rights.edges[edge];
    rv_access_token token;
    uint8_t reads[LIST_MAX];
    uint8_t digest[RV_DIGEST_SIZE];
    char name[8], secret[32];
    size_t at = 0;
    rv_bytes writes = {NULL, 0};
    sim_rights_principal(world, edge, name);
    if (!rv_node_token_named(root->node, rv_bytes_of_string(name), &token)) {
        return !rights->token;
    }
    secret_text(edge, rights->secret, secret);
    test_sha256(rv_bytes_of_string(secret), digest);
    const bool kept = world->canary == SIM_CANARY_RIGHT_KEPT;
    const rv_token_list list = reads_of(&world->plan->members[edge], rights->taken && !kept, reads);
    return rights->token && memcmp(token.digest, digest, sizeof digest) == 0 &&
           rv_bytes_equal(token.reads.bytes, list.bytes) &&
           rv_token_list_next(&token.writes, &at, &writes) &&
           rv_bytes_are(writes, writes_at(world, root, edge));
}

/* From now on the node judges by this what the edge writes. */
static void limit(sim_world *world, const sim_member *node, uint8_t edge) {
    sim_edge_rights *const rights = &world->rights.edges[edge];
    sim_limits *const limits = &rights->limits[node->index];
    /* for who has no token it is the gateway's that counts */
    const char *const none = world->plan->members[edge].upstream == 0 ? NOTHING : ALL;
    const char *const writes = rights->token ? writes_at(world, node, edge) : none;
    RV_ASSERT(limits->count < SIM_LIMITS_MAX);
    if (limits->count == 0 || limits->list[limits->count - 1].pattern != writes) {
        limits->list[limits->count++] = (sim_limit){world->now, writes};
    }
    if (limits->count == SIM_LIMITS_MAX) { /* what was long ago is not judged any more */
        memmove(limits->list, limits->list + 1, sizeof limits->list - sizeof(sim_limit));
        limits->count -= 1;
    }
}

/* It is so, in this process of the node. */
static void in_force(sim_world *world, const sim_member *node, uint8_t edge) {
    sim_edge_rights *const rights = &world->rights.edges[edge];
    sim_in_force *const at = &rights->at[node->index];
    RV_ASSERT(node->process > 0);
    at->process = node->process;
    at->has_token = rights->token;
    at->has_taken = rights->taken;
    limit(world, node, edge);
}

/* The administrator's own token, or the node would be open once all others are revoked. */
static bool administrate(sim_member *root) {
    rv_access_token token;
    const rv_bytes name = RV_LITERAL("root");
    if (rv_node_token_named(root->node, name, &token)) {
        return true;
    }
    token = (rv_access_token){.name = name, .admin = true, .created_at = 1};
    test_sha256(name, token.digest);
    const rv_status status = rv_node_token_put(root->node, &token, 0, NULL);
    RV_ASSERT(status != RV_PARAMETER_INVALID);
    return status == RV_OK;
}

static void ask_again(const sim_world *world, sim_member *root) {
    const int64_t at = world->now + AGAIN_US;
    root->wake_at = at < root->wake_at ? at : root->wake_at;
}

static void node_turn(sim_world *world, sim_member *node) {
    if (rv_node_rewinding(node->node) || rv_node_identity(node->node) == NULL) {
        return; /* a gateway that has met its upstream can keep tokens */
    }
    if (!administrate(node)) {
        ask_again(world, node);
        return;
    }
    for (uint8_t i = 1; i < world->plan->member_count; i++) {
        sim_edge_rights *const rights = &world->rights.edges[i];
        sim_in_force *const at = &rights->at[node->index];
        char name[8];
        if (!admits(world, node, i) ||
            (at->kept && at->process == node->process && !at->has_taken)) {
            continue; /* nothing has changed since; a right that is taken is looked after */
        }
        const bool is = has(world, node, i);
        if (is) {
            in_force(world, node, i);
            at->kept = at->made > 0 && rv_node_decisions_durable(node->node) >= at->made;
            continue;
        }
        sim_rights_principal(world, i, name);
        const rv_status status =
            rights->token ? put(world, node, i)
                          : rv_node_token_revoke(node->node, rv_bytes_of_string(name), NULL);
        RV_ASSERT(status != RV_PARAMETER_INVALID && status != RV_NOT_FOUND);
        at->process = 0;
        at->kept = false;
        if (status == RV_OK) {
            at->made = rv_node_decisions_made(node->node);
            world->figures.rights_changed += 1;
            world->figures.rights_gated += node->index > 0;
            in_force(world, node, i);
        }
        ask_again(world, node);
    }
}

void sim_rights_opened(sim_world *world, sim_member *root) {
    RV_ASSERT(root->plan->role == SIM_ROOT);
    for (uint8_t i = 1; i < world->plan->member_count && world->rights.begun; i++) {
        sim_in_force *const at = &world->rights.edges[i].at[0];
        if (owner_of(world, i) == i && at->kept && at->made > 0 && !world->restores.replaced &&
            !has(world, root, i)) {
            sim_fail(world, SIM_CHECK_RIGHTS, "the root has lost the rights of member %u",
                     (unsigned)i);
        }
        at->kept = false;
        at->made = 0;
    }
}

/* --- an edge --- */

/* It asked for what it has the right to again before its upstream knew: its administrator, who is
 * told so, asks once more when that does. */
static void select_refused(sim_world *world, sim_member *edge) {
    const sim_edge_rights *const rights = rights_of(world, edge->index);
    const sim_in_force *const at = &rights->at[edge->upstream];
    rv_edge_status status;
    if (rights->taken || at->has_taken || !at->has_token || edge->selects ||
        at->process != world->members[edge->upstream].process) {
        return;
    }
    rv_edge_status_of(edge->edge, &status);
    edge->selects = status.selection_refused.status == RV_FORBIDDEN &&
                    !sim_selection_is(&edge->plan->selections[edge->selection],
                                      rv_node_selection_wanted(edge->node));
}

static void edge_turn(sim_world *world, sim_member *edge) {
    const uint8_t owner = owner_of(world, edge->index);
    sim_edge_rights *const rights = &world->rights.edges[edge->index];
    char text[32];
    if (world->now >= rights->tell_at) {
        rights->told = world->rights.edges[owner].secret;
    }
    if (rights->told == 0 || (rights->given_in == edge->process && rights->given == rights->told &&
                              !rv_edge_wants_token(edge->edge, world->now))) {
        return;
    }
    secret_text(owner, rights->told, text);
    rv_edge_set_token(edge->edge, rv_bytes_of_string(text), world->now);
    rights->given_in = edge->process;
    rights->given = rights->told;
}

void sim_rights_turn(sim_world *world, sim_member *member) {
    RV_ASSERT(member->life == SIM_UP);
    if (!is_used(world) || !world->rights.begun) {
        return;
    }
    if (member->plan->serves) {
        node_turn(world, member);
    }
    if (member->plan->role == SIM_EDGE) {
        edge_turn(world, member);
        select_refused(world, member);
    }
}

bool sim_rights_done(const sim_world *world) {
    bool done = true;
    for (uint8_t i = 1; i < world->plan->member_count && is_used(world) && done; i++) {
        const sim_edge_rights *const rights = &world->rights.edges[owner_of(world, i)];
        const sim_member *const m = &world->members[i];
        done = rights->at[0].process == world->members[0].process &&
               rights->at[m->upstream].process == world->members[m->upstream].process &&
               world->rights.edges[i].told == rights->secret &&
               (m->node == NULL || !rv_purge_busy(m->node));
    }
    return done;
}

/* --- checks --- */

/* May the edge read the stream, by what is in force at the node? */
static bool may_read(const sim_world *world, uint8_t from, uint8_t edge, rv_bytes path) {
    const sim_in_force *const at = &world->rights.edges[owner_of(world, edge)].at[from];
    const sim_member_plan *const plan = &world->plan->members[edge];
    bool may = false;
    for (uint8_t k = 0; k < read_count(plan); k++) {
        const sim_selection *const selection = &plan->selections[k];
        for (uint8_t i = 0; i < selection->count && at->has_token; i++) {
            const char *const pattern = selection->entries[i].pattern;
            const bool taken =
                at->has_taken && (i == plan->taken || may_lose(plan, &selection->entries[i]));
            may = may || (pattern != NULL && !taken && sim_pattern_selects(pattern, path));
        }
    }
    RV_ASSERT(is_used(world));
    return may;
}

/* The next event in the bytes that an operation asked for at a concrete path; NULL: none. */
static const sim_asked *next_asked(const sim_world *world, rv_bytes bytes, size_t *at,
                                   const sim_operation **operation) {
    static const char mark[] = "{\"op\":";
    while (*at + sizeof mark < bytes.len) {
        const uint8_t *const begin =
            memchr(bytes.ptr + *at, mark[0], bytes.len - *at - sizeof mark);
        if (begin == NULL) {
            break;
        }
        const size_t from = (size_t)(begin - bytes.ptr);
        *at = from + 1;
        if (memcmp(begin, mark, sizeof mark - 1) != 0) {
            continue;
        }
        const uint8_t *const end = memchr(begin, '}', bytes.len - from);
        uint32_t index = 0;
        sim_operation *const o =
            end == NULL
                ? NULL
                : sim_operations_find(&world->operations,
                                      rv_bytes_of(begin, (size_t)(end - begin) + 1), &index);
        if (o != NULL && o->command == NULL && o->asked[index].draft.path[0] == '/') {
            *operation = o;
            return &o->asked[index];
        }
    }
    return NULL;
}

void sim_rights_sent(sim_world *world, uint8_t from, uint8_t edge, rv_bytes message) {
    static uint8_t buffer[RV_WIRE_MESSAGE_MAX];
    const rv_compression squeeze = sim_squeeze();
    const rv_writer inflated = rv_writer_over(buffer, sizeof buffer);
    const sim_operation *o = NULL;
    rv_wire_kind kind;
    rv_bytes body;
    if (!is_used(world) ||
        rights_of(world, edge)->at[from].process != world->members[from].process ||
        rv_wire_open(message, &squeeze, &inflated, &kind, &body, NULL) != RV_OK) {
        return;
    }
    for (size_t at = 0; at < body.len;) {
        const sim_asked *const asked = next_asked(world, body, &at, &o);
        if (asked == NULL) {
            return;
        }
        world->figures.rights_sent += 1;
        if (!may_read(world, from, edge, rv_bytes_of_string(asked->draft.path))) {
            sim_fail(world, SIM_CHECK_RIGHTS,
                     "member %u is sent op %u of %s, which it may not read", (unsigned)edge,
                     o->number, asked->draft.path);
        }
    }
}

/* At some time since the operation could have been pushed, may its writer write to the path, or may
 * it not? */
static bool could(const sim_limits *limits, const sim_operation *o, rv_bytes path, bool write) {
    bool could = limits->count == 0 && write;
    for (uint32_t i = 0; i < limits->count && !could; i++) {
        const bool over = i + 1 < limits->count && limits->list[i + 1].at < o->written_at;
        could = !over && sim_pattern_selects(limits->list[i].pattern, path) == write;
    }
    RV_ASSERT(limits->count < SIM_LIMITS_MAX);
    /* nothing was limited before the first time */
    return could ||
           (write && (limits->list[0].at > o->written_at || limits->count == SIM_LIMITS_MAX - 1));
}

void sim_rights_accepted(sim_world *world, const sim_operation *o, rv_bytes path) {
    if (!is_used(world) || o->kind != SIM_STEP_WRITE || o->voided) {
        return;
    }
    world->figures.rights_judged += 1;
    if (!could(&rights_of(world, o->writer)->limits[0], o, path, true)) {
        sim_fail(world, SIM_CHECK_RIGHTS,
                 "op %u was accepted at %.*s, where member %u may not write", o->number,
                 (int)path.len, (const char *)path.ptr, (unsigned)o->writer);
    }
}

void sim_rights_forbidden(sim_world *world, const sim_operation *o) {
    const sim_edge_rights *const rights = rights_of(world, o->writer);
    bool root = false;
    bool gateway = false;
    for (uint8_t i = 0; i < o->count && is_used(world) && !root; i++) {
        const rv_bytes path = rv_bytes_of_string(o->asked[i].draft.path);
        const bool known = path.ptr[0] == '/'; /* else its key was chosen later */
        root = !known || could(&rights->limits[0], o, path, false);
        for (uint8_t k = 1; k < world->plan->member_count && known; k++) {
            gateway = gateway || could(&rights->limits[k], o, path, false);
        }
    }
    const bool good = root || gateway;
    world->figures.rights_forbidden += 1;
    world->figures.gate_forbidden += gateway && !root;
    if (!good && !o->voided) {
        sim_fail(world, SIM_CHECK_RIGHTS, "op %u was forbidden, and member %u may write it",
                 o->number, (unsigned)o->writer);
    }
}

/* Was it written there, or relayed, or in the directory that became this one? */
static bool passes_through(const sim_world *world, const sim_operation *o, uint8_t edge) {
    uint8_t at = owner_of(world, o->writer);
    for (uint8_t i = 0; i < world->plan->member_count && at != owner_of(world, edge) && at != 0;
         i++) {
        at = owner_of(world, world->plan->members[at].upstream);
    }
    const bool twin = o->writer == world->plan->members[edge].twin;
    RV_ASSERT(edge > 0 && o->kind == SIM_STEP_WRITE);
    return at == owner_of(world, edge) && (!twin || o->both);
}

void sim_rights_files(sim_world *world, sim_member *edge) {
    const rv_sim_faults calm = {.fault = RV_SIM_NO_FAULT};
    sim_directory directory = {.count = 0};
    if (!is_used(world) || taken_entry(edge->plan) == NULL || edge->life != SIM_UP ||
        rv_node_rewinding(edge->node) || rv_node_identity(edge->node) == NULL ||
        !rv_node_whole(edge->node) || sim_member_selection(edge) != 1 ||
        !rv_purge_is_clean(edge->node) || rv_sim_disk_deadline(edge->disk) != UINT64_MAX ||
        edge->faults.fault != RV_SIM_NO_FAULT) {
        return;
    }
    const uint64_t what = ((uint64_t)edge->process << 32) + rv_node_selection_swaps(edge->node) +
                          ((uint64_t)world->quiet << 31);
    if (world->rights.edges[edge->index].looked == what) {
        return;
    }
    world->rights.edges[edge->index].looked = what;
    rv_sim_disk_set_faults(edge->disk, &calm);
    sim_directory_take(&directory, rv_sim_disk_interface(edge->disk));
    sim_member_faults_apply(edge);
    for (uint32_t i = 0; i < directory.count; i++) {
        const sim_copied_file *const file = &directory.files[i];
        const rv_bytes bytes = rv_bytes_of(file->bytes, file->len);
        const sim_operation *o = NULL;
        const sim_asked *asked = NULL;
        size_t at = strncmp(file->name, "log-", 4) == 0 ? 0 : file->len;
        while ((asked = next_asked(world, bytes, &at, &o)) != NULL) {
            const bool own = o->kind == SIM_STEP_WRITE && passes_through(world, o, edge->index);
            const rv_bytes path = rv_bytes_of_string(asked->draft.path);
            if (!own && !sim_selection_feeds(&edge->plan->selections[1], true, path)) {
                sim_fail(world, SIM_CHECK_RIGHTS, "member %u has op %u of %s in %s, and purged it",
                         (unsigned)edge->index, o->number, asked->draft.path, file->name);
            }
        }
    }
    world->figures.rights_files += 1;
    sim_directory_free(&directory);
}

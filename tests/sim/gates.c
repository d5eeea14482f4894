/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/gates.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"
#include "tests/sim/world.h"

#include <string.h>

#define CHANGES_PERCENT 60 /* of worlds with gateways that have no other feature about that, */
#define MIXES_PERCENT   60 /* and of those that have, or whose gateways select what they like */
#define WORLDS_PERCENT  30 /* of those without, that get one */
#define CORE_PERCENT    70 /* of these: some entry is held all the time */
#define GIVEN_PERCENT   35 /* gateways select an aggregate, too */
#define LATE_PERCENT    60 /* devices come later */
#define SINCE_PERCENT   30 /* of what is not selected with its history */
#define SINCE_MAX       60 /* positions */
#define TRIES_MAX       8
#define TAKES_PERCENT   80 /* of gateways, and of who is behind them, where there are tokens */

/* --- plans --- */

static bool has_pattern(const sim_selection *selection, const char *pattern) {
    bool met = false;
    for (uint8_t i = 0; i < selection->count && !met; i++) {
        const char *const other = selection->entries[i].pattern;
        met = other != NULL && strcmp(other, pattern) == 0;
    }
    return met;
}

/* With all of its history in so many of a hundred, else with none or some. */
static void add(sim_selection *selection, const char *pattern, uint64_t *random, uint32_t percent) {
    const bool history = rv_random_chance(random, percent);
    const bool since = rv_random_chance(random, SINCE_PERCENT);
    const uint32_t from = 1 + (uint32_t)rv_random_below(random, SINCE_MAX);
    RV_ASSERT(pattern != NULL && selection->count < SIM_PATTERNS_MAX);
    if (!has_pattern(selection, pattern)) {
        selection->entries[selection->count] = (sim_entry){
            .pattern = pattern, .history = history, .since = since && !history ? from : 0};
        selection->count += 1;
    }
}

static bool same(const sim_selection *a, const sim_selection *b) {
    bool equal = a->count == b->count;
    for (uint8_t i = 0; i < a->count && equal; i++) {
        bool met = false;
        for (uint8_t k = 0; k < b->count && !met; k++) {
            met = a->entries[i].pattern == b->entries[k].pattern &&
                  a->entries[i].history == b->entries[k].history &&
                  a->entries[i].since == b->entries[k].since &&
                  a->entries[i].timed == b->entries[k].timed &&
                  a->entries[i].seconds == b->entries[k].seconds &&
                  a->entries[i].given == b->entries[k].given;
        }
        equal = met;
    }
    return equal;
}

/* One more, if it is another than all before. */
static void append(sim_member_plan *m, const sim_selection *selection) {
    bool known = m->selection_count == SIM_CHANGES_MAX;
    for (uint8_t k = 0; k < m->selection_count && !known; k++) {
        known = same(&m->selections[k], selection);
    }
    if (!known) {
        m->selections[m->selection_count] = *selection;
        m->selection_count += 1;
    }
}

/* Some pattern that the upstream holds at some time; of one that holds everything, of any. */
static const char *draw_pattern(const sim_plan *plan, uint64_t *random, uint8_t upstream) {
    const sim_schema *const schema = sim_schema_of(plan->schema);
    const sim_member_plan *const m = &plan->members[upstream];
    const char *pattern = NULL;
    if (upstream > 0) {
        const sim_selection *const s = &m->selections[rv_random_below(random, m->selection_count)];
        pattern = s->entries[rv_random_below(random, s->count)].pattern;
    }
    const bool all = pattern == NULL || strcmp(pattern, "/**") == 0;
    return all && rv_random_chance(random, 70)
               ? schema->patterns[rv_random_below(random, sim_schema_patterns(schema))]
           : pattern != NULL ? pattern
                             : schema->patterns[0];
}

/* What all gateways of a world hold all the time. */
typedef struct sim_kept {
    const char *core;       /* a pattern, with its history; NULL: none */
    const sim_given *given; /* an aggregate; NULL: none */
    uint64_t *mixes;        /* not NULL: each selection has others, drawn from this stream */
} sim_kept;

static void add_given(sim_selection *selection, const sim_given *given) {
    RV_ASSERT(selection->count <= SIM_ENTRIES_MAX);
    if (given != NULL && selection->count < SIM_ENTRIES_MAX &&
        sim_selection_given(selection, rv_bytes_of_string(given->aggregate)) == NULL) {
        selection->entries[selection->count] = (sim_entry){.given = given};
        selection->count += 1;
    }
}

/* Aggregates that are not held all the time. */
static void add_others(const sim_plan *plan, sim_selection *selection, const sim_kept *kept,
                       bool gateway) {
    const sim_schema *const schema = sim_schema_of(plan->schema);
    const uint64_t most = kept->mixes == NULL ? 0 : rv_random_below(kept->mixes, 3);
    for (uint64_t i = 0; i < most; i++) {
        const bool all = gateway || rv_random_chance(kept->mixes, 50);
        const sim_given *const list = all ? schema->givens : schema->narrower;
        uint64_t count = 0;
        while (list[count].text != NULL) {
            count += 1;
        }
        add_given(selection, count > 0 ? &list[rv_random_below(kept->mixes, count)] : NULL);
    }
    RV_ASSERT(selection->count <= SIM_ENTRIES_MAX);
}

/* What a gateway holds, one after the other. */
static void draw_gateway(sim_plan *plan, uint64_t *random, uint8_t index, const sim_kept *kept) {
    const char *const core = kept->core;
    sim_member_plan *const m = &plan->members[index];
    RV_ASSERT(m->serves && index > 0);
    m->selection_count = 0;
    for (uint32_t i = 0; i < TRIES_MAX; i++) {
        sim_selection s = {.count = 0};
        if (core != NULL) {
            add(&s, core, random, 100);
        }
        const uint64_t others = rv_random_below(random, 3) + (core == NULL);
        for (uint64_t k = 0; k < others && s.count < SIM_PATTERNS_MAX; k++) {
            const char *const pattern = draw_pattern(plan, random, m->upstream);
            add(&s, pattern, random, 55);
        }
        add_given(&s, kept->given);
        add_others(plan, &s, kept, true);
        append(m, &s);
    }
    m->fills = true;
}

static void draw_device(sim_plan *plan, uint64_t *random, uint8_t index, const sim_kept *kept) {
    sim_member_plan *const m = &plan->members[index];
    const uint64_t most = 1 + rv_random_below(random, 3);
    const uint64_t later = (uint64_t)plan->quiet_at * 3 / 4;
    RV_ASSERT(m->upstream > 0 && !m->serves);
    if (plan->features.gate_fills && m->fills) {
        return; /* it asks for the past of what it holds */
    }
    m->selection_count = 0;
    m->starts_at = rv_random_chance(random, LATE_PERCENT)
                       ? (int64_t)rv_random_below(random, later)
                       : m->starts_at; /* when the gateway has changed */
    for (uint32_t i = 0; i < TRIES_MAX && m->selection_count < most; i++) {
        sim_selection s = {.count = 0};
        for (uint64_t k = 1 + rv_random_below(random, 2); k > 0; k--) {
            const bool all = kept->core != NULL && rv_random_chance(random, 50);
            const char *const pattern = all ? kept->core : draw_pattern(plan, random, m->upstream);
            add(&s, pattern, random, all ? 80 : 50);
        }
        add_given(&s, rv_random_chance(random, 60) ? kept->given : NULL);
        add_others(plan, &s, kept, false);
        append(m, &s);
    }
    m->fills = true;
}

/* Some event at the root, about so early, is this instead. */
static void put_step(sim_plan *plan, uint64_t *random, uint8_t member, sim_step_kind kind,
                     uint32_t before) {
    uint32_t at = (uint32_t)rv_random_below(random, before);
    while (at + 1 < plan->step_count && plan->steps[at].kind != SIM_STEP_APPEND) {
        at += 1;
    }
    if (plan->steps[at].kind == SIM_STEP_APPEND) {
        plan->steps[at].kind = kind;
        plan->steps[at].member = member;
    }
    RV_ASSERT(member > 0);
}

/* Most worlds have no gateway, as what they select does not suit one: here it does. */
static bool draw_roles(sim_plan *plan, uint64_t *random) {
    const sim_features *const f = &plan->features;
    uint8_t upstream = 1;
    if (plan->members[1].serves || plan->member_count < 3 || f->rights || f->scant || f->full ||
        f->fills || !rv_random_chance(random, WORLDS_PERCENT)) {
        return false;
    }
    plan->members[1].serves = true;
    plan->members[1].starts_at = 0;
    plan->members[1].memory = (size_t)8 << 20; /* it must take what those behind it can write */
    for (uint8_t i = 2; i < plan->member_count; i++) {
        sim_member_plan *const m = &plan->members[i];
        if (i == 2 || rv_random_chance(random, 60)) {
            m->upstream = upstream;
            m->memory = plan->members[upstream].memory;
        }
        m->serves = i == 2 && i + 1 < plan->member_count && rv_random_chance(random, 30);
        upstream = m->serves ? i : upstream;
    }
    RV_ASSERT(plan->members[1].upstream == 0);
    return true;
}

/* Who is given rows takes the root's largest batches, and what they make of those, in one. */
static sim_kept draw_kept(sim_plan *plan, uint64_t *random, uint64_t *mixes) {
    const sim_schema *const schema = sim_schema_of(plan->schema);
    const bool some = rv_random_chance(random, CORE_PERCENT);
    const uint64_t nth = rv_random_below(random, sim_schema_patterns(schema));
    uint64_t givens = 0;
    while (schema->givens[givens].text != NULL) {
        givens += 1;
    }
    const bool gives = rv_random_chance(random, GIVEN_PERCENT);
    const uint64_t which = rv_random_below(random, givens);
    const size_t memory = 2 * plan->members[0].memory;
    for (uint8_t i = 1; i < plan->member_count && (gives || mixes != NULL); i++) {
        sim_member_plan *const m = &plan->members[i];
        m->memory = (m->serves || m->upstream > 0) && m->memory < memory ? memory : m->memory;
    }
    RV_ASSERT(givens > 0);
    return (sim_kept){some ? schema->patterns[nth] : NULL, gives ? &schema->givens[which] : NULL,
                      mixes};
}

void sim_gates_draw(sim_plan *plan, uint32_t features) {
    uint64_t random = sim_plan_stream(plan->seed, "gate changes");
    uint64_t mixes = sim_plan_stream(plan->seed, "gate mixes");
    const sim_features *const f = &plan->features;
    const bool known = (features & SIM_GATE_CHANGES) != 0;
    const bool alone = !f->rows && !f->rights && !f->gate_fills;
    const bool mixed = (features & SIM_GATE_MIXES) != 0 && rv_random_chance(&mixes, MIXES_PERCENT);
    const bool some = plan->members[1].serves && (alone || mixed);
    plan->features.gate_changes = known && ((some && rv_random_chance(&random, CHANGES_PERCENT)) ||
                                            draw_roles(plan, &random));
    if (!plan->features.gate_changes) {
        return;
    }
    plan->features.gate_mixes = mixed;
    const sim_kept kept = draw_kept(plan, &random, mixed ? &mixes : NULL);
    const uint32_t count = plan->step_count;
    for (uint8_t i = 1; i < plan->member_count; i++) {
        const sim_member_plan *const m = &plan->members[i];
        if (m->serves) {
            draw_gateway(plan, &random, i, &kept);
        } else if (m->upstream > 0) {
            draw_device(plan, &random, i, &kept);
        } else {
            continue;
        }
        plan->members[i].taken = UINT8_MAX; /* its token reads all that it ever selects, or all but
                                               `takes` */
        for (uint8_t k = 1; k < m->selection_count; k++) {
            put_step(plan, &random, i, SIM_STEP_SELECT, m->serves ? count / 2 : count);
        }
        for (uint64_t k = m->upstream > 0 ? 2 + rv_random_below(&random, 4) : 0; k > 0; k--) {
            put_step(plan, &random, i, SIM_STEP_CUT, count); /* which may move it, and back */
        }
    }
    RV_ASSERT(plan->members[1].selection_count > 0);
}

static bool is_of(const sim_entry *entry, const char *pattern) {
    return entry->pattern != NULL && strcmp(entry->pattern, pattern) == 0;
}

/* Without the pattern something of each selection is left, and no other right is to all of it. */
static bool can_take(const sim_member_plan *m, const char *pattern) {
    bool can = true;
    for (uint8_t k = 0; k < m->change_count && can; k++) {
        const sim_selection *const s = &m->selections[k];
        bool left = false;
        for (uint8_t i = 0; i < s->count && can; i++) {
            const sim_entry *const entry = &s->entries[i];
            const bool other = !is_of(entry, pattern);
            left = left || other;
            can = !other || entry->pattern == NULL ||
                  !sim_pattern_selects(entry->pattern, rv_bytes_of_string(pattern));
        }
        can = can && left;
    }
    RV_ASSERT(m->change_count > 0);
    return can;
}

/* The selection without the pattern, as one that there is. */
static uint8_t add_without(sim_member_plan *m, uint8_t nth) {
    sim_selection s = {.count = 0};
    uint8_t at = 0;
    for (uint8_t i = 0; i < m->selections[nth].count; i++) {
        const sim_entry *const entry = &m->selections[nth].entries[i];
        if (!is_of(entry, m->takes)) {
            s.entries[s.count++] = *entry;
        }
    }
    while (at < m->selection_count && !same(&m->selections[at], &s)) {
        at += 1;
    }
    RV_ASSERT(at < SIM_SELECTIONS_MAX && s.count > 0);
    m->selections[at] = s;
    m->selection_count = at == m->selection_count ? (uint8_t)(at + 1) : m->selection_count;
    return at;
}

/* One of those that can be taken; NULL: there is none. */
static const char *draw_takes(const sim_member_plan *m, uint64_t *random) {
    const char *takes = NULL;
    uint64_t count = 0;
    for (uint8_t k = 0; k < m->change_count; k++) {
        for (uint8_t i = 0; i < m->selections[k].count; i++) {
            const char *const pattern = m->selections[k].entries[i].pattern;
            if (pattern != NULL && can_take(m, pattern)) {
                count += 1;
                takes = rv_random_below(random, count) == 0 ? pattern : takes;
            }
        }
    }
    RV_ASSERT((takes != NULL) == (count > 0));
    return takes;
}

void sim_gates_draw_takes(sim_plan *plan, bool known) {
    uint64_t random = sim_plan_stream(plan->seed, "gate takes");
    for (uint8_t i = 1; i < plan->member_count; i++) {
        sim_member_plan *const m = &plan->members[i];
        m->change_count = m->selection_count;
        if (!known || !plan->features.gate_mixes || !plan->features.rights ||
            !(m->serves || m->upstream > 0) || !rv_random_chance(&random, TAKES_PERCENT)) {
            continue;
        }
        m->takes = draw_takes(m, &random);
        for (uint8_t k = 0; k < m->change_count && m->takes != NULL; k++) {
            m->without[k] = add_without(m, k);
        }
    }
    RV_ASSERT(plan->members[0].takes == NULL);
}

/* --- administrators --- */

static bool is_ever_given(const sim_member_plan *plan) {
    bool given = false;
    for (uint8_t k = 0; k < plan->selection_count && !given; k++) {
        given = sim_selection_has_given(&plan->selections[k]);
    }
    RV_ASSERT(plan->selection_count > 0);
    return given;
}

/* All that the edge ever selects the gateway has held from the first on, and it never went back;
 * nor does the edge need rows of one that rows are given to, which it does not know whose they are.
 */
static bool must_serve(const sim_world *world, const sim_member *edge) {
    const sim_member *const gateway = &world->members[edge->upstream];
    const bool given = is_ever_given(gateway->plan);
    bool held = gateway->helds.back == 0;
    for (uint8_t s = 0; s <= edge->selection && held; s++) {
        const sim_selection *const wanted = &edge->plan->selections[s];
        held = !given || !sim_selection_has_bases(wanted); /* (what is given is one) */
        for (uint8_t i = 0; i < wanted->count && held; i++) {
            for (uint8_t k = 0; k < gateway->plan->selection_count && held; k++) {
                bool met = false;
                const sim_selection *const there = &gateway->plan->selections[k];
                for (uint8_t e = 0; e < there->count && !met; e++) {
                    met = there->entries[e].history &&
                          there->entries[e].pattern == wanted->entries[i].pattern;
                }
                held = met;
            }
        }
    }
    RV_ASSERT(edge->upstream > 0);
    return held;
}

static void move(sim_world *world, sim_member *edge, const rv_error *reason) {
    world->figures.gate_refusals += world->plan->features.gate_changes;
    if (world->plan->features.gate_changes && must_serve(world, edge)) {
        sim_fail(world, SIM_CHECK_STATUS, "member %u is refused what was always held: %.*s",
                 (unsigned)edge->index, (int)reason->detail_len, reason->detail);
    }
    sim_note(world, edge->index, "connects to member 0 from now on: %.*s", (int)reason->detail_len,
             reason->detail);
    edge->upstream = 0;
    world->figures.moves += 1;
}

/* A gateway that has gone back, and had to fill in what it purged, may not have it in order. */
void sim_gates_closed(sim_world *world, sim_member *edge, const rv_error *reason) {
    const sim_member *const gateway = &world->members[edge->upstream];
    RV_ASSERT(edge->plan->role == SIM_EDGE);
    if (reason->status == RV_SELECTION_INVALID && gateway->plan->role == SIM_EDGE &&
        (world->plan->features.gate_changes || gateway->helds.back > 0)) {
        move(world, edge, reason);
    }
}

void sim_gates_turn(sim_world *world, sim_member *edge) {
    rv_edge_status status;
    RV_ASSERT(edge->life == SIM_UP);
    if (!world->plan->features.gate_changes) {
        return;
    }
    rv_edge_status_of(edge->edge, &status);
    const bool selection = status.selection_refused.status == RV_SELECTION_INVALID;
    if (edge->upstream == 0) { /* it was moved before it heard of that */
        const sim_selection *const wanted =
            &edge->plan->selections[sim_rights_selection(world, edge)];
        edge->selects =
            edge->selects ||
            (selection && !sim_selection_is(wanted, rv_node_selection_wanted(edge->node)));
        return;
    }
    const bool past = status.past_refused.status == RV_SELECTION_INVALID;
    if (selection || past) {
        sim_link *const link = sim_wires_of_edge(world, edge->index);
        move(world, edge, selection ? &status.selection_refused : &status.past_refused);
        edge->selects = true; /* it has gone back to what it held */
        if (link != NULL && link->state == SIM_LINK_OPEN) {
            sim_link_break(&world->network, link, SIM_TO_UPSTREAM, 0, world->now);
            sim_link_break(&world->network, link, SIM_TO_EDGE, 0, world->now);
        }
    }
}

bool sim_gates_may_refuse(const sim_world *world, const sim_member *edge, rv_status reason) {
    RV_ASSERT(edge->plan->role == SIM_EDGE);
    return world->plan->features.gate_changes && edge->plan->upstream > 0 &&
           reason == RV_SELECTION_INVALID;
}

bool sim_gates_mixed(const sim_member *gateway) {
    RV_ASSERT(gateway->plan->serves);
    return gateway->plan->role == SIM_EDGE && gateway->life == SIM_UP &&
           !rv_node_fill_of(gateway->node).straight;
}

void sim_gates_forget(const sim_world *world, sim_member *gateway) {
    if (world->canary == SIM_CANARY_ORDER_GUESSED && gateway->plan->role == SIM_EDGE) {
        rv_past *const past = &gateway->node->held.past;
        for (size_t i = 0; i < past->cover.selection.count; i++) {
            past->straight[i] = 1;
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a plan is drawn. A seed has a temper: which kinds of steps it knows and how often each comes.
 * Worlds with few kinds of faults get further than worlds with all of them; both are wanted.
 */
#include "tests/sim/plan.h"

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "tests/sim/gates.h"
#include "tests/sim/schemas.h"
#include "tests/sim/times.h"
#include "tests/sim/twins.h"

/* How often a kind of step comes, beside the others of its half. */
static const uint8_t weights[SIM_STEP_KIND_COUNT] = {
    [SIM_STEP_APPEND] = 30,   [SIM_STEP_BATCH] = 14,       [SIM_STEP_EXPECTED] = 10,
    [SIM_STEP_AGAIN] = 6,     [SIM_STEP_REUSED] = 3,       [SIM_STEP_WRONG] = 3,
    [SIM_STEP_SCHEMA] = 2,    [SIM_STEP_WRITE] = 34,       [SIM_STEP_FEED] = 5,
    [SIM_STEP_READ] = 4,      [SIM_STEP_QUERY] = 4,        [SIM_STEP_LOOK] = 4,
    [SIM_STEP_CLOSE] = 4,     [SIM_STEP_KILL] = 6,         [SIM_STEP_POWER] = 6,
    [SIM_STEP_POWER_AT] = 6,  [SIM_STEP_DISK_FAIL] = 4,    [SIM_STEP_DISK_TEAR] = 3,
    [SIM_STEP_DISK_FULL] = 3, [SIM_STEP_DISK_SLOW] = 3,    [SIM_STEP_CUT] = 8,
    [SIM_STEP_HALF_OPEN] = 4, [SIM_STEP_PARTITION] = 3,    [SIM_STEP_PARTITION_ONE_WAY] = 3,
    [SIM_STEP_SLOW_LINK] = 3, [SIM_STEP_CLOCK] = 3,        [SIM_STEP_SELECT] = 4,
    [SIM_STEP_BACKUP] = 3,    [SIM_STEP_RESTORE] = 2,      [SIM_STEP_WIPE] = 1,
    [SIM_STEP_DECAY] = 2,     [SIM_STEP_RESTORE_ROOT] = 5,
};

#define FIRST_FAULT     SIM_STEP_CLOSE
#define DRAWN_END       SIM_STEP_TWIN /* of the kinds that a temper has */
#define SCANT_SCHEMA    2             /* has texts */
#define SCANT_BULK      90000
#define SCANT_PERCENT   25 /* of worlds of that schema: texts cost time */
#define FULL_BULK       60000
#define FULL_KEYS       40
#define FULL_PERCENT    25
#define OLDER_PERCENT   20
#define FILLS_PERCENT   40
#define GATE_PERCENT    80 /* of worlds with gateways that have no other feature about that */
#define ROWS_PERCENT    60 /* of worlds with gateways */
#define RETRIES_PERCENT 35
#define UNMET_PERCENT   20
#define LOSSES_PERCENT  40 /* of worlds with gateways */
#define LONG_EVERY      40 /* one seed of so many is a long one */

const char *sim_step_text(sim_step_kind kind) {
    static const char *const texts[] = {
#define SIM_STEP_TEXT(name, text) text,
        SIM_STEP_KINDS(SIM_STEP_TEXT)
#undef SIM_STEP_TEXT
    };
    RV_ASSERT(kind < SIM_STEP_KIND_COUNT);
    return texts[kind];
}

/* Of the kinds in [first, end) that `known` has. */
static sim_step_kind draw_kind(uint64_t *random, uint32_t first, uint32_t end, const bool *known) {
    uint32_t sum = 0;
    for (uint32_t k = first; k < end; k++) {
        sum += known[k] ? weights[k] : 0;
    }
    RV_ASSERT(sum > 0);
    uint32_t at = (uint32_t)rv_random_below(random, sum);
    for (uint32_t k = first; k < end; k++) {
        const uint32_t weight = known[k] ? weights[k] : 0;
        if (at < weight) {
            return (sim_step_kind)k;
        }
        at -= weight;
    }
    RV_ASSERT(false);
    return SIM_STEP_APPEND;
}

static void draw_member(sim_plan *plan, uint64_t *random, uint8_t index) {
    const sim_schema *const schema = sim_schema_of(plan->schema);
    sim_member_plan *const m = &plan->members[index];
    const uint32_t known = sim_schema_patterns(schema);
    *m = (sim_member_plan){.role = index == 0 ? SIM_ROOT : SIM_EDGE, .upstream = 0};
    m->memory = (size_t)(rv_random_chance(random, 70) ? 4 : 8) << 20;
    if (m->memory < plan->members[0].memory) { /* else it cannot take the root's largest batches */
        m->memory = plan->members[0].memory;
    }
    m->checkpoint_growth = rv_random_chance(random, 40) ? 1 + rv_random_below(random, 4096) : 0;
    m->holds_back = rv_random_chance(random, 50);
    m->squeezes = rv_random_chance(random, 60);
    m->skew_us = (int64_t)rv_random_below(random, 2000) * 1000 - SIM_US_OF_SECOND;
    m->pending_percent = (uint32_t)rv_random_below(random, 4) * 30;
    m->short_percent = rv_random_chance(random, 40) ? (uint32_t)rv_random_below(random, 40) : 0;
    m->latency_us_max = 1 + (int64_t)rv_random_below(random, 8000);
    if (m->role == SIM_EDGE) {
        sim_selection *const s = &m->selections[0];
        s->count = (uint8_t)(1 + rv_random_below(random, SIM_PATTERNS_MAX));
        for (uint8_t i = 0; i < s->count; i++) {
            s->entries[i] = (sim_entry){.pattern = schema->patterns[rv_random_below(random, known)],
                                        .history = true};
        }
        if (rv_random_chance(random, 30)) { /* everything */
            s->count = 1;
            s->entries[0] = (sim_entry){.pattern = schema->patterns[0], .history = true};
        }
        m->selection_count = 1;
    }
}

/* Most worlds have edges that begin with bases, often late, and that change what they select. */
static void draw_bases(sim_plan *plan, uint64_t *random, bool changes) {
    const sim_schema *const schema = sim_schema_of(plan->schema);
    const int64_t later = plan->quiet_at * 3 / 4;
    for (uint8_t i = 1; i < plan->member_count; i++) {
        sim_member_plan *const m = &plan->members[i];
        RV_ASSERT(m->selection_count == 1);
        if (rv_random_chance(random, 45)) {
            sim_selection_draw(&m->selections[0], schema, random, NULL);
        }
        while (changes && m->selection_count < SIM_CHANGES_MAX && rv_random_chance(random, 60)) {
            const sim_selection *const before = &m->selections[m->selection_count - 1];
            sim_selection_draw(&m->selections[m->selection_count], schema, random, before);
            m->selection_count += 1;
        }
        bool given = false;
        for (uint8_t k = 0; k < m->selection_count; k++) {
            given = given || sim_selection_has_given(&m->selections[k]);
        }
        if (given) { /* it takes the root's largest batches, and what they make of rows, in one */
            m->memory = 2 * plan->members[0].memory;
        }
        if (rv_random_chance(random, 40)) {
            m->starts_at = (int64_t)rv_random_below(random, (uint64_t)later);
        }
    }
}

/* The member is behind a gateway, and selects some of what that holds, with its history or, of an
 * edge that serves nobody, without. */
static void draw_behind(sim_plan *plan, uint64_t *random, uint8_t index, uint8_t upstream) {
    sim_member_plan *const m = &plan->members[index];
    const sim_selection *const held = &plan->members[upstream].selections[0];
    const uint64_t entries = 1 + rv_random_below(random, 2);
    const bool bases = !m->serves && rv_random_chance(random, 35);
    sim_selection selection = {.count = 0};
    for (uint64_t k = 0; k < entries; k++) {
        const char *const pattern = held->entries[rv_random_below(random, held->count)].pattern;
        selection.entries[selection.count++] = (sim_entry){.pattern = pattern, .history = !bases};
    }
    RV_ASSERT(plan->members[upstream].serves);
    m->selections[0] = selection;
    m->selection_count = 1;
    m->upstream = upstream;
    m->memory = plan->members[upstream].memory;
}

/* Some worlds have a gateway: edges behind it select what it holds, and some are gateways too. */
static void draw_gateway(sim_plan *plan, uint64_t *random) {
    sim_member_plan *const gateway = &plan->members[1];
    plan->members[0].serves = true;
    if (plan->member_count < 3 || !rv_random_chance(random, 40) ||
        sim_selection_has_bases(&gateway->selections[0])) {
        return;
    }
    gateway->serves = true;
    gateway->selection_count = 1;
    gateway->starts_at = 0;
    gateway->memory = (size_t)8 << 20; /* it must take whatever those behind it can write */
    uint8_t upstream = 1;
    for (uint8_t i = 2; i < plan->member_count; i++) {
        const bool behind = i == 2 || rv_random_chance(random, 60);
        plan->members[i].serves =
            i == 2 && i + 1 < plan->member_count && rv_random_chance(random, 50);
        if (behind) {
            draw_behind(plan, random, i, upstream);
        }
        upstream = plan->members[i].serves ? i : upstream;
    }
    RV_ASSERT(gateway->upstream == 0);
}

/* Which faults this seed knows: none, some, or all. */
static void draw_temper(uint64_t *random, bool *known) {
    const uint64_t temper = rv_random_below(random, 8);
    for (uint32_t k = 0; k < DRAWN_END; k++) {
        const bool fault = k >= FIRST_FAULT;
        known[k] = !fault || temper >= 5 || (temper > 0 && rv_random_chance(random, 30));
    }
    known[SIM_STEP_RESTORE_ROOT] = known[SIM_STEP_RESTORE_ROOT] && rv_random_chance(random, 60);
    if (temper > 0) {
        known[SIM_STEP_KILL] = known[SIM_STEP_KILL] || rv_random_chance(random, 50);
        known[SIM_STEP_CUT] = true; /* some fault there must be to draw */
    }
    RV_ASSERT(known[SIM_STEP_APPEND]);
}

static uint8_t draw_who(const sim_plan *plan, uint64_t *random, sim_step_kind kind) {
    const uint8_t edges = (uint8_t)(plan->member_count - 1);
    const uint8_t edge = (uint8_t)(1 + rv_random_below(random, edges));
    switch ((uint32_t)kind) {
    case SIM_STEP_APPEND:
    case SIM_STEP_BATCH:
    case SIM_STEP_EXPECTED:
    case SIM_STEP_AGAIN:
    case SIM_STEP_REUSED:
    case SIM_STEP_WRONG:
    case SIM_STEP_SCHEMA:
    case SIM_STEP_RESTORE_ROOT:
        return 0;
    case SIM_STEP_WRITE:
    case SIM_STEP_CUT:
    case SIM_STEP_HALF_OPEN:
    case SIM_STEP_PARTITION:
    case SIM_STEP_PARTITION_ONE_WAY:
    case SIM_STEP_SLOW_LINK:
    case SIM_STEP_SELECT:
    case SIM_STEP_RESTORE:
    case SIM_STEP_WIPE:
        return edge;
    default:
        return rv_random_chance(random, 35) ? 0 : edge;
    }
}

uint64_t sim_plan_stream(uint64_t seed, const char *feature) {
    uint64_t state = rv_hash64(seed, rv_bytes_of_string(feature));
    RV_ASSERT(feature[0] != '\0');
    return rv_random_next(&state);
}

/* True when what the entry selects is not selected by another one too. */
static bool stands_alone(const sim_selection *selection, uint8_t entry) {
    const sim_entry *const e = &selection->entries[entry];
    bool alone = true;
    for (uint8_t i = 0; i < selection->count && alone; i++) {
        const char *const pattern = selection->entries[i].pattern;
        const bool other = i != entry && pattern != NULL;
        alone =
            !other ||
            (strcmp(pattern, "/**") != 0 &&
             (e->pattern == NULL || !sim_pattern_selects(pattern, rv_bytes_of_string(e->pattern))));
    }
    return alone;
}

/* Whoever is behind the gateway needs it for what it selects. */
static bool is_needed(const sim_plan *plan, uint8_t gateway, const sim_entry *entry) {
    bool needed = false;
    for (uint8_t i = 1; i < plan->member_count; i++) {
        const sim_member_plan *const m = &plan->members[i];
        for (uint8_t k = 0; m->upstream == gateway && k < m->selections[0].count; k++) {
            const sim_entry *const other = &m->selections[0].entries[k];
            needed = needed || other->given != NULL || other->pattern == entry->pattern;
        }
    }
    RV_ASSERT(gateway > 0);
    return needed;
}

/* The edge selects some entries, all but one of them, and all of them again. */
static void draw_taken(sim_plan *plan, uint64_t *random, uint8_t index) {
    const sim_schema *const schema = sim_schema_of(plan->schema);
    sim_member_plan *const m = &plan->members[index];
    sim_selection *const s = m->selections;
    uint8_t kept = 0;
    if (s[0].count == 1 && m->upstream == 0) { /* (a gateway has what it selects) */
        sim_entry *const more = &s[0].entries[s[0].count++];
        *more = (sim_entry){
            .pattern =
                schema->patterns[1 + rv_random_below(random, sim_schema_patterns(schema) - 1)],
            .history = s[0].entries[0].history};
    }
    for (uint8_t i = 0; i < s[0].count; i++) { /* each once */
        bool again = false;
        for (uint8_t k = 0; k < kept; k++) {
            again = again || (s[0].entries[k].pattern == s[0].entries[i].pattern &&
                              s[0].entries[k].given == s[0].entries[i].given);
        }
        if (!again) {
            s[0].entries[kept++] = s[0].entries[i];
        }
    }
    s[0].count = kept;
    m->selection_count = 1;
    m->taken = (uint8_t)rv_random_below(random, kept);
    const bool based = plan->features.rows && m->upstream != 0; /* what is left is a base there */
    if (kept < 2 || based || !stands_alone(&s[0], m->taken) ||
        is_needed(plan, index, &s[0].entries[m->taken])) {
        m->taken = UINT8_MAX;
        return;
    }
    s[1] = s[0];
    s[1].count -= 1;
    memmove(s[1].entries + m->taken, s[1].entries + m->taken + 1,
            (s[1].count - m->taken) * sizeof s[1].entries[0]);
    s[2] = s[0];
    s[2].entries[m->taken].history = false;
    m->selection_count = 3;
    RV_ASSERT(m->taken < s[0].count);
}

/* The tokens of gateways are their own. */
static void draw_rights(sim_plan *plan, bool known, bool gated) {
    uint64_t random = sim_plan_stream(plan->seed, "rights");
    plan->features.rights = known && rv_random_chance(&random, 35);
    for (uint8_t i = 1; i < plan->member_count; i++) {
        plan->features.rights = plan->features.rights && (gated || !plan->members[i].serves);
    }
    for (uint8_t i = 0; i < plan->member_count; i++) {
        plan->members[i].taken = UINT8_MAX;
        plan->members[i].tokens = plan->features.rights;
    }
    for (uint8_t i = 1; i < plan->member_count && plan->features.rights; i++) {
        draw_taken(plan, &random, i);
    }
    RV_ASSERT(plan->members[0].serves);
}

/* Worlds with large texts, whose root takes more at a time than its edges do. */
static void draw_scant(sim_plan *plan, bool known) {
    uint64_t random = sim_plan_stream(plan->seed, "scant");
    bool scant = known && plan->schema == SCANT_SCHEMA && rv_random_chance(&random, SCANT_PERCENT);
    for (uint8_t i = 1; i < plan->member_count; i++) {
        scant = scant && !plan->members[i].serves;
    }
    plan->features.scant = scant;
    for (uint8_t i = 0; i < plan->member_count && scant; i++) {
        plan->members[i].memory = (size_t)(i == 0 ? 16 : 4) << 20;
    }
    plan->bulk_max = scant ? SCANT_BULK : plan->bulk_max;
}

/* Worlds with more rows than the edges' memory holds. */
static void draw_full(sim_plan *plan, bool known) {
    uint64_t random = sim_plan_stream(plan->seed, "full");
    bool full = known && !plan->features.scant && plan->schema == SCANT_SCHEMA &&
                rv_random_chance(&random, FULL_PERCENT);
    for (uint8_t i = 1; i < plan->member_count; i++) {
        full = full && !plan->members[i].serves;
    }
    plan->features.full = full;
    for (uint8_t i = 0; i < plan->member_count && full; i++) {
        plan->members[i].memory = (size_t)(i == 0 ? 16 : 4) << 20;
    }
    plan->bulk_max = full ? FULL_BULK : plan->bulk_max;
    plan->keys = full ? FULL_KEYS : plan->keys;
}

/* Worlds in which a selection comes to have the history of what was selected without, or not at
 * all. */
static void draw_fills(sim_plan *plan, bool known) {
    uint64_t random = sim_plan_stream(plan->seed, "fills");
    bool fills = known && !plan->features.rights && rv_random_chance(&random, FILLS_PERCENT);
    for (uint8_t i = 1; i < plan->member_count; i++) {
        fills = fills && !plan->members[i].serves;
    }
    plan->features.fills = fills;
    for (uint8_t i = 1; i < plan->member_count && fills; i++) {
        sim_member_plan *const m = &plan->members[i];
        for (uint8_t k = 1; k < m->selection_count; k++) {
            for (uint8_t e = 0; e < m->selections[k].count; e++) {
                sim_entry *const entry = &m->selections[k].entries[e];
                const bool becomes = entry->pattern != NULL && rv_random_chance(&random, 60);
                m->fills = m->fills || (becomes && !entry->history);
                entry->history = entry->history || becomes;
            }
        }
    }
    RV_ASSERT(!plan->members[0].fills);
}

/* Worlds in which that is asked of gateways. */
static void draw_gate_fills(sim_plan *plan, bool known) {
    uint64_t random = sim_plan_stream(plan->seed, "gate fills");
    const bool fills = known && plan->members[1].serves && !plan->features.rows &&
                       !plan->features.rights && rv_random_chance(&random, GATE_PERCENT);
    for (uint8_t i = 2; i < plan->member_count && fills; i++) {
        sim_member_plan *const m = &plan->members[i];
        if (m->upstream == 0 || m->serves) {
            continue;
        }
        for (uint8_t e = 0; e < m->selections[0].count; e++) {
            m->selections[0].entries[e].history = false;
        }
        m->selections[1] = m->selections[0];
        for (uint8_t e = 0; e < m->selections[1].count; e++) {
            sim_entry *const entry = &m->selections[1].entries[e];
            entry->history = e == 0 || rv_random_chance(&random, 50);
            for (uint8_t b = 0; b < e; b++) { /* what is there twice is so in one way */
                const sim_entry *const before = &m->selections[1].entries[b];
                entry->history =
                    before->pattern == entry->pattern ? before->history : entry->history;
            }
        }
        m->selection_count = 2;
        m->fills = true;
        /* in the second half: there is a past by then */
        uint32_t at = plan->step_count / 2 + (uint32_t)rv_random_below(&random, 20);
        while (at + 1 < plan->step_count && plan->steps[at].kind != SIM_STEP_APPEND) {
            at += 1;
        }
        if (plan->steps[at].kind == SIM_STEP_APPEND) {
            plan->steps[at].kind = SIM_STEP_SELECT;
            plan->steps[at].member = i;
        }
        plan->features.gate_fills = true;
    }
    RV_ASSERT(!plan->members[0].fills && (!fills || !plan->members[1].fills));
}

/* Worlds in which edges are older, and what is declared later is so early on. */
static void draw_older(sim_plan *plan, bool known) {
    uint64_t random = sim_plan_stream(plan->seed, "older");
    plan->features.older = known && rv_random_chance(&random, OLDER_PERCENT);
    for (uint8_t i = 1; i < plan->member_count && plan->features.older; i++) {
        const int64_t until = 1 + (int64_t)rv_random_below(&random, (uint64_t)plan->quiet_at * 2);
        plan->members[i].older_until = rv_random_chance(&random, 75) ? until : 0;
    }
    for (uint32_t i = 0; i < SIM_EXTRAS_MAX && plan->features.older; i++) {
        sim_step *const step = &plan->steps[rv_random_below(&random, plan->step_count / 3 + i + 1)];
        if (step->kind == SIM_STEP_APPEND) {
            step->kind = SIM_STEP_SCHEMA;
        }
    }
    RV_ASSERT(plan->members[0].older_until == 0);
}

/* The rows of the one are some of the other's. */
static bool is_narrower(const sim_given *inner, const sim_given *outer) {
    const size_t len = strlen(outer->text);
    RV_ASSERT(inner->text != NULL);
    return strcmp(inner->aggregate, outer->aggregate) == 0 &&
           (outer->column == NULL || (strncmp(inner->text, outer->text, len) == 0 &&
                                      (inner->text[len] == '\0' || inner->text[len] == ' ')));
}

/* The gateway has all of these rows: they are given to it, or it folds them. */
static bool has_rows(const sim_plan *plan, uint8_t gateway, const sim_given *given) {
    const sim_selection *const held = &plan->members[gateway].selections[0];
    const char *const shared = sim_schema_of(plan->schema)->shared;
    const sim_given *const own = sim_selection_given(held, rv_bytes_of_string(given->aggregate));
    bool all = false;
    for (uint8_t i = 0; i < held->count; i++) {
        all = all ||
              (held->entries[i].pattern != NULL && strcmp(held->entries[i].pattern, "/**") == 0);
    }
    const bool folds = all && (shared == NULL || strcmp(shared, given->aggregate) != 0);
    return gateway == 0 || (own != NULL ? is_narrower(given, own) : folds);
}

/* Adds an aggregate of which the upstream has what is selected, if it has one. */
static void draw_rows_of(sim_plan *plan, uint64_t *random, uint8_t index) {
    const sim_schema *const schema = sim_schema_of(plan->schema);
    sim_selection *const s = &plan->members[index].selections[0];
    const sim_given *chosen = NULL;
    uint64_t count = 0;
    for (uint32_t list = 0; list < 2; list++) {
        const sim_given *given = list == 0 ? schema->givens : schema->narrower;
        for (; given->text != NULL; given++) {
            const rv_bytes aggregate = rv_bytes_of_string(given->aggregate);
            if (sim_selection_given(s, aggregate) == NULL &&
                has_rows(plan, plan->members[index].upstream, given)) {
                count += 1;
                chosen = rv_random_below(random, count) == 0 ? given : chosen;
            }
        }
    }
    if (chosen != NULL && s->count < SIM_ENTRIES_MAX) {
        s->entries[s->count++] = (sim_entry){.given = chosen};
    }
}

/* Streams without their history begin with rows; a gateway has none by itself of an aggregate that
 * it is given. */
static void take_history(sim_plan *plan, uint8_t index) {
    const sim_member_plan *const m = &plan->members[index];
    const sim_selection *const held = &plan->members[m->upstream].selections[0];
    sim_selection *const s = &plan->members[index].selections[0];
    bool all = true;
    for (uint8_t i = 0; i < held->count; i++) {
        const sim_given *const given = held->entries[i].given;
        all = all && (given == NULL ||
                      sim_selection_given(s, rv_bytes_of_string(given->aggregate)) != NULL);
    }
    for (uint8_t i = 0; i < s->count && !all; i++) {
        s->entries[i].history = s->entries[i].pattern != NULL;
    }
}

/* Worlds in which gateways select aggregates, or fold what edges behind them select. */
static void draw_rows(sim_plan *plan, bool known) {
    uint64_t random = sim_plan_stream(plan->seed, "rows");
    plan->features.rows =
        known && plan->members[1].serves && rv_random_chance(&random, ROWS_PERCENT);
    for (uint8_t i = 1; i < plan->member_count && plan->features.rows; i++) {
        sim_member_plan *const m = &plan->members[i];
        const bool behind = m->upstream != 0;
        if (!behind && !m->serves) {
            continue;
        }
        if (behind && !m->serves && rv_random_chance(&random, 30)) {
            m->selections[0].count = 0; /* rows alone */
        }
        for (uint64_t k = rv_random_below(&random, 3); k > 0; k--) {
            draw_rows_of(plan, &random, i);
        }
        if (m->selections[0].count == 0) {
            const sim_selection *const held = &plan->members[m->upstream].selections[0];
            draw_rows_of(plan, &random, i);
            if (m->selections[0].count == 0) { /* it has no rows to give */
                m->selections[0].entries[m->selections[0].count++] =
                    (sim_entry){.pattern = held->entries[0].pattern, .history = true};
            }
        }
        if (behind) {
            take_history(plan, i);
            m->memory = plan->members[m->upstream].memory;
        } else if (m->memory < 2 * plan->members[0].memory) {
            m->memory = 2 * plan->members[0].memory;
        }
    }
    RV_ASSERT(plan->members[0].selections[0].count == 0);
}

/* Edges that have no network for a while, and what these are given then. */
static void draw_unmet(sim_plan *plan, bool known) {
    uint64_t random = sim_plan_stream(plan->seed, "unmet");
    plan->features.unmet = known && rv_random_chance(&random, UNMET_PERCENT);
    for (uint8_t i = 1; i < plan->member_count && plan->features.unmet; i++) {
        sim_member_plan *const m = &plan->members[i];
        const int64_t length = plan->quiet_at - m->starts_at;
        if (length > 0 && rv_random_chance(&random, 70)) {
            m->meets_at = m->starts_at + (int64_t)rv_random_below(&random, (uint64_t)length);
        }
    }
    RV_ASSERT(plan->members[0].meets_at == 0);
}

static void draw_features(sim_plan *plan, uint32_t features) {
    uint64_t commands = sim_plan_stream(plan->seed, "commands");
    plan->features.command_percent =
        (features & SIM_COMMANDS) != 0 && rv_random_chance(&commands, 30)
            ? 20 + (uint32_t)rv_random_below(&commands, 60)
            : 0;
    RV_ASSERT(plan->features.command_percent <= 100);
    uint64_t tells = sim_plan_stream(plan->seed, "told");
    uint64_t retries = sim_plan_stream(plan->seed, "retries");
    uint64_t losses = sim_plan_stream(plan->seed, "losses");
    draw_rows(plan, (features & SIM_ROWS) != 0);
    draw_rights(plan, (features & SIM_RIGHTS) != 0, (features & SIM_GATED) != 0);
    plan->features.gate_limits =
        plan->features.rights && plan->members[1].serves && (features & SIM_GATE_LIMITS) != 0;
    draw_scant(plan, (features & SIM_SCANT) != 0);
    draw_full(plan, (features & SIM_FULL) != 0);
    draw_older(plan, (features & SIM_OLDER) != 0);
    draw_fills(plan, (features & SIM_FILLS) != 0);
    draw_gate_fills(plan, (features & SIM_GATE_FILLS) != 0);
    sim_gates_draw(plan, features);
    sim_times_draw(plan, (features & SIM_TIMES) != 0);
    draw_unmet(plan, (features & SIM_UNMET) != 0);
    sim_gates_draw_takes(plan, (features & SIM_GATE_TAKES) != 0);
    plan->features.tells = (features & SIM_TELLS) != 0 && rv_random_chance(&tells, 35);
    plan->features.retries =
        (features & SIM_RETRIES) != 0 && rv_random_chance(&retries, RETRIES_PERCENT);
    plan->features.losses = (features & SIM_LOSSES) != 0 && plan->members[1].serves &&
                            rv_random_chance(&losses, LOSSES_PERCENT);
    sim_twins_draw(plan, features);
}

void sim_plan_make(sim_plan *plan, uint64_t seed, uint32_t features) {
    uint64_t state = seed;
    uint64_t random =
        rv_random_next(&state); /* else a seed's draws were its neighbour's, one later */
    *plan = (sim_plan){.seed = seed, .schema = (uint8_t)rv_random_below(&random, SIM_SCHEMAS)};
    plan->member_count = (uint8_t)(2 + rv_random_below(&random, 3));
    for (uint8_t i = 0; i < plan->member_count; i++) {
        draw_member(plan, &random, i);
    }
    plan->latency_us = 200 + (int64_t)rv_random_below(&random, 60000);
    plan->jitter_us = (int64_t)rv_random_below(&random, 40000);
    plan->bytes_per_second = rv_random_chance(&random, 30)
                                 ? 20000 + (int64_t)rv_random_below(&random, 200000)
                                 : 100000000;
    plan->keys = 2 + (uint32_t)rv_random_below(&random, 4);
    bool known[SIM_STEP_KIND_COUNT];
    draw_temper(&random, known);
    const uint32_t fault_percent =
        known[SIM_STEP_CUT] ? 4 + (uint32_t)rv_random_below(&random, 20) : 0;
    const int64_t pace = 1 + (int64_t)rv_random_below(&random, 400000);
    plan->step_count = 80 + (uint32_t)rv_random_below(&random, 240);
    plan->bulk_max = rv_random_chance(&random, 30) ? (uint32_t)rv_random_below(&random, 40000) : 0;
    const bool long_ = seed % LONG_EVERY == LONG_EVERY - 1;
    if (long_) { /* enough events for runs of the log's index, in a world that stays small */
        plan->schema = 0;
        plan->bulk_max = 0;
        plan->step_count = 1200 + (uint32_t)rv_random_below(&random, 600);
        plan->keys = 5;
    }
    int64_t at = SIM_US_OF_SECOND;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const bool fault = rv_random_chance(&random, fault_percent);
        sim_step_kind kind = draw_kind(&random, fault ? FIRST_FAULT : 0,
                                       fault ? (uint32_t)DRAWN_END : FIRST_FAULT, known);
        kind = long_ && kind == SIM_STEP_APPEND ? SIM_STEP_BATCH : kind;
        /* now and then many at once, or a pause */
        at += rv_random_chance(&random, 30)  ? 0
              : rv_random_chance(&random, 2) ? (int64_t)rv_random_below(&random, 40) * 1000000
                                             : (int64_t)rv_random_below(&random, (uint64_t)pace);
        const uint8_t who = draw_who(plan, &random, kind);
        const uint64_t step_seed = rv_random_next(&random); /* in this order, on every compiler */
        plan->steps[i] = (sim_step){at, kind, who, step_seed};
    }
    plan->quiet_at = at + SIM_US_OF_SECOND;
    draw_bases(plan, &random, known[SIM_STEP_SELECT]);
    draw_gateway(plan, &random);
    draw_features(plan, features);
    RV_ASSERT(plan->step_count <= SIM_STEPS_MAX);
}

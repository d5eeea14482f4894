/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows an event identifies: its touches. A row is identified by a field for each column of
 * its primary key, all bound by one verb.
 *
 *     id        references account(id)                  one column: each binding is a row
 *
 *     order_id  references line(order_id)               two columns, one row: together
 *     line_no   references line(line_no)
 *
 *     order_id  references line(order_id)               two rows of one order: what one binding
 *     from_no   references line(line_no)                gives is shared, and the rows are told
 *     to_no     references line(line_no)                apart by the others
 *
 *     from_id   references line(order_id)               two rows that share nothing: VIA says to
 *     from_no   references line(line_no) VIA from_id    which row a field belongs
 *     to_id     references line(order_id)
 *     to_no     references line(line_no) VIA to_id
 *
 * The bindings of one verb to the key of one aggregate are a group. The column of the group that
 * leads is the one with the most bindings among those without VIA, the first of them: each of its
 * bindings is a row. Another column either has one binding without VIA, which all rows share, or
 * each of its bindings says VIA the leading field of its row. Whatever leaves a row without a
 * column, or gives it two fields for one, is refused.
 *
 * Touches are numbered creates first, then references, then deletes, so that folding finds the rows
 * that the event makes before those that refer to them; within a verb in the order of their leading
 * fields.
 */
#include "core/base/assert.h"
#include "core/model/schema_draft.h"

/* What is known of the bindings of one verb to the key of one aggregate. */
typedef struct group {
    const rv_aggregate *aggregate;
    rv_verb verb;
    uint16_t counts[RV_INDEX_COLUMNS_MAX]; /* of bindings, by column of the key */
    bool via[RV_INDEX_COLUMNS_MAX];        /* one of the column's bindings says VIA */
    uint16_t leader;                       /* column of the key that leads */
} group;

static bool in_group(const group *g, const rv_binding_draft *binding) {
    return binding->verb == g->verb && binding->aggregate == g->aggregate;
}

/* True when the bindings of a column belong to all rows of the group. */
static bool is_shared(const group *g, uint16_t key_index) {
    RV_ASSERT(key_index < g->aggregate->key_count);
    return key_index != g->leader && g->counts[key_index] == 1 && !g->via[key_index];
}

static rv_bytes key_column(const group *g, uint16_t key_index) {
    return g->aggregate->columns[g->aggregate->keys[key_index]].name;
}

/* The same field for the same column twice. */
static rv_status refuse_repeated(rv_schema_parser *p, const rv_event_type_draft *draft,
                                 const group *g, uint16_t nth) {
    const rv_binding_draft *const b = draft->bindings[nth];
    RV_ASSERT(in_group(g, b));
    for (uint16_t i = 0; i < nth; i++) {
        const rv_binding_draft *const a = draft->bindings[i];
        if (in_group(g, a) && a->field == b->field && a->column == b->column) {
            return rv_schema_fail(
                p, RV_SCHEMA_INVALID, &b->at, "field `%b` identifies the row of `%b` already",
                (rv_bytes[3]){draft->fields[b->field]->name.text, g->aggregate->name});
        }
    }
    if (b->via_given && g->aggregate->key_count == 1) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &b->via,
                              "`%b` alone is the primary key of `%b`: VIA tells to which row a "
                              "field belongs where the key has several columns",
                              (rv_bytes[3]){key_column(g, 0), g->aggregate->name});
    }
    return RV_OK;
}

/* The group of a binding. */
static rv_status find_group(rv_schema_parser *p, const rv_event_type_draft *draft,
                            const rv_binding_draft *of, group *g) {
    RV_ASSERT(rv_verb_is_touch(of->verb));
    *g = (group){.aggregate = of->aggregate, .verb = of->verb, .leader = RV_NONE};
    for (uint16_t i = 0; i < draft->binding_count; i++) {
        const rv_binding_draft *const binding = draft->bindings[i];
        if (in_group(g, binding)) {
            const rv_status status = refuse_repeated(p, draft, g, i);
            if (status != RV_OK) {
                return status;
            }
            g->counts[binding->key_index]++;
            g->via[binding->key_index] = g->via[binding->key_index] || binding->via_given;
        }
    }
    for (uint16_t k = 0; k < g->aggregate->key_count; k++) {
        if (g->counts[k] == 0) {
            return rv_schema_fail(
                p, RV_SCHEMA_INVALID, &of->at,
                "`%b` alone does not identify a row of `%b`: `%b` is in its "
                "primary key, too, and needs a field with the same binding",
                (rv_bytes[3]){of->column_name.text, g->aggregate->name, key_column(g, k)});
        }
        if (!g->via[k] && (g->leader == RV_NONE || g->counts[k] > g->counts[g->leader])) {
            g->leader = k;
        }
    }
    return g->leader != RV_NONE
               ? RV_OK
               : rv_schema_fail(p, RV_SCHEMA_INVALID, &of->at,
                                "every field that identifies a row of `%b` says VIA: leave it out "
                                "at one column of the key, whose fields then tell the rows apart",
                                (rv_bytes[3]){g->aggregate->name});
}

/* "VIA a or VIA b": the leading fields, in temporary memory. */
static rv_bytes list_leaders(rv_schema_parser *p, const rv_event_type_draft *draft,
                             const group *g) {
    const size_t cap = RV_ERROR_DETAIL_MAX;
    uint8_t *const text = (uint8_t *)rv_schema_temp(p, cap);
    if (text == NULL) {
        return RV_LITERAL("VIA");
    }
    rv_writer w = rv_writer_over(text, cap);
    for (uint16_t i = 0; i < draft->binding_count; i++) {
        const rv_binding_draft *const binding = draft->bindings[i];
        if (in_group(g, binding) && binding->key_index == g->leader) {
            RV_ASSERT(!binding->via_given);
            rv_write_text(&w, w.len == 0 ? "VIA " : " or VIA ");
            rv_schema_write_name(&w, draft->fields[binding->field]->name.text);
        }
    }
    return rv_writer_bytes(&w);
}

/* A binding of a column that does not lead says VIA a leading field, unless its column is shared.
 */
static rv_status judge_via(rv_schema_parser *p, const rv_event_type_draft *draft, const group *g,
                           rv_binding_draft *binding) {
    RV_ASSERT(in_group(g, binding));
    binding->via_field = RV_NONE;
    if (binding->key_index == g->leader || is_shared(g, binding->key_index)) {
        return RV_OK;
    }
    if (!binding->via_given) {
        const rv_bytes leaders = list_leaders(p, draft, g);
        (void)rv_schema_fail(
            p, RV_SCHEMA_AMBIGUOUS, &binding->at,
            "the event identifies several rows of `%b`; say to which one `%b` "
            "belongs: %b",
            (rv_bytes[3]){g->aggregate->name, draft->fields[binding->field]->name.text, leaders});
        rv_error_fact_text(p->err, "expected", leaders);
        return RV_SCHEMA_AMBIGUOUS;
    }
    const uint16_t via = rv_schema_field_of(draft, binding->via.text);
    if (via == RV_NONE) {
        return rv_schema_fail_no_field(p, draft, &binding->via);
    }
    for (uint16_t i = 0; i < draft->binding_count; i++) {
        const rv_binding_draft *const other = draft->bindings[i];
        if (in_group(g, other) && other->key_index == g->leader && other->field == via) {
            binding->via_field = via;
            return RV_OK;
        }
    }
    const rv_bytes leaders = list_leaders(p, draft, g);
    (void)rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->via,
                         "field `%b` does not tell rows of `%b` apart; %b does",
                         (rv_bytes[3]){binding->via.text, g->aggregate->name, leaders});
    rv_error_fact_text(p->err, "expected", leaders);
    return RV_SCHEMA_INVALID;
}

/* The fields of the row that a leading binding identifies. */
static rv_status gather_fields(rv_schema_parser *p, const rv_event_type_draft *draft,
                               const group *g, rv_binding_draft *leading, uint16_t *fields) {
    RV_ASSERT(leading->key_index == g->leader);
    for (uint16_t k = 0; k < g->aggregate->key_count; k++) {
        fields[k] = k == g->leader ? leading->field : RV_NONE;
    }
    for (uint16_t i = 0; i < draft->binding_count; i++) {
        rv_binding_draft *const binding = draft->bindings[i];
        const uint16_t k = binding->key_index;
        if (!in_group(g, binding) || k == g->leader ||
            (binding->via_field != leading->field && !is_shared(g, k))) {
            continue;
        }
        if (fields[k] != RV_NONE) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->at,
                                  "the row of `%b` that `%b` identifies has a field for `%b` "
                                  "already",
                                  (rv_bytes[3]){g->aggregate->name,
                                                draft->fields[leading->field]->name.text,
                                                key_column(g, k)});
        }
        fields[k] = binding->field;
        binding->number = draft->touch_count;
        binding->via_field = g->counts[g->leader] > 1 ? binding->via_field : RV_NONE;
    }
    for (uint16_t k = 0; k < g->aggregate->key_count; k++) {
        if (fields[k] == RV_NONE) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &leading->at,
                                  "no field gives `%b` of the row of `%b` that `%b` identifies",
                                  (rv_bytes[3]){key_column(g, k), g->aggregate->name,
                                                draft->fields[leading->field]->name.text});
        }
    }
    return RV_OK;
}

static rv_status add_touch(rv_schema_parser *p, rv_event_type_draft *draft, const group *g,
                           rv_binding_draft *leading) {
    static const rv_touch_kind kinds[] = {RV_TOUCH_CREATES, RV_TOUCH_REFERENCES, RV_TOUCH_DELETES};
    RV_ASSERT(rv_verb_is_touch(leading->verb));
    if (draft->touch_count == RV_TOUCHES_MAX) {
        return rv_schema_fail_limit(p, &leading->at, "rows that one event touches", RV_TOUCHES_MAX);
    }
    const size_t size = g->aggregate->key_count * sizeof(uint16_t);
    uint16_t *const fields = (uint16_t *)rv_arena_take(p->arena, size);
    if (fields == NULL) {
        return rv_schema_fail_memory(p);
    }
    const rv_status status = gather_fields(p, draft, g, leading, fields);
    for (uint16_t i = 0; i < draft->touch_count && status == RV_OK; i++) {
        if (draft->touches[i].aggregate == g->aggregate->number &&
            memcmp(draft->touches[i].fields, fields, size) == 0) {
            return rv_schema_fail(
                p, RV_SCHEMA_INVALID, &leading->at, "field `%b` identifies the row of `%b` already",
                (rv_bytes[3]){draft->fields[leading->field]->name.text, g->aggregate->name});
        }
    }
    leading->number = draft->touch_count;
    leading->via_field = RV_NONE;
    draft->touches[draft->touch_count++] = (rv_touch){.kind = kinds[leading->verb],
                                                      .aggregate = g->aggregate->number,
                                                      .field = fields[0],
                                                      .fields = fields};
    return status;
}

/* All that is about one binding: it fits its group, and it is a row if it leads. */
static rv_status take_binding(rv_schema_parser *p, rv_event_type_draft *draft,
                              rv_binding_draft *binding) {
    group g;
    rv_status status = find_group(p, draft, binding, &g);
    if (status != RV_OK || binding->key_index != g.leader) {
        return status;
    }
    RV_ASSERT(g.leader < g.aggregate->key_count);
    for (uint16_t i = 0; i < draft->binding_count && status == RV_OK; i++) {
        if (in_group(&g, draft->bindings[i])) {
            status = judge_via(p, draft, &g, draft->bindings[i]);
        }
    }
    return status == RV_OK ? add_touch(p, draft, &g, binding) : status;
}

rv_status rv_schema_find_touches(rv_schema_parser *p, rv_event_type_draft *draft) {
    RV_ASSERT(draft->touch_count == 0);
    rv_status status = RV_OK;
    for (rv_verb verb = RV_VERB_CREATES; rv_verb_is_touch(verb); verb = (rv_verb)(verb + 1)) {
        for (uint16_t i = 0; i < draft->binding_count && status == RV_OK; i++) {
            if (draft->bindings[i]->verb == verb) {
                status = take_binding(p, draft, draft->bindings[i]);
            }
        }
    }
    RV_ASSERT(draft->touch_count <= RV_TOUCHES_MAX);
    return status;
}

uint16_t rv_schema_touch_name(const rv_event_type_draft *draft, uint16_t touch) {
    RV_ASSERT(touch < draft->touch_count);
    const rv_touch *const named = &draft->touches[touch];
    uint16_t key_count = 0;
    for (uint16_t i = 0; i < draft->binding_count && key_count == 0; i++) {
        const rv_aggregate *const aggregate = draft->bindings[i]->aggregate;
        key_count = aggregate->number == named->aggregate ? aggregate->key_count : 0;
    }
    for (uint16_t k = 0; k < key_count; k++) {
        bool shared = false;
        for (uint16_t t = 0; t < draft->touch_count && !shared; t++) {
            const bool other = t != touch && draft->touches[t].aggregate == named->aggregate;
            for (uint16_t j = 0; j < key_count && other && !shared; j++) {
                shared = draft->touches[t].fields[j] == named->fields[k];
            }
        }
        if (!shared) {
            return named->fields[k];
        }
    }
    return RV_NONE;
}

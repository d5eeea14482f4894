/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UNIQUE and INDEX of an aggregate. Both are an order over columns; UNIQUE is also a promise. They
 * are listed as the canonical text prints them: what columns say of themselves first, then what
 * stands on its own, each in the order of the text.
 *
 *     email text UNIQUE, … INDEX (a, b), UNIQUE (b, c)    0: unique (email)  1: (a, b)  2: …
 *
 * UNIQUE over the primary key says nothing new, and makes no index.
 */
#include "core/base/assert.h"
#include "core/model/schema_draft.h"

/* The columns of one index, before it is judged. */
typedef struct index_draft {
    rv_token at;
    bool unique;
    uint16_t column_count;
    uint16_t columns[RV_INDEX_COLUMNS_MAX];
    const rv_token *names; /* of the columns */
} index_draft;

static const char *word_of(bool unique) {
    return unique ? "UNIQUE" : "INDEX";
}

/* Each column has an order. */
static rv_status judge_columns(rv_schema_parser *p, const rv_aggregate *made,
                               const index_draft *index) {
    RV_ASSERT(index->column_count > 0);
    for (uint16_t i = 0; i < index->column_count; i++) {
        const rv_column *const column = &made->columns[index->columns[i]];
        if (!rv_type_ordered(&column->type)) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &index->names[i],
                                  "`%b` is %b, which has no order: it cannot be in %b",
                                  (rv_bytes[3]){column->name, rv_schema_type_text(p, &column->type),
                                                rv_bytes_of_string(word_of(index->unique))});
        }
    }
    return RV_OK;
}

/* True when UNIQUE says what the primary key says. */
static bool repeats_key(const rv_aggregate *made, const index_draft *index) {
    RV_ASSERT(made->key < made->column_count);
    bool repeats = index->unique && index->column_count == made->key_count;
    for (uint16_t i = 0; i < index->column_count && repeats; i++) {
        repeats = made->columns[index->columns[i]].key;
    }
    return repeats;
}

static rv_status refuse_repeated(rv_schema_parser *p, const rv_aggregate *made,
                                 const index_draft *index) {
    RV_ASSERT(made->index_count <= RV_INDEXES_MAX);
    for (uint16_t i = 0; i < made->index_count; i++) {
        const rv_aggregate_index *const other = &made->indexes[i];
        if (other->column_count == index->column_count &&
            memcmp(other->columns, index->columns, index->column_count * sizeof(uint16_t)) == 0) {
            return rv_schema_fail(
                p, RV_SCHEMA_DUPLICATE, &index->at, "there is already %b of these columns",
                (rv_bytes[3]){rv_bytes_of_string(other->unique ? "a UNIQUE" : "an INDEX")});
        }
    }
    return RV_OK;
}

/* Judges an index and adds it to the aggregate's, of which there is room for one more. */
static rv_status add_index(rv_schema_parser *p, rv_aggregate *made, const index_draft *index,
                           rv_aggregate_index *indexes) {
    rv_status status = judge_columns(p, made, index);
    if (status != RV_OK || repeats_key(made, index)) {
        return status;
    }
    status = refuse_repeated(p, made, index);
    if (status == RV_OK && made->index_count == RV_INDEXES_MAX) {
        status = rv_schema_fail_limit(p, &index->at, "UNIQUEs and INDEXes in an aggregate",
                                      RV_INDEXES_MAX);
    }
    if (status != RV_OK) {
        return status;
    }
    const size_t size = index->column_count * sizeof(uint16_t);
    uint16_t *const columns = (uint16_t *)rv_arena_take(p->arena, size);
    if (columns == NULL) {
        return rv_schema_fail_memory(p);
    }
    memcpy(columns, index->columns, size);
    RV_ASSERT(made->index_count < RV_INDEXES_MAX);
    indexes[made->index_count++] =
        (rv_aggregate_index){columns, index->column_count, index->unique};
    return RV_OK;
}

static rv_status add_constraint(rv_schema_parser *p, const rv_aggregate_draft *draft,
                                const rv_constraint_draft *constraint, rv_aggregate *made,
                                rv_aggregate_index *indexes) {
    index_draft index = {.at = constraint->at,
                         .unique = constraint->kind == RV_CONSTRAINT_UNIQUE,
                         .column_count = constraint->column_count,
                         .names = constraint->columns};
    RV_ASSERT(index.column_count > 0 && index.column_count <= RV_INDEX_COLUMNS_MAX);
    for (uint16_t i = 0; i < index.column_count; i++) {
        const rv_status status =
            rv_schema_find_own_column(p, draft, &constraint->columns[i], &index.columns[i]);
        if (status != RV_OK) {
            return status;
        }
    }
    return add_index(p, made, &index, indexes);
}

rv_status rv_schema_make_indexes(rv_schema_parser *p, const rv_aggregate_draft *draft,
                                 rv_aggregate *made) {
    RV_ASSERT(made->column_count == draft->column_count && made->index_count == 0);
    rv_aggregate_index *indexes =
        (rv_aggregate_index *)rv_schema_temp(p, RV_INDEXES_MAX * sizeof *indexes);
    if (indexes == NULL) {
        return rv_schema_fail_memory(p);
    }
    rv_status status = RV_OK;
    made->indexes = indexes;
    for (uint16_t i = 0; i < draft->column_count && status == RV_OK; i++) {
        const rv_column_draft *const column = draft->columns[i];
        if (column->unique) {
            const index_draft index = {.at = column->unique_at,
                                       .unique = true,
                                       .column_count = 1,
                                       .columns = {i},
                                       .names = &column->name};
            status = add_index(p, made, &index, indexes);
        }
    }
    for (uint16_t i = 0; i < draft->constraint_count && status == RV_OK; i++) {
        const rv_constraint_kind kind = draft->constraints[i]->kind;
        if (kind == RV_CONSTRAINT_UNIQUE || kind == RV_CONSTRAINT_INDEX) {
            status = add_constraint(p, draft, draft->constraints[i], made, indexes);
        }
    }
    if (status != RV_OK) {
        return status;
    }
    const size_t size = made->index_count * sizeof *indexes;
    rv_aggregate_index *const kept = (rv_aggregate_index *)rv_arena_take(p->arena, size);
    if (kept == NULL) {
        return rv_schema_fail_memory(p);
    }
    memcpy(kept, indexes, size);
    made->indexes = kept;
    RV_ASSERT(made->index_count <= RV_INDEXES_MAX);
    return RV_OK;
}

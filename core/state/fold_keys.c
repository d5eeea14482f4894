/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of several columns. They are apart from those of one, which most keys are, so that those
 * need not ask: their values are gathered in scratch, each brought to its column's type, and hashed
 * one after the other, each with the hash before as its key.
 *
 * A text that refers names a row as it is, as a foreign key of PostgreSQL does: 'ab ' does not name
 * the varchar(2) 'ab', though a row created by it would have that key.
 */
#include "core/state/fold.h"

bool rv_fold_key_is(const rv_value *value, const rv_type *type, rv_value *key) {
    RV_ASSERT(!rv_value_is_null(value) && !rv_value_is_null(key));
    if (type->kind != RV_TYPE_VARCHAR || rv_bytes_equal(value->as.bytes, key->as.bytes)) {
        return true; /* schemas let numbers with other scales, and char, name nothing else */
    }
    RV_ASSERT(value->as.bytes.len > key->as.bytes.len);
    *key = *value;
    return false;
}

/* Brings the parts to the types of the key's columns and hashes them. */
static rv_status prepare(rv_fold *f, const rv_aggregate *aggregate, const rv_fold_parts *parts,
                         bool creates, rv_fold_key *key) {
    RV_ASSERT(aggregate->key_count > 1 && aggregate->key_count <= RV_INDEX_COLUMNS_MAX);
    const size_t size = aggregate->key_count * sizeof(rv_value);
    rv_value *const values = (rv_value *)rv_arena_take_raw(f->scratch, size);
    if (values == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    memcpy(values, parts->values, size);
    *key = (rv_fold_key){.key = values[0], .all = values, .place = RV_SLOT_NONE};
    bool fits = true;
    for (uint16_t i = 0; i < aggregate->key_count; i += 1) {
        key->null = key->null || rv_value_is_null(&values[i]);
    }
    for (uint16_t i = 0; i < aggregate->key_count && !key->null; i += 1) {
        const rv_column *const column = &aggregate->columns[aggregate->keys[i]];
        if (!rv_type_same(parts->types[i], &column->type)) {
            const rv_status status =
                rv_value_coerce(parts->types[i], &column->type, column->name, f->scratch,
                                &values[i], f->judge ? f->err : NULL);
            if (status == RV_MEMORY_EXHAUSTED || (status != RV_OK && f->judge)) {
                return status;
            }
            fits = fits && status == RV_OK &&
                   (creates || rv_fold_key_is(&parts->values[i], &column->type, &values[i]));
        }
    }
    if (fits && !key->null) {
        key->hash = rv_rows_keys_hash(f->hash_key, values, aggregate->key_count);
        rv_fold_key_ask(f, aggregate, key);
    }
    return RV_OK;
}

rv_status rv_fold_key_of_touch(rv_fold *f, const rv_touch *touch, rv_fold_key *key) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->schema, touch->aggregate);
    rv_fold_parts parts;
    RV_ASSERT(aggregate->key_count > 1 && touch->fields[0] == touch->field);
    for (uint16_t i = 0; i < aggregate->key_count; i += 1) {
        parts.types[i] = &f->type->fields[touch->fields[i]].type;
        parts.values[i] = f->values[touch->fields[i]];
    }
    return prepare(f, aggregate, &parts, touch->kind == RV_TOUCH_CREATES, key);
}

rv_status rv_fold_find_all(rv_fold *f, const rv_aggregate *aggregate, const rv_fold_parts *parts,
                           rv_fold_key *found) {
    RV_ASSERT(aggregate->key_count > 1);
    const rv_status status = prepare(f, aggregate, parts, false, found);
    if (status == RV_OK && found->fits && found->table != NULL) {
        found->place =
            rv_rows_find_in(f->pages, found->table, found->bucket, found->all, found->hash);
    }
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of secondary indexes: the values of an index's columns as bytes whose order (memcmp) is the
 * order of the values, one column after the other (rv_value_compare, so NULL is first), and of
 * which none begins with another. Columns are told apart by their first byte:
 *
 *     00                     NULL; a cell that is unknown counts as NULL
 *     80+n, n bytes          integers from 0 on, big-endian without leading zeros
 *     7f-n, n bytes          negative ones: the complement of -(v + 1), likewise
 *     01, 8 bytes            floats: big-endian, sign inverted, negative ones inverted whole
 *     01, 16 bytes           uuid
 *     01, bytes, 00          text; char without the spaces at its end
 *     01, bytes, 00 00       bytea, in which 00 is written 00 ff
 *     01, and nothing more   what has no such form: arrays, interval, wide numerics
 *
 * What is longer than RV_TREE_KEY_MAX, or has no form, is cut, and the rows are compared for the
 * rest. Values of bytes that have no form and are longer than RV_HEAP_SLOT_MAX stand behind the
 * shorter ones, bytewise: an order that is nobody's but total, as apply must be.
 */
#ifndef RV_STATE_SORTED_KEY_H
#define RV_STATE_SORTED_KEY_H

#include "core/state/rows.h"
#include "core/state/tree.h"

typedef struct rv_sorted_key {
    uint8_t bytes[RV_TREE_KEY_MAX];
    uint8_t len;
    bool cut;
    bool has_null;
} rv_sorted_key;

/* What a cut key is compared with rows by: values of the first `count` columns, or a row. */
typedef struct rv_sorted_source {
    const rv_pages *pages;
    const rv_table *table;
    const rv_aggregate *aggregate;
    const rv_aggregate_index *index;
    const rv_value *values; /* NULL: the row's */
    uint16_t count;         /* of columns */
    uint32_t place;         /* of the row */
} rv_sorted_source;

/* Makes the key of the source's columns. */
void rv_sorted_key_make(const rv_sorted_source *source, rv_sorted_key *key);

/* The key as a tree takes it; it lies in `key` and `source`. */
rv_tree_key rv_sorted_key_at(const rv_sorted_key *key, const rv_sorted_source *source,
                             uint32_t place);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of secondary indexes: see sorted_key.h. */
#include "core/state/sorted_key.h"

#include "core/model/value_text.h"

/* The bytes of a value that may be a chain in the heap, a piece at a time. */
typedef struct run {
    const rv_pages *pages;
    rv_bytes now;
    uint32_t place; /* of the next piece; 0 is none */
    uint32_t left;  /* bytes behind `now` */
} run;

/* A value of a column, with all its bytes if it has any. */
typedef struct seen {
    rv_value value; /* of bytes: they begin with these */
    run bytes;
    bool chain;
} seen;

static rv_bytes run_next(run *r) {
    if (r->left > 0) {
        r->now = rv_heap_piece(r->pages, &r->place, &r->left);
    } else {
        r->now.len = 0;
    }
    RV_ASSERT(r->left == 0 || r->now.len > 0);
    return r->now;
}

/* The length of all bytes, without spaces at the end. */
static size_t run_trimmed(run r) {
    size_t len = 0;
    size_t done = 0;
    while (r.now.len > 0) {
        const rv_bytes trimmed = rv_text_trim_end(r.now);
        len = trimmed.len > 0 ? done + trimmed.len : len;
        done += r.now.len;
        (void)run_next(&r);
    }
    RV_ASSERT(len <= done);
    return len;
}

static size_t run_len(const run *r) {
    return r->now.len + r->left;
}

/* Bytewise order of the first bytes; a prefix comes first. */
static int run_compare(run a, size_t a_len, run b, size_t b_len) {
    size_t left = a_len < b_len ? a_len : b_len;
    RV_ASSERT(a_len <= run_len(&a) && b_len <= run_len(&b));
    while (left > 0) {
        const size_t both = a.now.len < b.now.len ? a.now.len : b.now.len;
        const size_t len = both < left ? both : left;
        const int order = memcmp(a.now.ptr, b.now.ptr, len);
        if (order != 0) {
            return order;
        }
        left -= len;
        a.now = rv_bytes_from(a.now, len);
        b.now = rv_bytes_from(b.now, len);
        a.now = a.now.len == 0 ? run_next(&a) : a.now;
        b.now = b.now.len == 0 ? run_next(&b) : b.now;
    }
    return (a_len > b_len) - (a_len < b_len);
}

static void see_row(const rv_sorted_source *source, uint32_t place, uint16_t column, seen *out) {
    const uint8_t *const row = rv_rows_read(source->pages, source->table, place);
    rv_cell cell;
    *out = (seen){.value = rv_value_null()};
    if (rv_row_is_null(row, column)) {
        return;
    }
    if (rv_row_in_heap(source->table, row, column, &cell) && !rv_heap_is_run(&cell)) {
        out->bytes = (run){.pages = source->pages, .place = cell.as.place, .left = cell.len};
        out->value = rv_value_bytes(run_next(&out->bytes));
        out->chain = true;
        return;
    }
    const rv_status status =
        rv_row_get(source->pages, source->table, row, column, NULL, &out->value);
    RV_ASSERT(status == RV_OK); /* only chains need scratch */
    if (out->value.class_ == RV_VALUE_BYTES) {
        out->bytes = (run){.now = out->value.as.bytes};
    }
}

/* The value of the nth column of the index. */
static void see(const rv_sorted_source *source, uint16_t nth, seen *out) {
    RV_ASSERT(nth < source->index->column_count);
    if (source->values == NULL) {
        see_row(source, source->place, source->index->columns[nth], out);
        return;
    }
    *out = (seen){.value = source->values[nth]};
    if (out->value.class_ == RV_VALUE_BYTES) {
        out->bytes = (run){.now = out->value.as.bytes};
        out->chain = out->value.as.bytes.len > RV_HEAP_SLOT_MAX;
    }
}

/* True for values of bytes that are ordered bytewise. */
static bool is_bytewise(const rv_type *type) {
    switch (type->kind) {
    case RV_TYPE_CHAR:
    case RV_TYPE_VARCHAR:
    case RV_TYPE_TEXT:
    case RV_TYPE_BYTEA:
    case RV_TYPE_UUID:
        return true;
    default:
        return false;
    }
}

static int seen_compare(const rv_type *type, const seen *a, const seen *b) {
    const bool bytes = a->value.class_ == RV_VALUE_BYTES && b->value.class_ == RV_VALUE_BYTES;
    if (!bytes || (!is_bytewise(type) && !a->chain && !b->chain)) {
        return rv_value_compare(type, &a->value, &b->value);
    }
    if (!is_bytewise(type) && a->chain != b->chain) {
        return a->chain - b->chain;
    }
    const bool trim = type->kind == RV_TYPE_CHAR && is_bytewise(type);
    return run_compare(a->bytes, trim ? run_trimmed(a->bytes) : run_len(&a->bytes), b->bytes,
                       trim ? run_trimmed(b->bytes) : run_len(&b->bytes));
}

/* --- bytes --- */

/* Adds bytes; what does not fit cuts the key. */
static void put(rv_sorted_key *key, const uint8_t *bytes, size_t len) {
    const size_t room = RV_TREE_KEY_MAX - key->len;
    const size_t fits = key->cut ? 0 : len < room ? len : room;
    if (fits > 0) {
        memcpy(key->bytes + key->len, bytes, fits);
    }
    key->len = (uint8_t)(key->len + fits);
    key->cut = key->cut || fits < len;
    RV_ASSERT(key->len <= RV_TREE_KEY_MAX);
}

static void put_byte(rv_sorted_key *key, uint8_t byte) {
    put(key, &byte, 1);
}

static void put_integer(rv_sorted_key *key, int64_t v) {
    const uint64_t magnitude = v < 0 ? ~(uint64_t)v : (uint64_t)v;
    const uint64_t shown = (uint64_t)v;
    uint32_t count = 0;
    while (count < 8 && magnitude >> (8 * count) != 0) {
        count += 1;
    }
    uint8_t bytes[9];
    bytes[0] = (uint8_t)(v < 0 ? 0x7fu - count : 0x80u + count);
    for (uint32_t i = 0; i < count; i += 1) {
        bytes[1 + i] = (uint8_t)(shown >> (8 * (count - 1 - i)));
    }
    RV_ASSERT(bytes[0] > 1);
    put(key, bytes, 1 + count);
}

static void put_float(rv_sorted_key *key, double v) {
    const double normal = v != v ? (double)__builtin_nanf("") : v + 0.0;
    uint64_t bits;
    memcpy(&bits, &normal, sizeof bits);
    bits = v != v ? UINT64_MAX : bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
    uint8_t bytes[9] = {1};
    for (uint32_t i = 0; i < 8; i += 1) {
        bytes[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    RV_ASSERT(v == v || bytes[1] == 0xff);
    put(key, bytes, sizeof bytes);
}

static void put_bytea(rv_sorted_key *key, rv_bytes bytes) {
    static const uint8_t escaped[2] = {0, 0xff};
    RV_ASSERT(key->len > 0);
    for (size_t i = 0; i < bytes.len && !key->cut; i += 1) {
        if (bytes.ptr[i] == 0) {
            put(key, escaped, sizeof escaped);
        } else {
            put_byte(key, bytes.ptr[i]);
        }
    }
}

/* Adds a value of bytes, of which a chain's first piece is enough. */
static void put_bytes(rv_sorted_key *key, const rv_type *type, const seen *v) {
    put_byte(key, 1);
    RV_ASSERT(v->value.class_ == RV_VALUE_BYTES);
    rv_bytes first = v->bytes.now;
    if (!is_bytewise(type)) {
        key->cut = true;
        return;
    }
    if (type->kind == RV_TYPE_CHAR) {
        const size_t len = run_trimmed(v->bytes);
        first.len = len < first.len ? len : first.len;
    }
    if (type->kind == RV_TYPE_BYTEA) {
        put_bytea(key, first);
        put(key, (const uint8_t[2]){0, 0}, 2);
        return;
    }
    put(key, first.ptr, first.len);
    if (type->kind != RV_TYPE_UUID) {
        put_byte(key, 0);
    }
}

void rv_sorted_key_make(const rv_sorted_source *source, rv_sorted_key *key) {
    key->len = 0;
    key->cut = false;
    key->has_null = false;
    RV_ASSERT(source->count <= source->index->column_count);
    for (uint16_t i = 0; i < source->count; i += 1) {
        const rv_type *const type = &source->aggregate->columns[source->index->columns[i]].type;
        seen v;
        see(source, i, &v);
        switch (v.value.class_) {
        case RV_VALUE_NULL:
            key->has_null = true;
            put_byte(key, 0);
            break;
        case RV_VALUE_INT:
            put_integer(key, v.value.as.integer);
            break;
        case RV_VALUE_FLOAT:
            put_float(key, v.value.as.real);
            break;
        default:
            put_bytes(key, type, &v);
            break;
        }
    }
    RV_ASSERT(key->len <= RV_TREE_KEY_MAX);
}

/* What is sought with the row at `place`: see rv_tree_rest. */
static int rest_compare(const void *ctx, uint32_t place) {
    const rv_sorted_source *const source = ctx;
    int order = 0;
    RV_ASSERT(place != 0);
    for (uint16_t i = 0; i < source->count && order == 0; i += 1) {
        const uint16_t column = source->index->columns[i];
        seen a;
        seen b;
        see(source, i, &a);
        see_row(source, place, column, &b);
        order = seen_compare(&source->aggregate->columns[column].type, &a, &b);
    }
    return order;
}

static const rv_tree_rest rest = {rest_compare};

rv_tree_key rv_sorted_key_at(const rv_sorted_key *key, const rv_sorted_source *source,
                             uint32_t place) {
    RV_ASSERT(key->len <= RV_TREE_KEY_MAX);
    return (rv_tree_key){.bytes = {key->bytes, key->len},
                         .cut = key->cut,
                         .place = place,
                         .rest = &rest,
                         .ctx = source};
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of arrays: walking, making, checking. An array is made front to back: the number of its
 * elements is known before, so the NULL bits have their place, and what an element needs while it
 * is made (a uuid's bytes, the padding of a char) lies behind the array and is given back at once.
 */
#include "core/model/array.h"

#include "core/base/assert.h"
#include "core/model/value_decode.h"
#include "core/model/value_text.h"

static size_t bits_len(uint32_t count) {
    RV_ASSERT(count <= RV_ARRAY_ELEMENTS_MAX);
    return (count + 7u) / 8u;
}

rv_array rv_array_over(const rv_type *type, rv_bytes bytes) {
    rv_array array = {.element = rv_type_element(type), .rest = rv_cursor_over(bytes)};
    array.count = (uint32_t)rv_read_varint(&array.rest);
    array.nulls = rv_read(&array.rest, bits_len(array.count));
    RV_ASSERT(!array.rest.bad);
    return array;
}

bool rv_array_next(rv_array *array, rv_value *element) {
    RV_ASSERT(array->next <= array->count);
    if (array->next == array->count) {
        return false;
    }
    const uint32_t i = array->next++;
    if (((array->nulls.ptr[i / 8] >> (i % 8)) & 1) != 0) {
        *element = rv_value_null();
    } else {
        rv_scalar_decode_inline(&array->element, &array->rest, element);
    }
    RV_ASSERT(!array->rest.bad);
    return true;
}

bool rv_array_begin(rv_array_maker *maker, const rv_type *element, uint32_t count,
                    rv_arena *scratch) {
    RV_ASSERT(element->kind < RV_TYPE_ARRAY && count <= RV_ARRAY_ELEMENTS_MAX);
    uint8_t *start = rv_arena_take_raw(scratch, 0);
    if (start == NULL) {
        return false;
    }
    const size_t room = scratch->cap - scratch->len;
    *maker = (rv_array_maker){.element = *element,
                              .scratch = scratch,
                              .elements = rv_arena_over(start + room / 2, room - room / 2),
                              .out = rv_writer_over(start, room / 2),
                              .count = count};
    rv_write_varint(&maker->out, count);
    maker->nulls_at = maker->out.len;
    for (size_t i = 0; i < bits_len(count); i++) {
        rv_write_u8(&maker->out, 0);
    }
    return !maker->out.full;
}

void rv_array_add(rv_array_maker *maker, const rv_value *element) {
    const uint32_t i = maker->next++;
    RV_ASSERT(i < maker->count);
    if (rv_value_is_null(element)) {
        uint8_t *byte = &maker->out.ptr[maker->nulls_at + i / 8];
        *byte = (uint8_t)(*byte | (1u << (i % 8)));
    } else {
        RV_ASSERT(element->class_ == rv_type_class(&maker->element));
        rv_scalar_encode(&maker->element, element, &maker->out);
    }
    rv_arena_reset(&maker->elements, 0);
}

bool rv_array_end(rv_array_maker *maker, rv_value *value) {
    RV_ASSERT(maker->next == maker->count);
    if (maker->out.full) {
        return false;
    }
    RV_ASSERT(maker->out.len <= maker->scratch->cap - maker->scratch->len);
    maker->scratch->len += maker->out.len;
    *value = rv_value_bytes(rv_writer_bytes(&maker->out));
    return true;
}

bool rv_array_check(const rv_type *type, rv_bytes bytes) {
    const rv_type element = rv_type_element(type);
    rv_cursor c = rv_cursor_over(bytes);
    const uint64_t count = rv_read_varint(&c);
    if (c.bad || count > RV_ARRAY_ELEMENTS_MAX) {
        return false;
    }
    const rv_bytes nulls = rv_read(&c, bits_len((uint32_t)count));
    if (c.bad || (count % 8 != 0 && (nulls.ptr[nulls.len - 1] >> (count % 8)) != 0)) {
        return false;
    }
    for (size_t i = 0; i < count && !c.bad; i++) {
        rv_value value;
        if (((nulls.ptr[i / 8] >> (i % 8)) & 1) == 0) {
            rv_scalar_decode_inline(&element, &c, &value);
        }
    }
    RV_ASSERT(count <= RV_ARRAY_ELEMENTS_MAX);
    return rv_cursor_done(&c);
}

int rv_array_compare(const rv_type *type, rv_bytes a, rv_bytes b) {
    rv_array x = rv_array_over(type, a);
    rv_array y = rv_array_over(type, b);
    rv_value p;
    rv_value q;
    while (x.next < x.count && y.next < y.count) {
        const bool both = rv_array_next(&x, &p) && rv_array_next(&y, &q);
        RV_ASSERT(both);
        const bool null = rv_value_is_null(&p) || rv_value_is_null(&q);
        const int order = null ? rv_value_is_null(&p) - rv_value_is_null(&q)
                               : rv_scalar_compare(&x.element, &p, &q);
        if (order != 0) {
            return order;
        }
    }
    return (x.count > y.count) - (x.count < y.count);
}

void rv_array_canonical(const rv_type *type, rv_bytes bytes, rv_writer *w) {
    rv_array array = rv_array_over(type, bytes);
    rv_value element;
    rv_write_u8(w, RV_VALUE_BYTES);
    rv_write_varint(w, array.count);
    while (rv_array_next(&array, &element)) {
        rv_scalar_canonical(&array.element, &element, w);
    }
    RV_ASSERT(array.next == array.count);
}

rv_status rv_array_cast(const rv_type *from, const rv_type *to, bool cut, rv_bytes what,
                        rv_arena *scratch, rv_value *value, rv_error *err) {
    rv_array array = rv_array_over(from, value->as.bytes);
    const rv_type element_type = rv_type_element(to);
    rv_array_maker maker;
    if (!rv_array_begin(&maker, &element_type, array.count, scratch)) {
        return rv_value_refuse_memory(err);
    }
    rv_value element;
    while (rv_array_next(&array, &element)) {
        const rv_status status = rv_scalar_cast(&array.element, &element_type, cut, what,
                                                &maker.elements, &element, err);
        if (status != RV_OK) {
            return status;
        }
        rv_array_add(&maker, &element);
    }
    RV_ASSERT(maker.next == array.count);
    return rv_array_end(&maker, value) ? RV_OK : rv_value_refuse_memory(err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/wire_lease.h"

#include "core/base/assert.h"

void rv_wire_write_lease(rv_writer *w, const rv_wire_lease *lease) {
    RV_ASSERT(lease->incarnation > 0 && lease->done <= lease->known);
    RV_ASSERT(lease->aggregate.len > 0 && lease->aggregate.len <= RV_NAME_LEN_MAX);
    rv_wire_begin(w, RV_WIRE_LEASE);
    rv_write_varint(w, lease->incarnation);
    rv_write_blob(w, lease->aggregate);
    rv_write_varint(w, lease->known);
    rv_write_varint(w, lease->done);
    rv_write_varint(w, lease->count);
}

rv_status rv_wire_read_lease(rv_bytes body, rv_wire_lease *lease, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(lease != NULL);
    const uint64_t incarnation = rv_read_varint(&c);
    lease->incarnation = (uint32_t)incarnation;
    lease->aggregate = rv_read_blob(&c);
    lease->known = rv_read_varint(&c);
    lease->done = rv_read_varint(&c);
    lease->count = rv_read_varint(&c);
    const bool good = rv_cursor_done(&c) && incarnation > 0 && incarnation <= UINT32_MAX &&
                      lease->aggregate.len > 0 && lease->aggregate.len <= RV_NAME_LEN_MAX &&
                      lease->known <= INT64_MAX && lease->done <= lease->known &&
                      lease->count > 0 && lease->count <= RV_LEASE_KEYS_MAX;
    return good ? RV_OK : rv_wire_malformed(err, "lease");
}

void rv_wire_write_leased(rv_writer *w, const rv_wire_leased *leased) {
    rv_wire_begin(w, RV_WIRE_LEASED);
    rv_write_u8(w, leased->granted ? 0 : 1);
    if (!leased->granted) {
        rv_wire_write_failure(w, &leased->refusal);
        return;
    }
    RV_ASSERT(leased->first > 0 && leased->count > 0);
    rv_write_varint(w, leased->first);
    rv_write_varint(w, leased->count);
}

rv_status rv_wire_read_leased(rv_bytes body, rv_wire_leased *leased, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(leased != NULL);
    memset(leased, 0, sizeof *leased);
    const uint8_t outcome = rv_read_u8(&c);
    bool good = !c.bad && outcome <= 1;
    leased->granted = outcome == 0;
    if (good && leased->granted) {
        leased->first = rv_read_varint(&c);
        leased->count = rv_read_varint(&c);
        good = leased->first > 0 && leased->first <= INT64_MAX && leased->count > 0 &&
               leased->count <= RV_LEASE_KEYS_MAX &&
               leased->count - 1 <= (uint64_t)INT64_MAX - leased->first;
    } else if (good) {
        good = rv_wire_read_failure(&c, &leased->refusal);
    }
    return good && rv_cursor_done(&c) ? RV_OK : rv_wire_malformed(err, "leased");
}

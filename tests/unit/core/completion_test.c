/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what the writer fills in. Serial keys that an event leaves out are numbered after all that
 * were given or numbered before, within the event, its batch and the log; a number that a type does
 * not hold is an error, and nothing is written. Method: a root; events that create two rows of one
 * aggregate, with keys given and left out; the node is opened again and goes on.
 */
#include "tests/unit/node_fixture.h"

static const char serial_schema[] =
    "CREATE SHARED AGGREGATE item (id serial PRIMARY KEY, name text);"
    "CREATE SHARED AGGREGATE tiny (id smallserial PRIMARY KEY);"
    "CREATE EVENT_TYPE made (key text, id creates item(id), name updates item(name));"
    "CREATE EVENT_TYPE two_made (key text, a creates item(id), b creates item(id));"
    "CREATE EVENT_TYPE narrow_made (key text, id smallint creates item(id));"
    "CREATE SHARED AGGREGATE thing (id uuid PRIMARY KEY, a uuid DEFAULT gen_random_uuid(),"
    "  b uuid NOT NULL DEFAULT uuidv7());"
    "CREATE EVENT_TYPE thing_made (key text, id uuid DEFAULT uuidv7() creates thing(id),"
    "  other uuid DEFAULT uuidv4() creates thing(id), c uuid DEFAULT gen_random_uuid());"
    "CREATE SHARED AGGREGATE big (id bigserial PRIMARY KEY);"
    "CREATE EVENT_TYPE big_made (key text, id creates big(id), other creates big(id));"
    "CREATE EVENT_TYPE tiny_made (key text, id creates tiny(id), other creates tiny(id));"
    "CREATE STREAM items (path \"/items/{key}\","
    "  event_types (made, two_made, narrow_made, tiny_made, thing_made, big_made));";

static fixture serial_root(void) {
    fixture f = fixture_root(3);
    rv_event event;
    rv_status status = RV_BUSY;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_schema_apply(f.node, rv_bytes_of_string(serial_schema), &event, &f.err);
        fixture_poll(f.node);
    }
    return f;
}

/* Appends, and gives back the data of the event as JSON. */
static rv_bytes append(fixture *f, const char *type, const char *data) {
    static uint8_t text[300];
    const rv_append event = fixture_event("/items/x", type, data);
    rv_event result;
    const rv_status status = fixture_append_all(f->node, &event, 1, &result, &f->err);
    if (status != RV_OK) {
        return rv_bytes_of_string(rv_status_code(status));
    }
    rv_writer w = rv_writer_over(text, sizeof text);
    const rv_schema *schema = rv_node_schema(f->node);
    rv_event_data_to_json(rv_schema_event_type(schema, result.type), result.data, &w);
    return rv_writer_bytes(&w);
}

RV_TEST(numbers_go_on_after_what_was_given) {
    fixture f = serial_root();
    RV_CHECK_TEXT(append(&f, "made", "{}"), "{\"key\":\"x\",\"id\":1,\"name\":null}");
    RV_CHECK_TEXT(append(&f, "two_made", "{}"), "{\"key\":\"x\",\"a\":2,\"b\":3}");
    RV_CHECK_TEXT(append(&f, "two_made", "{\"b\":4}"), "{\"key\":\"x\",\"a\":5,\"b\":4}");
    RV_CHECK_TEXT(append(&f, "two_made", "{\"a\":100}"), "{\"key\":\"x\",\"a\":100,\"b\":101}");
    RV_CHECK_TEXT(append(&f, "made", "{}"), "{\"key\":\"x\",\"id\":102,\"name\":null}");
    RV_CHECK_TEXT(append(&f, "made", "{\"id\":50}"), "{\"key\":\"x\",\"id\":50,\"name\":null}");
    RV_CHECK_TEXT(append(&f, "made", "{}"), "{\"key\":\"x\",\"id\":103,\"name\":null}");
    RV_CHECK_TEXT(append(&f, "made", "{\"id\":103}"), "row_exists");
    RV_CHECK_TEXT(append(&f, "two_made", "{\"a\":104,\"b\":104}"), "row_exists");
    RV_CHECK(fixture_settle(f.node));
    RV_CHECK_STATUS(fixture_close(f.node, &f.err), RV_END);
    rv_memory_host_reopen(f.storage);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_STORED, NULL), RV_OK);
    RV_CHECK_TEXT(append(&f, "two_made", "{}"), "{\"key\":\"x\",\"a\":104,\"b\":105}");
    fixture_free(&f);
}

RV_TEST(numbers_that_do_not_fit_are_refused) {
    fixture f = serial_root();
    RV_CHECK_TEXT(append(&f, "made", "{\"id\":32766}"),
                  "{\"key\":\"x\",\"id\":32766,\"name\":null}");
    RV_CHECK_TEXT(append(&f, "narrow_made", "{}"), "{\"key\":\"x\",\"id\":32767}");
    const uint64_t sequence = rv_node_sequence(f.node);
    RV_CHECK_TEXT(append(&f, "narrow_made", "{}"), "value_out_of_range");
    RV_CHECK(strstr(f.err.facts, "\"field\":\"id\"") != NULL);
    RV_CHECK_TEXT(append(&f, "made", "{\"id\":2147483647}"),
                  "{\"key\":\"x\",\"id\":2147483647,\"name\":null}");
    RV_CHECK_TEXT(append(&f, "made", "{}"), "value_out_of_range");
    RV_CHECK(strstr(f.err.detail, "the serial keys of `item` are used up") != NULL);
    RV_CHECK_TEXT(append(&f, "big_made", "{\"id\":9223372036854775807}"), "value_out_of_range");
    RV_CHECK(strstr(f.err.detail, "the serial keys of `big` are used up") != NULL);
    RV_CHECK_TEXT(append(&f, "tiny_made", "{\"id\":32767}"), "value_out_of_range");
    RV_CHECK_TEXT(append(&f, "tiny_made", "{}"), "{\"key\":\"x\",\"id\":1,\"other\":2}");
    RV_CHECK_EQ(rv_node_sequence(f.node), sequence + 2);
    fixture_free(&f);
}

/* Every uuid of the rows of `thing`, in the order of storage, and of the event before: none is
 * there twice, and each is of its version. */
static void check_uuids(fixture *f, const rv_event *event, rv_hash128 *sum) {
    const rv_schema *schema = rv_node_schema(f->node);
    const rv_aggregate *thing = rv_schema_aggregate_named(schema, RV_LITERAL("thing"));
    const rv_state *state = rv_node_state(f->node);
    rv_value all[40];
    size_t count = 0;
    for (rv_row row = rv_state_row_next(state, thing->number, RV_ROW_NONE); row != RV_ROW_NONE;
         row = rv_state_row_next(state, thing->number, row)) {
        for (uint16_t c = 0; c < 3; c += 1) {
            RV_CHECK_STATUS(
                rv_state_row_cell(state, thing->number, row, c, NULL, &all[count], NULL), RV_OK);
            RV_CHECK_EQ(all[count].as.bytes.len, 16);
            RV_CHECK_EQ(all[count].as.bytes.ptr[8] >> 6, 2);
            RV_CHECK(c != 1 || all[count].as.bytes.ptr[6] >> 4 == 4);
            RV_CHECK(c != 2 || all[count].as.bytes.ptr[6] >> 4 == 7);
            count += 1;
        }
    }
    if (event != NULL) {
        rv_value values[4];
        RV_CHECK(
            rv_event_data_decode(rv_schema_event_type(schema, event->type), event->data, values));
        all[count++] = values[3];
        RV_CHECK_EQ(values[1].as.bytes.ptr[6] >> 4, 7);
        RV_CHECK_EQ(values[2].as.bytes.ptr[6] >> 4, 4);
        uint64_t ms = 0;
        for (size_t i = 0; i < 6; i += 1) {
            ms = ms << 8 | values[1].as.bytes.ptr[i];
        }
        RV_CHECK_EQ(ms, event->written_at / 1000);
    }
    for (size_t i = 0; i < count; i += 1) {
        for (size_t j = 0; j < i; j += 1) {
            RV_CHECK(!rv_bytes_equal(all[i].as.bytes, all[j].as.bytes));
        }
    }
    *sum = rv_node_state_hash(f->node);
    RV_CHECK_EQ(count, event != NULL ? 7 : 6);
}

RV_TEST(uuids_come_from_the_event) {
    fixture f = serial_root();
    const rv_append append_one = fixture_event("/items/x", "thing_made", "{}");
    rv_event event;
    rv_hash128 sum = {0, 0};
    rv_hash128 again = {0, 0};
    RV_CHECK_STATUS(fixture_append_all(f.node, &append_one, 1, &event, &f.err), RV_OK);
    check_uuids(&f, &event, &sum);
    RV_CHECK_PASSED();
    RV_CHECK(fixture_settle(f.node));
    RV_CHECK_STATUS(fixture_close(f.node, &f.err), RV_END);
    rv_memory_host_reopen(f.storage);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_STORED, NULL), RV_OK);
    check_uuids(&f, NULL, &again);
    RV_CHECK_PASSED();
    RV_CHECK(fixture_hashes_equal(sum, again));
    rv_event other;
    RV_CHECK_STATUS(fixture_append_all(f.node, &append_one, 1, &other, &f.err), RV_OK);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(f.node), 4), 4);
    fixture_free(&f);
}

int main(void) {
    RV_RUN(uuids_come_from_the_event);
    RV_RUN(numbers_go_on_after_what_was_given);
    RV_RUN(numbers_that_do_not_fit_are_refused);
    return rv_test_done();
}

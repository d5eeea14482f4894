/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what the encoder of events messages writes, the decoder yields again, byte for byte, and no
 * bytes make the decoder do harm. Method: random events of random schemas (every type, keys of one
 * to three variables, strings that begin with the key, NULLs, gaps, foreign ids, metadata, schema
 * changes), in messages of 1 to 400; then the same bodies cut and changed at random.
 */
#include "sync/decode.h"
#include "sync/encode.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define EVENTS    400
#define STREAMS   60
#define ARENA     ((size_t)16 << 20)
#define MALFORMED 18 /* vectors */

static const char *const types[] = {
    "smallint",  "integer",   "bigint",           "boolean",       "varchar(40)", "text",
    "bytea",     "date",      "timestamptz",      "timestamp",     "uuid",        "numeric(12,2)",
    "mood",      "integer[]", "mood[]",           "varchar(40)[]", "numeric",     "numeric(30,4)",
    "numeric[]", "real",      "double precision", "real[]",        "interval",    "json",
    "jsonb",     "jsonb[]"};

typedef struct world {
    rv_schema *schema;
    rv_encoder *encoder;
    rv_decoder *decoder;
    rv_event events[EVENTS];
    rv_bytes paths[EVENTS];
    uint16_t declarations[EVENTS];
    uint32_t count;
    uint32_t opaque; /* of all that were made */
    rv_arena heap;
    uint64_t random;
} world;

static uint64_t below(world *w, uint64_t n) {
    return rv_test_random(&w->random) % n;
}

/* Three streams (one, two and three variables), three event types each. */
static void write_schema(world *w, rv_writer *t) {
    rv_write_text(t, "CREATE TYPE mood AS ENUM ('good', 'bad', 'so so');\n");
    for (unsigned s = 0; s < 3; s++) {
        const char *const key = below(w, 2) == 0 ? "bigint" : below(w, 2) == 0 ? "text" : "uuid";
        for (unsigned e = 0; e < 3; e++) {
            char line[256];
            snprintf(line, sizeof line, "CREATE EVENT_TYPE e%u%u (", s, e);
            rv_write_text(t, line);
            for (unsigned v = 0; v <= s; v++) {
                snprintf(line, sizeof line, "k%u %s NOT NULL, ", v, v == 0 ? key : "text");
                rv_write_text(t, line);
            }
            const unsigned fields = 1 + (unsigned)below(w, 8);
            for (unsigned f = 0; f < fields; f++) {
                const char *const type = types[below(w, sizeof types / sizeof *types)];
                snprintf(line, sizeof line, "%sf%u %s%s", f == 0 ? "" : ", ", f, type,
                         below(w, 3) == 0 ? " NOT NULL" : "");
                rv_write_text(t, line);
            }
            rv_write_text(t, ");\n");
        }
        char line[256];
        snprintf(line, sizeof line,
                 "CREATE STREAM s%u (path \"/s%u/{k0}%s%s\" event_types (e%u0, e%u1, e%u2));\n", s,
                 s, s >= 1 ? "/x/{k1}" : "", s >= 2 ? "/{k2}" : "", s, s, s);
        rv_write_text(t, line);
    }
}

static rv_bytes keep(world *w, rv_bytes bytes) {
    return rv_arena_copy(&w->heap, bytes);
}

/* An array literal that the type takes, or one of a NULL. */
static rv_value random_array(world *w, const rv_type *type, uint64_t few, uint64_t many) {
    static const char *const texts[] = {"{}", "{NULL}", "{1,2}", "{good,\"so so\"}"};
    static uint8_t text[64];
    rv_writer t = rv_writer_over(text, sizeof text);
    rv_value value = rv_value_null();
    rv_write_text(&t, texts[few]);
    if (few == 2 && type->element != RV_TYPE_ENUM) {
        t.len -= 1;
        rv_write_u8(&t, ',');
        rv_write_uint(&t, many % 5000);
        rv_write_u8(&t, '}');
    }
    const rv_status status =
        rv_value_from_text(type, rv_writer_bytes(&t), RV_LITERAL("array"), &w->heap, &value, NULL);
    if (status != RV_OK) { /* numbers are no moods: the one element that every type has */
        const rv_status again = rv_value_from_text(type, RV_LITERAL("{NULL}"), RV_LITERAL("array"),
                                                   &w->heap, &value, NULL);
        RV_ASSERT(again == RV_OK);
    }
    return value;
}

static rv_value random_value(world *w, const rv_field *field, rv_bytes key) {
    static uint8_t text[64];
    static int64_t clock = INT64_C(700000000000000);
    const uint64_t few = below(w, 4);
    const uint64_t many = rv_test_random(&w->random);
    if (!field->not_null && below(w, 5) == 0) {
        return rv_value_null();
    }
    rv_writer t = rv_writer_over(text, sizeof text);
    switch (field->type.kind) {
    case RV_TYPE_BOOLEAN:
        return rv_value_int((int64_t)(few & 1));
    case RV_TYPE_ENUM:
        return rv_value_int((int64_t)(few % 3));
    case RV_TYPE_SMALLINT:
        return rv_value_int(few > 0 ? (int64_t)few : (int64_t)(int16_t)many);
    case RV_TYPE_INTEGER:
    case RV_TYPE_DATE:
        return rv_value_int(few > 0 ? (int64_t)few : (int64_t)(many % 1000000));
    case RV_TYPE_BIGINT:
        return rv_value_int(few > 0 ? (int64_t)few : (int64_t)many);
    case RV_TYPE_NUMERIC:
        if (rv_type_is_wide(&field->type)) {
            rv_value wide = rv_value_null();
            rv_write_int(&t, (int64_t)many >> (few * 16));
            rv_write_text(&t, few == 0 ? "e6" : few == 1 ? ".25" : "");
            const rv_bytes number = few == 3 ? RV_LITERAL("NaN") : rv_writer_bytes(&t);
            const rv_status status =
                rv_value_from_text(&field->type, number, field->name, &w->heap, &wide, NULL);
            RV_ASSERT(status == RV_OK);
            return wide;
        }
        return rv_value_int((int64_t)(many % 2000000) - 1000000);
    case RV_TYPE_TIMESTAMP:
    case RV_TYPE_TIMESTAMPTZ:
        clock += (int64_t)(many % 1000000) * 1000 + (below(w, 300) == 0);
        return rv_value_int(clock);
    case RV_TYPE_REAL:
        return rv_value_float((double)(float)((double)(many % 1000) / (double)few));
    case RV_TYPE_DOUBLE:
        return rv_value_float((few == 1 ? 0.0 : (double)(many % 100000)) / (double)few);
    case RV_TYPE_UUID:
    case RV_TYPE_INTERVAL:
        memset(text, (int)few, 16);
        text[3] = (uint8_t)(few == 0 ? many : 0);
        return rv_value_bytes(keep(w, rv_bytes_of(text, 16)));
    case RV_TYPE_JSON:
    case RV_TYPE_JSONB:
        rv_write_text(&t, few == 0 ? "{\"a\": [1, 2.50]}" : few == 1 ? "\"text\"" : "");
        if (few > 1) {
            rv_write_uint(&t, many % 100000);
        }
        return rv_value_bytes(keep(w, rv_writer_bytes(&t)));
    case RV_TYPE_ARRAY:
        return random_array(w, &field->type, few, many);
    default:
        if (below(w, 2) == 0) {
            rv_write(&t, rv_bytes_of(key.ptr, key.len < 20 ? key.len : 20));
        }
        rv_write_text(&t, few == 0 ? "" : few == 1 ? "start" : "/end");
        if (few == 3) {
            rv_write_uint(&t, many % 100000);
        }
        return rv_value_bytes(keep(w, rv_writer_bytes(&t)));
    }
}

/* A key of the stream instance, the same each time it is asked. */
static rv_value key_value(const rv_type *type, uint32_t instance, uint32_t v, uint8_t *space) {
    if (type->kind == RV_TYPE_BIGINT) {
        return rv_value_int(instance % 7 == 6 ? INT64_MIN + instance
                                              : 1000 + (int64_t)instance * 3);
    }
    if (type->kind == RV_TYPE_UUID) {
        memset(space, (int)instance, 16);
        return rv_value_bytes(rv_bytes_of(space, 16));
    }
    const char *const odd = instance % 5 == 4 ? "a/b%" : "ab";
    return rv_value_bytes(
        rv_bytes_of(space, (size_t)snprintf((char *)space, 32, "%s-%u-%u", odd, v, instance)));
}

static void make_event(world *w, uint32_t i, uint64_t *versions) {
    static uint8_t data[4096];
    static uint8_t path[RV_PATH_LEN_MAX];
    static uint8_t spaces[3][32];
    rv_value values[RV_FIELDS_MAX];
    rv_event *const event = &w->events[i];
    const uint32_t instance = (uint32_t)below(w, STREAMS);
    const rv_stream *const stream = rv_schema_stream(w->schema, (uint16_t)(instance % 3));
    const rv_event_type *const type =
        rv_schema_event_type(w->schema, stream->event_types[below(w, 3)]);
    const uint32_t keys = stream->path.variable_count;
    for (uint32_t v = 0; v < keys; v++) {
        values[v] = key_value(&type->fields[v].type, instance, v, spaces[v]);
    }
    rv_writer p = rv_writer_over(path, sizeof path);
    rv_event_path(stream, type, values, &p);
    w->paths[i] = keep(w, rv_writer_bytes(&p));
    rv_bytes segments[RV_PATH_SEGMENTS_MAX];
    const bool matched = rv_path_template_match(&stream->path, w->paths[i], segments);
    rv_writer d = rv_writer_over(data, sizeof data);
    uint8_t nulls[RV_FIELDS_MAX / 8] = {0};
    for (uint32_t f = keys; f < type->field_count; f++) {
        values[f] = random_value(w, &type->fields[f], matched ? segments[keys - 1] : w->paths[i]);
        nulls[f / 8] |= (uint8_t)(rv_value_is_null(&values[f]) << (f % 8));
    }
    rv_write(&d, rv_bytes_of(nulls, (type->field_count + 7u) / 8));
    for (uint32_t f = 0; f < type->field_count; f++) {
        if (!rv_value_is_null(&values[f])) {
            rv_value_encode(&type->fields[f].type, &values[f], &d);
        }
    }
    if (below(w, 20) == 0) { /* not understood: cut, or with more behind it */
        const size_t len = (size_t)below(w, d.len + 1);
        d.len = below(w, 2) == 0 ? len : d.len;
        rv_write(&d, below(w, 2) == 0 ? RV_LITERAL("\xff\xff\xff") : RV_LITERAL(""));
    }
    versions[instance] += 1 + (below(w, 50) == 0 ? below(w, 1000) : 0);
    w->declarations[i] = stream->number;
    event->stream = instance;
    event->type = type->number;
    event->version = versions[instance];
    event->data = keep(w, rv_writer_bytes(&d));
}

/* Places and times; returns false where the data is not one of the schema's (a bug of the test). */
static bool make_events(world *w, uint32_t count) {
    uint64_t versions[STREAMS] = {0};
    uint64_t position = below(w, 2) == 0 ? 0 : rv_test_random(&w->random) >> 20;
    int64_t recorded = INT64_C(1700000000000000);
    const bool steady = below(w, 2) == 0;
    w->count = count;
    for (uint32_t i = 0; i < count; i++) {
        rv_event *const event = &w->events[i];
        memset(event, 0, sizeof *event);
        make_event(w, i, versions);
        position += 1 + (steady ? 0 : below(w, 3));
        recorded += steady ? 0 : (int64_t)below(w, 100000);
        event->position = position;
        event->recorded_at = recorded;
        event->written_at = recorded - (below(w, 10) == 0 ? 77 : 0);
        event->schema_version = (uint32_t)(1 + (i > count / 2));
        event->batch_end = below(w, 3) > 0 || i + 1 == count;
        if (below(w, 10) == 0) {
            event->foreign_id = true;
            memset(event->event_id, (int)i, sizeof event->event_id);
        }
        if (below(w, 4) == 0) {
            event->metadata = below(w, 2) == 0 ? RV_LITERAL("{\"actor\":\"ada\"}")
                                               : RV_LITERAL("{\"actor\":\"bob\",\"n\":1}");
        }
        rv_value values[RV_FIELDS_MAX];
        w->opaque += !rv_event_data_decode(rv_schema_event_type(w->schema, event->type),
                                           event->data, values);
    }
    if (below(w, 4) == 0) { /* a schema change ends the message */
        rv_event *const event = &w->events[count - 1];
        event->type = RV_SYSTEM_SCHEMA_TYPE;
        event->stream = STREAMS;
        event->version = 3;
        event->data = RV_LITERAL("CREATE TYPE x AS ENUM ('y');");
        w->paths[count - 1] = RV_LITERAL(RV_SYSTEM_SCHEMA_PATH);
        w->declarations[count - 1] = RV_NONE;
    }
    return true;
}

/* Decodes all; compares with what was encoded when `compare`. */
static rv_status decode(world *w, rv_bytes body, bool compare, bool *same, rv_error *err) {
    rv_wire_events head;
    rv_event e;
    rv_bytes path;
    rv_status status = rv_decoder_begin(w->decoder, w->schema, body, &head, err);
    *same = true;
    uint32_t i = 0;
    while (status == RV_OK) {
        status = rv_decoder_next(w->decoder, &e, &path, err);
        if (status != RV_OK) {
            break;
        }
        if (path.len > 0) {
            rv_decoder_name_stream(w->decoder, compare ? w->events[i].stream : 0);
            e.stream = compare ? w->events[i].stream : 0;
        }
        if (compare) {
            const rv_event *const x = &w->events[i];
            *same = *same && (path.len == 0 || rv_bytes_equal(path, w->paths[i])) &&
                    e.position == x->position && e.stream == x->stream && e.version == x->version &&
                    e.type == x->type && e.schema_version == x->schema_version &&
                    e.written_at == x->written_at && e.recorded_at == x->recorded_at &&
                    e.foreign_id == x->foreign_id && e.batch_end == x->batch_end &&
                    rv_bytes_equal(e.data, x->data) && rv_bytes_equal(e.metadata, x->metadata) &&
                    (!e.foreign_id || memcmp(e.event_id, x->event_id, 16) == 0);
        }
        i += 1;
    }
    *same = *same && (!compare || i == w->count);
    return status == RV_END ? RV_OK : status;
}

static bool encode(world *w, rv_writer *body) {
    rv_encoder_begin(w->encoder, w->schema, RV_COLUMNS_EVENTS_MAX, SIZE_MAX);
    for (uint32_t i = 0; i < w->count; i++) {
        if (!rv_encoder_add(w->encoder, &w->events[i], w->paths[i], w->declarations[i])) {
            return false;
        }
    }
    const uint64_t last = w->events[w->count - 1].position;
    const rv_wire_events head = {.watermark = last + 5, .chain_hash = 9, .position = last + 7};
    return rv_encoder_end(w->encoder, &head, w->count, body);
}

static bool world_create(world *w, uint64_t seed, void *memory, rv_error *err) {
    rv_arena arena = rv_arena_over(memory, ARENA);
    static uint8_t text[16384];
    rv_writer t = rv_writer_over(text, sizeof text);
    memset(w, 0, sizeof *w);
    w->random = seed;
    write_schema(w, &t);
    w->encoder = rv_encoder_create(&arena);
    w->decoder = rv_decoder_create(&arena);
    rv_arena schema = rv_arena_split(&arena, 2 << 20);
    static rv_arena kept;
    kept = schema;
    if (w->encoder == NULL || w->decoder == NULL || rv_schema_create(&w->schema, &kept, err) != 0 ||
        rv_schema_apply(w->schema, rv_writer_bytes(&t), err) != RV_OK) {
        fprintf(stderr, "%s\n%.*s\n", err->detail, (int)t.len, (const char *)text);
        return false;
    }
    w->heap = rv_arena_split(&arena, 1 << 20);
    return w->heap.cap > 0;
}

RV_TEST(events_come_out_as_they_went_in) {
    static world w;
    static uint8_t body[RV_WIRE_MESSAGE_MAX];
    void *const memory = malloc(ARENA);
    rv_error err;
    uint32_t opaque = 0;
    for (uint64_t seed = 0; seed < RV_TEST_ROUNDS(60); seed++) {
        RV_CHECK(world_create(&w, seed, memory, &err));
        for (int round = 0; round < 5; round++) {
            const uint32_t count = (uint32_t)(1 + below(&w, round % 2 == 0 ? 20 : EVENTS));
            rv_arena_reset(&w.heap, 0);
            RV_CHECK(make_events(&w, count));
            rv_writer b = rv_writer_over(body, sizeof body);
            RV_CHECK(encode(&w, &b));
            bool same = false;
            uint8_t *const exact = malloc(b.len);
            memcpy(exact, body, b.len);
            const rv_status status = decode(&w, rv_bytes_of(exact, b.len), true, &same, &err);
            free(exact);
            RV_CHECK_STATUS(status, RV_OK);
            RV_CHECK(same);
        }
        opaque += w.opaque;
    }
    RV_CHECK(opaque > RV_TEST_ROUNDS(60));
    free(memory);
}

RV_TEST(no_bytes_do_harm) {
    static world w;
    static uint8_t body[RV_WIRE_MESSAGE_MAX];
    void *const memory = malloc(ARENA);
    rv_error err;
    bool same = false;
    for (uint64_t seed = 100; seed < 100 + RV_TEST_ROUNDS(12); seed++) {
        RV_CHECK(world_create(&w, seed, memory, &err));
        RV_CHECK(make_events(&w, seed % 2 == 0 ? 9 : 40));
        rv_writer b = rv_writer_over(body, sizeof body);
        RV_CHECK(encode(&w, &b));
        for (size_t len = 0; len < b.len; len++) {
            uint8_t *const cut = malloc(len + 1);
            memcpy(cut, body, len);
            const rv_status status = decode(&w, rv_bytes_of(cut, len), false, &same, &err);
            free(cut);
            RV_CHECK_STATUS(status, RV_PROTOCOL_ERROR);
        }
        for (int i = 0; i < 4000; i++) {
            uint8_t *const copy = malloc(b.len);
            memcpy(copy, body, b.len);
            for (int k = 0; k < 1 + i % 4; k++) {
                const size_t at = (size_t)below(&w, i % 2 == 0 || b.len < 80 ? b.len : 80);
                copy[at] = (uint8_t)rv_test_random(&w.random);
            }
            const rv_status status = decode(&w, rv_bytes_of(copy, b.len), false, &same, &err);
            free(copy);
            RV_CHECK(status == RV_OK || status == RV_PROTOCOL_ERROR);
        }
    }
    free(memory);
}

RV_TEST(a_full_message_takes_no_more) {
    static world w;
    static uint8_t body[RV_WIRE_MESSAGE_MAX];
    void *const memory = malloc(ARENA);
    rv_error err;
    RV_CHECK(world_create(&w, 7, memory, &err));
    RV_CHECK(make_events(&w, 50));
    w.events[49].type = w.events[0].type; /* should the last be a schema change */
    rv_encoder_begin(w.encoder, w.schema, 10, SIZE_MAX);
    uint32_t taken = 0;
    while (rv_encoder_add(w.encoder, &w.events[taken], w.paths[taken], w.declarations[taken])) {
        taken += 1;
    }
    RV_CHECK_EQ(taken, 10);
    const rv_wire_events head = {.continues = true};
    rv_writer b = rv_writer_over(body, sizeof body);
    RV_CHECK(rv_encoder_end(w.encoder, &head, 4, &b)); /* fewer than were staged */
    bool same = false;
    w.count = 4;
    RV_CHECK_STATUS(decode(&w, rv_writer_bytes(&b), true, &same, &err), RV_OK);
    RV_CHECK(same);
    rv_encoder_begin(w.encoder, w.schema, 4096, 1); /* the first is always taken */
    RV_CHECK(rv_encoder_add(w.encoder, &w.events[0], w.paths[0], w.declarations[0]));
    RV_CHECK(!rv_encoder_add(w.encoder, &w.events[1], w.paths[1], w.declarations[1]));
    free(memory);
}

/* The events that tests/vectors/wire.txt describes. */
static bool vector_world(world *w, uint32_t count, void *memory, rv_error *err) {
    static rv_arena schema;
    rv_arena arena = rv_arena_over(memory, ARENA);
    memset(w, 0, sizeof *w);
    w->encoder = rv_encoder_create(&arena);
    w->decoder = rv_decoder_create(&arena);
    schema = rv_arena_split(&arena, 2 << 20);
    w->heap = rv_arena_split(&arena, 1 << 20);
    if (w->heap.cap == 0 || rv_schema_create(&w->schema, &schema, err) != RV_OK ||
        rv_schema_apply(w->schema,
                        RV_LITERAL("CREATE EVENT_TYPE moved (id bigint NOT NULL, at timestamptz, "
                                   "place varchar(20));\n"
                                   "CREATE STREAM ships (path \"/ships/{id}\" event_types "
                                   "(moved));"),
                        err) != RV_OK) {
        return false;
    }
    const rv_event_type *const type = rv_schema_event_type(w->schema, 0);
    static const char *const places[] = {"Rotterdam", "Oslo", NULL};
    for (uint32_t i = 0; i < count; i++) {
        uint8_t data[64];
        char path[32];
        rv_writer d = rv_writer_over(data, sizeof data);
        const char *const place = places[i % 3];
        const rv_value values[3] = {
            rv_value_int(7 + i % 2), rv_value_int((1000 + (int64_t)i) * 1000),
            place == NULL ? rv_value_null() : rv_value_bytes(rv_bytes_of_string(place))};
        rv_write_u8(&d, place == NULL ? 4 : 0);
        for (uint32_t f = 0; f < (place == NULL ? 2u : 3u); f++) {
            rv_value_encode(&type->fields[f].type, &values[f], &d);
        }
        const int len = snprintf(path, sizeof path, "/ships/%u", 7 + i % 2);
        w->paths[i] = keep(w, rv_bytes_of(path, (size_t)len));
        w->events[i] = (rv_event){.position = 10 + i,
                                  .stream = i % 2,
                                  .version = 1 + i / 2,
                                  .schema_version = 1,
                                  .recorded_at = INT64_C(1700000000000000) + i,
                                  .written_at = INT64_C(1700000000000000) + i,
                                  .batch_end = true,
                                  .data = keep(w, rv_writer_bytes(&d))};
        w->declarations[i] = 0;
    }
    w->count = count;
    return true;
}

/* Two small messages whose bytes are written down: one interleaved, one in columns. */
RV_TEST(messages_are_their_vectors) {
    static world w;
    static uint8_t body[65536];
    static uint8_t text[131072];
    static char line[131072];
    void *const memory = malloc(ARENA);
    rv_error err;
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/");
    RV_CHECK(tests != NULL);
    memcpy(tests, "tests/vectors/wire.txt", sizeof "tests/vectors/wire.txt");
    FILE *const file = fopen(path, "r");
    RV_CHECK(file != NULL);
    int found = 0;
    for (uint32_t count = 3; count <= 20; count += 17) {
        const char *const name = count == 3 ? "events-interleaved " : "events-columns ";
        RV_CHECK(vector_world(&w, count, memory, &err));
        rv_writer b = rv_writer_over(body, sizeof body);
        rv_writer t = rv_writer_over(text, sizeof text);
        rv_wire_begin(&b, RV_WIRE_EVENTS);
        RV_CHECK(encode(&w, &b));
        rv_write_hex(&t, rv_writer_bytes(&b));
        rewind(file);
        while (fgets(line, sizeof line, file) != NULL) {
            line[strcspn(line, "\r\n")] = 0;
            if (strncmp(line, name, strlen(name)) == 0) {
                RV_CHECK_TEXT(rv_writer_bytes(&t), line + strlen(name));
                found += 1;
            }
        }
    }
    fclose(file);
    free(memory);
    RV_CHECK_EQ(found, 2);
}

/* Messages that are not what they should be, and the code of each; under the same schema. */
RV_TEST(malformed_messages_are_refused_with_their_code) {
    static world w;
    static uint8_t bytes[4096];
    static char line[8192];
    void *const memory = malloc(ARENA);
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/");
    RV_CHECK(tests != NULL);
    memcpy(tests, "tests/vectors/wire-malformed.txt", sizeof "tests/vectors/wire-malformed.txt");
    FILE *const file = fopen(path, "r");
    RV_CHECK(file != NULL);
    int count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char name[64], code[64];
        int hex = 0;
        size_t len = 0;
        unsigned byte = 0;
        bool same = false;
        rv_error err;
        if (strncmp(line, "events-", 7) != 0 ||
            sscanf(line, "%63s %63s %n", name, code, &hex) != 2) {
            continue;
        }
        while (len < sizeof bytes && sscanf(line + hex + 2 * len, "%2x", &byte) == 1) {
            bytes[len++] = (uint8_t)byte;
        }
        RV_CHECK(len > RV_WIRE_HEADER_LEN && bytes[0] == RV_WIRE_EVENTS);
        RV_CHECK(vector_world(&w, 3, memory, &err));
        const rv_bytes body = rv_bytes_from(rv_bytes_of(bytes, len), RV_WIRE_HEADER_LEN);
        const rv_status status = decode(&w, body, false, &same, &err);
        if (strcmp(rv_status_code(status), code) != 0) {
            RV_FAIL_AT_("%s: %s, must be %s", name, rv_status_code(status), code);
        }
        count += 1;
    }
    fclose(file);
    free(memory);
    RV_CHECK_EQ(count, MALFORMED);
}

int main(void) {
    RV_RUN(messages_are_their_vectors);
    RV_RUN(malformed_messages_are_refused_with_their_code);
    RV_RUN(events_come_out_as_they_went_in);
    RV_RUN(no_bytes_do_harm);
    RV_RUN(a_full_message_takes_no_more);
    return rv_test_done();
}

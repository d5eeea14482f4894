/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the bytes of a segment are what docs/format/log.md says, in every build and for ever.
 * Method: tests/vectors/log-segment.txt holds a whole segment and, in words, what is in it. The
 * bytes are recovered and compared with the words; then the words are appended to a new log with
 * the same salt, and its bytes compared with the bytes.
 */
#include "tests/unit/log/log_twin.h"

#include <stdlib.h>

static const rv_log_options vector_options = {
    .write_buffer_size = 16 << 10,
    .batch_len_max = 2000,
    .read_slot_count = 4,
    .segment_size = 1 << 20,
    .extent_size = 16 << 10,
};

#define VECTOR_EVENTS_MAX  16
#define VECTOR_BATCHES_MAX 8

typedef struct vector_batch {
    rv_batch head;
    unsigned first_event;
    unsigned event_count;
} vector_batch;

static struct {
    char name[RV_FILE_NAME_MAX + 1];
    uint32_t salt;
    rv_log_identity identity;
    size_t size;
    uint8_t bytes[16 << 10];
    vector_batch batches[VECTOR_BATCHES_MAX];
    unsigned batch_count;
    rv_event events[VECTOR_EVENTS_MAX];
    unsigned event_count;
    uint8_t pool[4096];
    size_t pool_len;
} vector;

/* --- reading the file of words --- */

static rv_bytes parse_hex(const char *hex) {
    uint8_t *const to = vector.pool + vector.pool_len;
    const size_t len = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
    for (size_t i = 0; i < len; i += 1) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        to[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    vector.pool_len += len;
    return rv_bytes_of(to, len);
}

static bool parse_event(char *rest) {
    unsigned long long n[7];
    char flags[8], id[40], metadata[200], data[400];
    long long recorded = 0, written = 0;
    const int count = sscanf(
        rest, "%llu %llu %llu %llu %llu %llu %llu %lld %lld %7s %39s %199s %399s", &n[0], &n[1],
        &n[2], &n[3], &n[4], &n[5], &n[6], &recorded, &written, flags, id, metadata, data);
    if (count != 13 || vector.event_count == VECTOR_EVENTS_MAX || vector.batch_count == 0) {
        return false;
    }
    rv_event *const event = &vector.events[vector.event_count++];
    *event = (rv_event){
        .sequence = n[0],
        .position = n[1],
        .stream = (uint32_t)n[2],
        .declaration = (uint16_t)n[3],
        .version = n[4],
        .type = (uint16_t)n[5],
        .schema_version = (uint32_t)n[6],
        .recorded_at = recorded,
        .written_at = written,
        .foreign_id = strchr(flags, 'f') != NULL,
        .new_stream = strchr(flags, 'n') != NULL,
        .batch_end = strchr(flags, 'e') != NULL,
    };
    memcpy(event->event_id, parse_hex(id).ptr, 16);
    event->metadata = parse_hex(metadata);
    event->data = parse_hex(data);
    vector.batches[vector.batch_count - 1].event_count += 1;
    return true;
}

static bool parse_batch(char *rest) {
    unsigned long long n[4];
    long long time = 0;
    if (sscanf(rest, "%llu %llu %llu %llx %lld", &n[0], &n[1], &n[2], &n[3], &time) != 5 ||
        vector.batch_count == VECTOR_BATCHES_MAX) {
        return false;
    }
    vector.batches[vector.batch_count++] = (vector_batch){
        .head = {.first_sequence = n[0],
                 .first_position = n[1],
                 .watermark = n[2],
                 .chain_hash = n[3],
                 .time = time},
        .first_event = vector.event_count,
    };
    return true;
}

static bool parse_line(char *line) {
    char word[16] = "";
    int used = 0;
    if (sscanf(line, "%15s %n", word, &used) != 1 || word[0] == '#') {
        return true;
    }
    char *rest = line + used;
    rest[strcspn(rest, "\r\n")] = 0;
    if (strcmp(word, "name") == 0) {
        return sscanf(rest, "%64s", vector.name) == 1;
    } else if (strcmp(word, "salt") == 0) {
        vector.salt = (uint32_t)strtoul(rest, NULL, 16);
    } else if (strcmp(word, "log_id") == 0) {
        memcpy(vector.identity.log_id, parse_hex(rest).ptr, 16);
    } else if (strcmp(word, "node_id") == 0) {
        memcpy(vector.identity.node_id, parse_hex(rest).ptr, 16);
    } else if (strcmp(word, "root_tag") == 0) {
        vector.identity.root_tag = strtoull(rest, NULL, 16);
    } else if (strcmp(word, "epoch") == 0) {
        vector.identity.epoch = (uint32_t)strtoul(rest, NULL, 10);
    } else if (strcmp(word, "root") == 0) {
        vector.identity.root = rest[0] == '1';
    } else if (strcmp(word, "size") == 0) {
        vector.size = (size_t)strtoul(rest, NULL, 10);
    } else if (strcmp(word, "bytes") == 0) {
        char *hex = NULL;
        const size_t offset = (size_t)strtoul(rest, &hex, 10);
        const rv_bytes bytes = parse_hex(hex + strspn(hex, " "));
        vector.pool_len -= bytes.len;
        if (offset > sizeof vector.bytes - bytes.len) {
            return false;
        }
        memcpy(vector.bytes + offset, bytes.ptr, bytes.len);
    } else if (strcmp(word, "batch") == 0) {
        return parse_batch(rest);
    } else if (strcmp(word, "event") == 0) {
        return parse_event(rest);
    } else {
        return false;
    }
    return true;
}

static void load(void) {
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/log/");
    RV_CHECK(tests != NULL);
    memcpy(tests, "tests/vectors/log-segment.txt", sizeof "tests/vectors/log-segment.txt");
    FILE *const file = fopen(path, "r");
    RV_CHECK(file != NULL);
    char line[2048];
    memset(&vector, 0, sizeof vector);
    bool good = true;
    while (good && fgets(line, sizeof line, file) != NULL) {
        good = parse_line(line);
    }
    fclose(file);
    RV_CHECK(good);
    RV_CHECK(vector.batch_count > 1 && vector.event_count > 3 && vector.size > 4096);
}

/* --- the tests --- */

static void check_batch(const node *n, const rv_batch *batch, const vector_batch *expected) {
    RV_CHECK_EQ(batch->first_sequence, expected->head.first_sequence);
    RV_CHECK_EQ(batch->first_position, expected->head.first_position);
    RV_CHECK_EQ(batch->watermark, expected->head.watermark);
    RV_CHECK_EQ(batch->chain_hash, expected->head.chain_hash);
    RV_CHECK_EQ(batch->time, expected->head.time);
    rv_record_context context = rv_batch_context(batch, n->log);
    rv_cursor c = rv_cursor_over(batch->body);
    for (unsigned i = 0; i < expected->event_count; i += 1) {
        const rv_event *const e = &vector.events[expected->first_event + i];
        rv_record record;
        RV_CHECK(rv_record_read(&c, &context, &record));
        RV_CHECK_EQ(record.kind, RV_RECORD_EVENT);
        RV_CHECK_EQ(record.event.sequence, e->sequence);
        RV_CHECK_EQ(record.event.position, e->position);
        RV_CHECK_EQ(record.event.stream, e->stream);
        RV_CHECK(!e->new_stream || record.event.declaration == e->declaration);
        RV_CHECK_EQ(record.event.version, e->version);
        RV_CHECK_EQ(record.event.type, e->type);
        RV_CHECK_EQ(record.event.schema_version, e->schema_version);
        RV_CHECK_EQ(record.event.recorded_at, e->recorded_at);
        RV_CHECK_EQ(record.event.written_at, e->written_at);
        RV_CHECK(memcmp(record.event.event_id, e->event_id, 16) == 0);
        RV_CHECK(record.event.foreign_id == e->foreign_id);
        RV_CHECK(record.event.new_stream == e->new_stream);
        RV_CHECK(record.event.batch_end == e->batch_end);
        RV_CHECK(rv_bytes_equal(record.event.metadata, e->metadata));
        RV_CHECK(rv_bytes_equal(record.event.data, e->data));
    }
    RV_CHECK(rv_cursor_done(&c));
}

RV_TEST(the_bytes_are_read_as_the_words) {
    load();
    RV_CHECK_PASSED();
    node n = {.options = vector_options};
    node_over_memory(&n, 1);
    rv_io_result result;
    (void)n.host.ops->create(n.host.ctx, 1, vector.name, &result);
    const rv_file file = result.file;
    (void)n.host.ops->write(n.host.ctx, 2, file, 0, rv_bytes_of(vector.bytes, vector.size),
                            &result);
    RV_CHECK_EQ(result.count, vector.size);
    n.host.ops->close(n.host.ctx, file);
    node_create(&n);
    unsigned count = 0;
    rv_batch batch;
    rv_status status = rv_log_recover(n.log, &batch, &n.err);
    for (; status == RV_OK; status = rv_log_recover(n.log, &batch, &n.err)) {
        RV_CHECK(count < vector.batch_count);
        check_batch(&n, &batch, &vector.batches[count]);
        RV_CHECK_PASSED();
        count += 1;
    }
    RV_CHECK_STATUS(status, RV_END);
    RV_CHECK_EQ(count, vector.batch_count);
    RV_CHECK_EQ(rv_log_cut(n.log, NULL), 0);
    const rv_log_identity *const met = rv_log_identity_of(n.log);
    RV_CHECK(memcmp(met->log_id, vector.identity.log_id, 16) == 0);
    RV_CHECK(memcmp(met->node_id, vector.identity.node_id, 16) == 0);
    RV_CHECK_EQ(met->root_tag, vector.identity.root_tag);
    RV_CHECK_EQ(met->epoch, vector.identity.epoch);
    RV_CHECK(met->root == vector.identity.root);
}

/* Entropy that is the vector's salt. */
static void salt_entropy(void *ctx, uint8_t *buf, size_t len) {
    (void)ctx;
    memset(buf, 0, len);
    if (len == 4) {
        rv_store_u32(buf, vector.salt);
    }
}

static void append_vector_batch(node *n, const vector_batch *expected) {
    rv_writer body;
    RV_CHECK_STATUS(rv_log_append_begin(n->log, &body, &n->err), RV_OK);
    rv_record_context context = rv_batch_context(&expected->head, n->log);
    for (unsigned i = 0; i < expected->event_count; i += 1) {
        rv_record_write_event(&body, &context, &vector.events[expected->first_event + i]);
    }
    RV_CHECK(!body.full);
    const uint64_t chain =
        rv_log_append_commit(n->log, &expected->head, &body, expected->event_count);
    RV_CHECK_EQ(chain, expected->head.chain_hash);
    RV_CHECK_STATUS(rv_log_poll(n->log, &n->err), RV_OK);
}

RV_TEST(the_words_are_written_as_the_bytes) {
    load();
    RV_CHECK_PASSED();
    node n = {.options = vector_options};
    node_over_memory(&n, 1);
    rv_host_ops ops = *n.host.ops;
    ops.entropy = salt_entropy;
    n.host.ops = &ops;
    node_create(&n);
    twin_clear(&the_twin, true);
    RV_CHECK_STATUS(node_recover(&n, &the_twin), RV_END);
    rv_log_set_identity(n.log, &vector.identity);
    for (unsigned i = 0; i < vector.batch_count; i += 1) {
        append_vector_batch(&n, &vector.batches[i]);
        RV_CHECK_PASSED();
    }
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    static uint8_t met[sizeof vector.bytes];
    rv_io_result result;
    (void)n.host.ops->open(n.host.ctx, 1, vector.name, &result);
    RV_CHECK_STATUS(result.status, RV_OK);
    RV_CHECK_EQ(result.count, vector.size);
    (void)n.host.ops->read(n.host.ctx, 1, result.file, 0, met, sizeof met, &result);
    for (size_t i = 0; i < vector.size; i += 1) {
        if (met[i] != vector.bytes[i]) {
            fprintf(stderr, "byte %zu: ", i);
            RV_CHECK_EQ(met[i], vector.bytes[i]);
        }
    }
}

int main(void) {
    RV_RUN(the_bytes_are_read_as_the_words);
    RV_RUN(the_words_are_written_as_the_bytes);
    return rv_test_done();
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imports a log into a root over the memory platform and prints what came of it, for comparison
 * between builds: clock and entropy are fixed, so that all of it is the same everywhere.
 *
 *     loan_hash <INPUT      the schema's text, a zero byte, then events, a JSON object a line
 *     position 262201
 *     schema_hash 32 hexadecimal digits
 *     state_hash 32 hexadecimal digits
 *     log_hash 16 hexadecimal digits, over the names and bytes of all files
 *
 * Then the node is opened anew from the files: it must come to the same state.
 */
#include "core/base/hash.h"
#include "core/engine.h"
#include "core/model/json.h"
#include "platform/memory/memory.h"

#include <stdio.h>
#include <stdlib.h>

#define NODE_MEMORY_SIZE ((size_t)128 << 20)
#define HOST_MEMORY_SIZE ((size_t)96 << 20)
#define INPUT_SIZE       ((size_t)4 << 20)
#define BATCH            1000
#define POLLS_MAX        100000

typedef struct input {
    uint8_t *bytes;
    size_t start;
    size_t len;
} input;

static void fail(const char *what, const rv_error *err) {
    fprintf(stderr, "loan_hash: %s%s%s\n", what, err == NULL ? "" : ": ",
            err == NULL ? "" : err->detail);
    exit(1);
}

/* The bytes up to the next `end`; they stay until as many bytes as there is room for are read. */
static bool input_next(input *in, uint8_t end, rv_bytes *found) {
    for (;;) {
        const uint8_t *const from = in->bytes + in->start;
        const uint8_t *const at =
            in->len > in->start ? memchr(from, end, in->len - in->start) : NULL;
        if (at != NULL) {
            *found = rv_bytes_of(from, (size_t)(at - from));
            in->start += found->len + 1;
            return true;
        }
        if (in->len == INPUT_SIZE) {
            return false;
        }
        const size_t got = fread(in->bytes + in->len, 1, INPUT_SIZE - in->len, stdin);
        if (got == 0) {
            return false;
        }
        in->len += got;
    }
}

static void input_compact(input *in) {
    memmove(in->bytes, in->bytes + in->start, in->len - in->start);
    in->len -= in->start;
    in->start = 0;
}

static rv_append event_of(rv_bytes line) {
    rv_json json = rv_json_over(line, NULL);
    rv_json_token token, value;
    rv_append event = {.path = {NULL, 0}};
    if (rv_json_next(&json, &token, NULL) != RV_OK) {
        fail("a malformed line", NULL);
    }
    while (rv_json_next(&json, &token, NULL) == RV_OK && token.kind == RV_JSON_KEY) {
        rv_bytes whole = {NULL, 0};
        if (rv_json_next(&json, &value, NULL) != RV_OK ||
            rv_json_skip(&json, &value, &whole, NULL) != RV_OK) {
            fail("a malformed line", NULL);
        }
        if (rv_bytes_are(token.text, "stream")) {
            event.path = value.text;
        } else if (rv_bytes_are(token.text, "type")) {
            event.type = value.text;
        } else {
            event.data = whole;
        }
    }
    return event;
}

static void poll_node(rv_node *node) {
    rv_error err;
    if (rv_node_poll(node, &err) != RV_OK) {
        fail("the node failed", &err);
    }
}

static rv_node *open_node(rv_memory_host *host, void *memory) {
    const rv_node_options options = {.host = rv_memory_host_interface(host),
                                     .memory = memory,
                                     .memory_size = NODE_MEMORY_SIZE,
                                     .role = RV_ROLE_ROOT};
    rv_error err;
    rv_node *node = NULL;
    if (rv_node_create(&node, &options, &err) != RV_OK) {
        fail("cannot create the node", &err);
    }
    rv_status status = RV_PENDING;
    for (int i = 0; i < POLLS_MAX && status == RV_PENDING; i += 1) {
        status = rv_node_open(node, &err);
        poll_node(node);
    }
    if (status != RV_OK) {
        fail("cannot open the node", &err);
    }
    return node;
}

static void close_node(rv_node *node) {
    rv_error err;
    rv_status status = RV_PENDING;
    for (int i = 0; i < POLLS_MAX && status == RV_PENDING; i += 1) {
        status = rv_node_close(node, &err);
        poll_node(node);
    }
    if (status != RV_END) {
        fail("cannot close the node", &err);
    }
}

static void apply_schema(rv_node *node, rv_bytes text) {
    rv_error err;
    rv_event event;
    rv_status status = RV_PENDING;
    for (int i = 0; i < POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        status = rv_node_schema_apply(node, text, &event, &err);
        poll_node(node);
    }
    if (status != RV_OK) {
        fail("the schema was refused", &err);
    }
}

static void append(rv_node *node, const rv_append *events, size_t count) {
    static rv_event results[BATCH];
    rv_error err;
    rv_status status = RV_PENDING;
    for (int i = 0; i < POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        status = rv_node_append(node, events, count, results, &err);
        poll_node(node);
    }
    if (status != RV_OK) {
        fail("events were refused", &err);
    }
}

static void append_all(rv_node *node, input *in) {
    static rv_append batch[BATCH];
    size_t count = 0;
    rv_bytes line;
    while (input_next(in, '\n', &line)) {
        batch[count] = event_of(line);
        count += 1;
        if (count == BATCH) {
            append(node, batch, count);
            count = 0;
            input_compact(in);
        }
    }
    if (in->start != in->len) {
        fail("the input ends within a line", NULL);
    }
    if (count > 0) {
        append(node, batch, count);
    }
}

static void print_hash(const char *name, rv_hash128 hash) {
    printf("%s %016llx%016llx\n", name, (unsigned long long)hash.high,
           (unsigned long long)hash.low);
}

/* Folds a file into a hash. The memory host ends every operation at once. */
static uint64_t file_hash(rv_host host, const rv_file_name *name, uint64_t hash) {
    static uint8_t piece[1 << 16];
    rv_io_result opened = {.count = 0};
    rv_io_result got = {.count = 1};
    if (host.ops->open(host.ctx, 0, name->text, &opened) != RV_IO_DONE || opened.status != RV_OK) {
        fail("a file cannot be opened", NULL);
    }
    hash = rv_hash64(hash, rv_bytes_of_string(name->text));
    for (uint64_t at = 0; got.count > 0; at += got.count) {
        const rv_io io = host.ops->read(host.ctx, 0, opened.file, at, piece, sizeof piece, &got);
        if (io != RV_IO_DONE || got.status != RV_OK) {
            fail("a file cannot be read", NULL);
        }
        hash = rv_hash64(hash, rv_bytes_of(piece, (size_t)got.count));
    }
    host.ops->close(host.ctx, opened.file);
    return hash;
}

static uint64_t log_hash(rv_host host) {
    static rv_file_name names[256];
    rv_io_result listed = {.count = 0};
    const rv_io io = host.ops->list(host.ctx, 0, names, sizeof names / sizeof names[0], &listed);
    if (io != RV_IO_DONE || listed.status != RV_OK ||
        listed.count > sizeof names / sizeof names[0]) {
        fail("the files cannot be listed", NULL);
    }
    uint64_t hash = 0;
    for (size_t i = 0; i < listed.count; i += 1) {
        hash = file_hash(host, &names[i], hash);
    }
    return hash;
}

int main(void) {
    input in = {.bytes = malloc(INPUT_SIZE)};
    void *const node_memory = malloc(NODE_MEMORY_SIZE);
    void *const host_memory = malloc(HOST_MEMORY_SIZE);
    const rv_memory_host_options options = {.seed = 1, .now = INT64_C(1700000000000000)};
    rv_memory_host *const host =
        host_memory == NULL ? NULL : rv_memory_host_create(host_memory, HOST_MEMORY_SIZE, &options);
    rv_bytes schema = {NULL, 0};
    if (in.bytes == NULL || node_memory == NULL || host == NULL || !input_next(&in, 0, &schema)) {
        fail("no memory, or no schema", NULL);
    }
    rv_node *node = open_node(host, node_memory);
    apply_schema(node, schema);
    append_all(node, &in);
    const rv_hash128 hash = rv_node_state_hash(node);
    printf("position %llu\n", (unsigned long long)rv_node_watermark(node));
    print_hash("schema_hash", rv_schema_hash(rv_node_schema(node)));
    print_hash("state_hash", hash);
    close_node(node);
    const uint64_t files = log_hash(rv_memory_host_interface(host));
    printf("log_hash %016llx\n", (unsigned long long)files);
    rv_memory_host_reopen(host);
    node = open_node(host, node_memory);
    const rv_hash128 again = rv_node_state_hash(node);
    if (again.low != hash.low || again.high != hash.high) {
        fail("the state after opening again differs", NULL);
    }
    close_node(node);
    free(node_memory);
    free(host_memory);
    free(in.bytes);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet append`. */
#include "cli/cli.h"
#include "cli/json_text.h"

#include <stdio.h>

static rv_bytes optional(const char *text) {
    return text == NULL ? (rv_bytes){0} : rv_bytes_of_string(text);
}

/* It waits in the outbox of an edge. */
static void show_waiting(rv_bytes body) {
    rv_bytes path;
    rv_bytes id;
    rv_bytes sequence;
    rv_bytes unchecked;
    rv_json_text_member(body, "path", &path);
    rv_json_text_member(body, "event_id", &id);
    rv_json_text_member(body, "edge_sequence", &sequence);
    rv_json_text_member(body, "unchecked", &unchecked);
    printf("%.*s waits for the root's decision%s; batch %.*s, event %.*s\n", (int)path.len,
           (const char *)path.ptr,
           rv_bytes_are(unchecked, "true") ? ", which has to check what this edge cannot" : "",
           (int)sequence.len, (const char *)sequence.ptr, (int)id.len, (const char *)id.ptr);
}

static void show(rv_bytes body) {
    rv_bytes position;
    rv_bytes version;
    rv_bytes path;
    rv_bytes id;
    rv_json_text_member(body, "position", &position);
    if (rv_bytes_are(position, "null")) {
        show_waiting(body);
        return;
    }
    rv_json_text_member(body, "version", &version);
    rv_json_text_member(body, "path", &path);
    rv_json_text_member(body, "event_id", &id);
    printf("%.*s is at version %.*s; position %.*s, event %.*s\n", (int)path.len,
           (const char *)path.ptr, (int)version.len, (const char *)version.ptr, (int)position.len,
           (const char *)position.ptr, (int)id.len, (const char *)id.ptr);
}

int rv_command_append(rv_cli *cli) {
    RV_ASSERT(cli->arg_count == 3);
    const char *const path = cli->args[0];
    const char *const type = cli->args[1];
    if (!rv_cli_header_safe(type) || !rv_cli_header_safe(cli->metadata) ||
        !rv_cli_header_safe(cli->event_id) || !rv_cli_header_safe(cli->expected_version) ||
        !rv_cli_header_safe(cli->durability)) {
        return rv_cli_usage(cli, "%s", "type and options are one line of text each");
    }
    if (type[0] == '\0' || path[0] == '\0') {
        return rv_cli_usage(cli, "%s", "neither path nor type can be empty");
    }
    rv_cli_buffer target = {0};
    rv_cli_buffer data = {0};
    rv_cli_buffer body = {0};
    rv_cli_buffer_add_text(&target, path[0] == '/' ? "/streams" : "/streams/");
    rv_cli_buffer_add_url(&target, path, "/%");
    int code = RV_EXIT_OK;
    if (strcmp(cli->args[2], "-") == 0) {
        code = rv_cli_read_file(cli, "-", &data);
    } else {
        rv_cli_buffer_add_text(&data, cli->args[2]);
    }
    if (code == RV_EXIT_OK) {
        const rv_request request = {
            .method = RV_LITERAL("POST"),
            .target = rv_cli_buffer_bytes(&target),
            .content_type = RV_LITERAL("application/json"),
            .event_type = rv_bytes_of_string(type),
            .expected_version = optional(cli->expected_version),
            .idempotency_key = optional(cli->event_id),
            .metadata = optional(cli->metadata),
            .durability = optional(cli->durability),
            .body = rv_cli_buffer_bytes(&data),
        };
        code = rv_cli_ask(cli, &request, &body);
    }
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(body.ptr, 1, body.len, stdout);
    } else if (code == RV_EXIT_OK) {
        show(rv_cli_buffer_bytes(&body));
    }
    rv_cli_buffer_free(&target);
    rv_cli_buffer_free(&data);
    rv_cli_buffer_free(&body);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE TYPE name AS ENUM ('label', …). Labels are unique, not empty, and as long as a name may
 * be; their order is the order of the values.
 */
#include "core/base/assert.h"
#include "core/model/schema_parse.h"

/* True when a bare `name` would be read as a built-in type, so that no enum can have it. */
static bool is_builtin(rv_schema_parser *p, rv_bytes name) {
    RV_ASSERT(name.len > 0);
    rv_lexer lexer;
    rv_type type;
    const rv_status status = rv_lexer_start(&lexer, name, p->arena, NULL);
    return status == RV_OK && lexer.token.end == name.len && lexer.token.kind == RV_TOKEN_NAME &&
           rv_type_parse(&lexer, (rv_enum_list){NULL, 0}, &type, NULL) != RV_SCHEMA_UNKNOWN_NAME;
}

static rv_status parse_label(rv_schema_parser *p, const rv_bytes *labels, uint32_t count) {
    const rv_token token = p->lexer.token;
    if (token.kind != RV_TOKEN_STRING) {
        return rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX, "a label in single quotes", p->err);
    }
    if (token.text.len == 0) {
        return rv_lexer_error(&p->lexer, RV_SCHEMA_INVALID, "a label that is not empty", p->err);
    }
    if (token.text.len > RV_NAME_LEN_MAX) {
        return rv_schema_fail_limit(p, &token, "bytes in a label", RV_NAME_LEN_MAX);
    }
    if (count == RV_LABELS_MAX) {
        return rv_schema_fail_limit(p, &token, "labels in one enum", RV_LABELS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rv_bytes_equal(labels[i], token.text)) {
            return rv_schema_fail_duplicate(p, &token, "the label");
        }
    }
    RV_ASSERT(count < RV_LABELS_MAX);
    return rv_schema_skip(p);
}

static rv_status add_enum(rv_schema_parser *p, rv_bytes name, const rv_bytes *labels,
                          uint32_t count) {
    RV_ASSERT(count > 0);
    rv_enum *made = (rv_enum *)rv_arena_take(p->arena, sizeof *made);
    rv_bytes *kept = (rv_bytes *)rv_arena_take(p->arena, count * sizeof *kept);
    if (made == NULL || kept == NULL) {
        return rv_schema_fail_memory(p);
    }
    memcpy(kept, labels, count * sizeof *kept);
    *made = (rv_enum){.name = name, .labels = kept, .label_count = count};
    const uint16_t number = rv_schema_names_add(&p->schema->enum_names, name);
    RV_ASSERT(number < RV_ENUMS_MAX);
    p->schema->enums[number] = made;
    return RV_OK;
}

rv_status rv_schema_parse_enum(rv_schema_parser *p) {
    rv_token name;
    rv_status status = rv_schema_expect_name(p, "the type's name", &name);
    if (status == RV_OK && rv_schema_names_find(&p->schema->enum_names, name.text) != RV_NONE) {
        status = rv_schema_fail_duplicate(p, &name, "a type");
    }
    if (status == RV_OK && is_builtin(p, name.text)) {
        status = rv_schema_fail_duplicate(p, &name, "a built-in type");
    }
    if (status == RV_OK && p->schema->enum_names.count == RV_ENUMS_MAX) {
        status = rv_schema_fail_limit(p, &name, "enums in a schema", RV_ENUMS_MAX);
    }
    if (status == RV_OK) {
        status = rv_schema_expect(p, "as", "AS ENUM");
    }
    if (status == RV_OK) {
        status = rv_schema_expect(p, "enum", "ENUM");
    }
    if (status == RV_OK) {
        status = rv_schema_expect(p, "(", "`(`");
    }
    if (status != RV_OK) {
        return status;
    }
    rv_bytes *labels = (rv_bytes *)rv_schema_temp(p, RV_LABELS_MAX * sizeof *labels);
    if (labels == NULL) {
        return rv_schema_fail_memory(p);
    }
    uint32_t count = 0;
    bool end = false;
    while (status == RV_OK && !end) { /* ends: each round reads a label */
        const rv_bytes label = p->lexer.token.text;
        status = parse_label(p, labels, count);
        if (status == RV_OK) {
            labels[count++] = label;
            status = rv_schema_expect_separator(p, "`,` or `)`", &end);
        }
    }
    RV_ASSERT(count <= RV_LABELS_MAX);
    return status == RV_OK ? add_enum(p, name.text, labels, count) : status;
}

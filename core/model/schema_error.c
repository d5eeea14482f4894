/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of a schema text that are about meaning. Those about the current token are the lexer's
 * (rv_lexer_error); these are about one met earlier, because whether a binding makes sense is known
 * only when the whole statement has been read. Both look the same to people and programs:
 *
 *     line 3, column 23: there is no aggregate `acount`; did you mean `account`?
 *     "line":3,"column":23,"met":"acount","expected":"account"
 */
#include "core/base/assert.h"
#include "core/model/schema_parse.h"

rv_status rv_schema_fail(rv_schema_parser *p, rv_status status, const rv_token *at,
                         const char *format, const rv_bytes names[3]) {
    RV_ASSERT(status != RV_OK && at != NULL);
    rv_error what;
    (void)rv_error_set(&what, status, format, &names[0], &names[1], &names[2]);
    const rv_bytes detail = rv_error_detail(&what);
    (void)rv_error_set(p->err, status, "line %u, column %u: %b", (uint64_t)at->line,
                       (uint64_t)at->column, &detail);
    rv_error_fact_uint(p->err, "line", at->line);
    rv_error_fact_uint(p->err, "column", at->column);
    rv_error_fact_text(p->err, "met", at->text);
    return status;
}

rv_status rv_schema_fail_unknown(rv_schema_parser *p, const rv_token *at, const char *what,
                                 rv_bytes owner, const rv_nearest *nearest) {
    RV_ASSERT(what != NULL && nearest != NULL);
    const bool owned = owner.len > 0;
    const bool near = nearest->best.len > 0;
    const char *format =
        owned  ? near ? "`%b` has no %b `%b`; did you mean `%b`?" : "`%b` has no %b `%b`"
        : near ? "there is no %b `%b`; did you mean `%b`?"
               : "there is no %b `%b`";
    const rv_bytes kind = rv_bytes_of_string(what);
    rv_error text;
    if (owned) {
        (void)rv_error_set(&text, RV_SCHEMA_UNKNOWN_NAME, format, &owner, &kind, &at->text,
                           &nearest->best);
    } else {
        (void)rv_error_set(&text, RV_SCHEMA_UNKNOWN_NAME, format, &kind, &at->text, &nearest->best);
    }
    (void)rv_schema_fail(p, RV_SCHEMA_UNKNOWN_NAME, at, "%b",
                         (rv_bytes[3]){rv_error_detail(&text)});
    if (near) {
        rv_error_fact_text(p->err, "expected", nearest->best);
    }
    return RV_SCHEMA_UNKNOWN_NAME;
}

rv_status rv_schema_fail_limit(rv_schema_parser *p, const rv_token *at, const char *what,
                               uint64_t limit) {
    RV_ASSERT(limit > 0);
    rv_error text;
    (void)rv_error_set(&text, RV_SCHEMA_TOO_LARGE, "more than %u %s", limit, what);
    (void)rv_schema_fail(p, RV_SCHEMA_TOO_LARGE, at, "%b", (rv_bytes[3]){rv_error_detail(&text)});
    rv_error_fact_uint(p->err, "limit", limit);
    return RV_SCHEMA_TOO_LARGE;
}

rv_status rv_schema_fail_duplicate(rv_schema_parser *p, const rv_token *at, const char *what) {
    RV_ASSERT(what != NULL);
    return rv_schema_fail(p, RV_SCHEMA_DUPLICATE, at, "there is already %b `%b`",
                          (rv_bytes[3]){rv_bytes_of_string(what), at->text});
}

rv_status rv_schema_fail_listed(rv_schema_parser *p, const rv_token *at) {
    RV_ASSERT(at != NULL);
    return rv_schema_fail(p, RV_SCHEMA_DUPLICATE, at, "`%b` is in this list already",
                          (rv_bytes[3]){at->text});
}

rv_status rv_schema_fail_memory(rv_schema_parser *p) {
    RV_ASSERT(p != NULL);
    return rv_error_set(p->err, RV_MEMORY_EXHAUSTED, "the schema's memory is used up");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: expressions nobody thought of compute what they should, and texts that are none do no harm.
 * Method: random expressions over small numbers and truths, built together with the result that a
 * naive evaluator of three-valued logic and checked arithmetic gives; random sequences of tokens.
 */
#include "tests/unit/model/expr_row.h"

/* --- a naive twin: random trees over small integers and truths --- */

typedef struct node {
    char text[2048];
    int64_t value; /* a truth is 0 or 1 */
    bool null;
    bool failed; /* overflow or division by zero */
    bool truth;
} node;

static node leaf(uint64_t *seed) {
    static const struct {
        const char *text;
        int64_t value;
        bool null;
        bool truth;
    } leaves[] = {
        {"i", 7, false, false},  {"j", -3, false, false}, {"z", 0, false, false},
        {"n", 0, true, false},   {"y", 1, false, true},   {"f", 0, false, true},
        {"u", 0, true, true},    {"2", 2, false, false},  {"2147483647", 2147483647, false, false},
        {"true", 1, false, true}};
    const size_t at = (size_t)(rv_test_random(seed) % (sizeof leaves / sizeof leaves[0]));
    node n = {.value = leaves[at].value, .null = leaves[at].null, .truth = leaves[at].truth};
    strcpy(n.text, leaves[at].text);
    return n;
}

static void apply(node *a, const node *b, unsigned op) {
    static const char *const symbols[] = {"+", "-",  "*", "/",  "%",   "=",  "<>",
                                          "<", "<=", ">", ">=", "and", "or", "is distinct from"};
    node r = {.truth = op >= 5};
    snprintf(r.text, sizeof r.text, "(%.900s) %s (%.900s)", a->text, symbols[op], b->text);
    const int64_t x = a->value;
    const int64_t y = b->value;
    if (op == 11 || op == 12) {
        const int64_t decides = op == 12;
        const bool left = !a->failed && !a->null && x == decides;
        r.failed = a->failed || (!left && b->failed);
        const bool right = !b->null && y == decides;
        r.null = !left && !right && (a->null || b->null);
        r.value = left || right ? decides : !decides;
    } else if (op == 13) {
        r.failed = a->failed || b->failed;
        r.value = a->null || b->null ? a->null != b->null : x != y;
    } else {
        r.failed = a->failed || b->failed;
        r.null = a->null || b->null;
        if (!r.null && !r.failed) {
            r.failed = (op == 3 || op == 4) && y == 0;
            const int64_t divisor = y == 0 ? 1 : y;
            const int64_t outcomes[] = {x + y,       x - y,  x * y,  x / divisor,
                                        x % divisor, x == y, x != y, x<y, x <= y, x> y,
                                        x >= y};
            r.value = outcomes[op];
            r.failed = r.failed || r.value > INT32_MAX || r.value < INT32_MIN;
        }
    }
    *a = r;
}

RV_TEST(random_expressions_agree_with_a_naive_twin) {
    static node stack[8];
    uint64_t seed = 42;
    for (size_t round = 0; round < RV_TEST_ROUNDS(20000); round++) {
        size_t depth = 0;
        const size_t steps = 1 + (size_t)(rv_test_random(&seed) % 12);
        for (size_t step = 0; step < steps && strlen(stack[0].text) < 800; step++) {
            if (depth < 2 || rv_test_random(&seed) % 2 == 0) {
                if (depth < 8) {
                    stack[depth++] = leaf(&seed);
                }
            } else if (stack[depth - 1].truth == stack[depth - 2].truth) {
                const bool truth = stack[depth - 1].truth;
                const unsigned op = truth ? 5 + (unsigned)(rv_test_random(&seed) % 9)
                                          : (unsigned)(rv_test_random(&seed) % 11);
                apply(&stack[depth - 2], &stack[depth - 1], op);
                depth--;
            }
        }
        uint8_t out[64];
        rv_writer w = rv_writer_over(out, sizeof out);
        rv_expr expr;
        rv_error err;
        const node *n = &stack[0];
        const rv_status status = run(n->text, NULL, &expr, &w, &err);
        if ((status != RV_OK) != n->failed) {
            fprintf(stderr, "`%s`\n", n->text);
        }
        RV_CHECK_EQ(status != RV_OK, n->failed);
        if (status == RV_OK) {
            char wanted[32];
            snprintf(wanted, sizeof wanted, "%" PRId64, n->value);
            const char *truth = n->value != 0 ? "t" : "f";
            RV_CHECK_TEXT(rv_writer_bytes(&w), n->null ? "NULL" : n->truth ? truth : wanted);
        }
    }
}

RV_TEST(random_tokens_do_no_harm) {
    static const char *const words[] = {"i",
                                        "t",
                                        "p",
                                        "d",
                                        "y",
                                        "null",
                                        "true",
                                        "'a'",
                                        "'5'",
                                        "1",
                                        "2.5",
                                        "(",
                                        ")",
                                        ",",
                                        "+",
                                        "-",
                                        "*",
                                        "/",
                                        "=",
                                        "<",
                                        "and",
                                        "or",
                                        "not",
                                        "is",
                                        "in",
                                        "between",
                                        "like",
                                        "case",
                                        "when",
                                        "then",
                                        "else",
                                        "end",
                                        "cast",
                                        "as",
                                        "integer",
                                        "::",
                                        "text",
                                        "coalesce(",
                                        "greatest(",
                                        "abs(",
                                        "substr(",
                                        "round(",
                                        "nullif(",
                                        "||",
                                        "distinct",
                                        "from",
                                        "numeric(5,2)",
                                        "now()"};
    uint64_t seed = 3;
    for (size_t round = 0; round < RV_TEST_ROUNDS(200000); round++) {
        char text[512];
        size_t len = 0;
        const size_t count = 1 + (size_t)(rv_test_random(&seed) % 14);
        for (size_t i = 0; i < count; i++) {
            const char *word = words[rv_test_random(&seed) % (sizeof words / sizeof words[0])];
            len += (size_t)snprintf(text + len, sizeof text - len, "%s ", word);
        }
        uint8_t out[512];
        rv_writer w = rv_writer_over(out, sizeof out);
        rv_expr expr;
        rv_error err;
        const rv_status status = run(text, NULL, &expr, &w, &err);
        RV_CHECK(status != RV_PENDING && status < RV_STATUS_COUNT);
    }
}

int main(void) {
    RV_RUN(random_expressions_agree_with_a_naive_twin);
    RV_RUN(random_tokens_do_no_harm);
    return rv_test_done();
}

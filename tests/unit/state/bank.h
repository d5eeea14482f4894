/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the state share: a schema with every kind of touch and action, and a state to fold
 * into. */
#ifndef RV_TESTS_STATE_BANK_H
#define RV_TESTS_STATE_BANK_H

#include "core/state/state.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static const char bank_schema[] =
    "CREATE TYPE plan AS ENUM ('free', 'team', 'enterprise');"
    "CREATE AGGREGATE account ("
    "  id SERIAL PRIMARY KEY, name varchar(40) NOT NULL, plan plan NOT NULL DEFAULT 'free',"
    "  balance numeric(12,2) NOT NULL DEFAULT 0 CHECK (balance >= 0), level smallint DEFAULT 5,"
    "  note text, opened timestamptz NOT NULL DEFAULT now(), vip boolean, day date,"
    "  CHECK (level is null or level < 30000 or vip),"
    "  INDEX (plan, day), INDEX (note), INDEX (balance, opened, id), INDEX (level, note));"
    "CREATE AGGREGATE contact ("
    "  id text PRIMARY KEY, account_id REFERENCES account(id), parent REFERENCES contact(id),"
    "  age integer CHECK (age < 200), tag uuid, code char(3) DEFAULT 'abc',"
    "  UNIQUE (account_id, age), INDEX (tag), INDEX (code, parent));"
    "CREATE SHARED AGGREGATE counter (id bigint PRIMARY KEY, n integer NOT NULL DEFAULT 0,"
    "  total numeric(18,0), last text UNIQUE);"
    "CREATE EVENT_TYPE opened (id creates account(id), name updates account(name),"
    "  plan updates account(plan), day updates account(day), note updates account(note),"
    "  cents numeric(12,2) increments account(balance));"
    "CREATE EVENT_TYPE opened_with (contact creates contact(id),"
    "  id creates account(id) updates contact(account_id), name updates account(name),"
    "  age updates contact(age), tag updates contact(tag));"
    "CREATE EVENT_TYPE contact_added (contact creates contact(id),"
    "  account updates contact(account_id), parent updates contact(parent),"
    "  code updates contact(code), near references account(id));"
    "CREATE EVENT_TYPE contact_changed (contact references contact(id),"
    "  account updates contact(account_id), parent updates contact(parent),"
    "  age updates contact(age));"
    "CREATE EVENT_TYPE noted (id references account(id), note updates account(note),"
    "  level updates account(level), vip updates account(vip));"
    "CREATE EVENT_TYPE paid (from_id references account(id), to_id references account(id),"
    "  amount numeric(12,2) decrements account(balance) VIA from_id"
    "    increments account(balance) VIA to_id,"
    "  up smallint increments account(level) VIA from_id);"
    "CREATE EVENT_TYPE computed (id references account(id),"
    "  by integer updates account(level) = (account.level / by)"
    "    updates account(note) = (coalesce(account.note, '') || name),"
    "  name text updates account(name) = (name));"
    "CREATE EVENT_TYPE counted (id creates counter(id), n increments counter(n),"
    "  total updates counter(total), last updates counter(last));"
    "CREATE EVENT_TYPE counted_on (id references counter(id), n increments counter(n),"
    "  total numeric(18,0) decrements counter(total), last updates counter(last));"
    "CREATE EVENT_TYPE closed (id deletes account(id));"
    "CREATE EVENT_TYPE contact_dropped (contact deletes contact(id), other deletes contact(id));"
    "CREATE EVENT_TYPE counter_dropped (id deletes counter(id));"
    "CREATE STREAM some (path \"/s/{id}\", event_types (opened, noted, computed, closed));";

/* Memory of one schema or state. */
typedef struct bank_memory {
    void *memory;
    rv_arena arena;
} bank_memory;

static inline bool bank_take(bank_memory *m, size_t size) {
    m->memory = malloc(size);
    m->arena = rv_arena_over(m->memory, size);
    return m->memory != NULL;
}

static inline const rv_schema *bank_schema_make(bank_memory *m) {
    rv_schema *schema = NULL;
    rv_error err = {0};
    if (!bank_take(m, 4u << 20) || rv_schema_create(&schema, &m->arena, &err) != RV_OK ||
        rv_schema_apply(schema, rv_bytes_of_string(bank_schema), &err) != RV_OK) {
        fprintf(stderr, "%s\n", err.detail);
        return NULL;
    }
    return schema;
}

static inline rv_state *bank_state_make(bank_memory *m, const rv_schema *schema, uint64_t key,
                                        size_t page_memory, size_t journal_memory) {
    rv_state *state = NULL;
    const rv_state_options options = {schema, key, page_memory, journal_memory, 0};
    if (!bank_take(m, page_memory + page_memory / 256 + journal_memory + 4096) ||
        rv_state_create(&state, &options, &m->arena, NULL) != RV_OK) {
        return NULL;
    }
    return state;
}

static inline bool bank_same(rv_hash128 a, rv_hash128 b) {
    return a.low == b.low && a.high == b.high;
}

#endif

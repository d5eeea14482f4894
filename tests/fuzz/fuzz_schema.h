/* SPDX-License-Identifier: Apache-2.0 */
/* The schema that targets share: every type, every binding, serials, shared rows, indexes. */
#ifndef RV_TESTS_FUZZ_SCHEMA_H
#define RV_TESTS_FUZZ_SCHEMA_H

static const char fuzz_schema[] =
    "CREATE TYPE plan AS ENUM ('free', 'team');"
    "CREATE AGGREGATE account (id SERIAL PRIMARY KEY, name varchar(10) NOT NULL,"
    " plan plan NOT NULL DEFAULT 'free', balance numeric(12,2) NOT NULL DEFAULT 0"
    " CHECK (balance >= 0), moves integer NOT NULL DEFAULT 0, seen timestamptz DEFAULT now(),"
    " UNIQUE (name, moves), INDEX (plan, balance), INDEX (seen));"
    "CREATE AGGREGATE thing (id text PRIMARY KEY, a smallint, b bigint,"
    " e boolean, f char(3), g bytea, h date, i time, j timestamp, k uuid, l numeric(18,6),"
    " m text[], n plan[], o json, p jsonb,"
    " account_id references account(id),"
    " UNIQUE (b, f), INDEX (account_id, id), INDEX (g, m), INDEX (l, h));"
    "CREATE SHARED AGGREGATE pot (id bigint PRIMARY KEY, total bigint NOT NULL DEFAULT 0,"
    " INDEX (total));"
    "CREATE EVENT_TYPE opened (id creates account(id), name updates account(name),"
    " plan updates account(plan));"
    "CREATE EVENT_TYPE paid (id references account(id)"
    " updates account(moves) = (moves + 1), amount numeric(12,2) NOT NULL CHECK (amount > 0)"
    " increments account(balance));"
    "CREATE EVENT_TYPE drawn (id references account(id), amount numeric(12,2) NOT NULL"
    " decrements account(balance), seen updates account(seen));"
    "CREATE EVENT_TYPE closed (id deletes account(id));"
    "CREATE EVENT_TYPE made (thing_id creates thing(id), id references account(id)"
    " updates thing(account_id), a updates thing(a), b updates thing(b),"
    " e updates thing(e), f updates thing(f), g updates thing(g),"
    " h updates thing(h), i updates thing(i), j updates thing(j), k updates thing(k),"
    " l updates thing(l), m updates thing(m), n updates thing(n), o updates thing(o), p updates "
    "thing(p));"
    "CREATE EVENT_TYPE unmade (thing_id deletes thing(id), id references account(id));"
    "CREATE EVENT_TYPE pot_made (pot_id creates pot(id), box text NOT NULL);"
    "CREATE EVENT_TYPE moved (box text NOT NULL, from_id references pot(id),"
    " to_id references pot(id), amount bigint NOT NULL decrements pot(total) VIA from_id"
    " increments pot(total) VIA to_id, CHECK (from_id <> to_id));"
    "CREATE STREAM accounts (path \"/accounts/{id}\","
    " event_types (opened, paid, drawn, closed, made, unmade));"
    "CREATE STREAM boxes (path \"/boxes/{box}/pots\", event_types (pot_made, moved));";

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of schema_test.c's table of texts that are refused over the accounts' schema. */
// clang-format off
/* --- syntax --- */
{"", RV_SCHEMA_SYNTAX, 1, 1, "met `end of text`, expected CREATE"},
{"DROP AGGREGATE account;", RV_SCHEMA_SYNTAX, 1, 1, "met `DROP`, expected CREATE"},
{"CREATE TABLE t (id serial);", RV_SCHEMA_SYNTAX, 1, 8, "EVENT_TYPE or STREAM"},
{"CREATE SHARED TYPE t", RV_SCHEMA_SYNTAX, 1, 15, "expected AGGREGATE"},
{"CREATE AGGREGATE (id serial)", RV_SCHEMA_SYNTAX, 1, 18, "expected the aggregate's name"},
{"CREATE AGGREGATE a\n  id serial", RV_SCHEMA_SYNTAX, 2, 3, "met `id`, expected `(`"},
{"CREATE AGGREGATE a (id serial PRIMARY, b integer)", RV_SCHEMA_SYNTAX, 1, 38, "expected KEY"},
{"CREATE AGGREGATE a (id serial PRIMARY KEY b integer)", RV_SCHEMA_SYNTAX, 1, 43, "met `b`"},
{"CREATE AGGREGATE a (id serial PRIMARY KEY", RV_SCHEMA_SYNTAX, 1, 42, "`,` or `)`"},
{"CREATE AGGREGATE a ()", RV_SCHEMA_SYNTAX, 1, 21, "a column, PRIMARY KEY"},
{"CREATE AGGREGATE a (id, b integer)", RV_SCHEMA_SYNTAX, 1, 23, "a type or REFERENCES"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b integer DEFAULT NOT NULL)",
 RV_SCHEMA_SYNTAX, 1, 63, "expected"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b integer DEFAULT 1 2)",
 RV_SCHEMA_SYNTAX, 1, 65, "met `2`"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY CHECK id > 0)", RV_SCHEMA_SYNTAX, 1, 50,
 "expected `(`"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY CHECK (id > 0)", RV_SCHEMA_SYNTAX, 1, 58, "`)`"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY CHECK ((id > 0)", RV_SCHEMA_SYNTAX, 1, 59, "`)`"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY CHECK (id >))", RV_SCHEMA_SYNTAX, 1, 55, "met `)`"},
{"CREATE EVENT_TYPE e (\n  id references account(id)\n  name updates account(name)\n)",
 RV_SCHEMA_SYNTAX, 3, 3, "met `name`, expected NOT NULL, DEFAULT"},
{"CREATE EVENT_TYPE e (id references account id)", RV_SCHEMA_SYNTAX, 1, 44, "expected `(`"},
{"CREATE EVENT_TYPE e (id references account(id) VIA x)", RV_SCHEMA_INVALID, 1, 52,
 "`id` alone is the primary key of `account`"},
{"CREATE EVENT_TYPE e (id references account(id), n updates account(name) = 1)",
 RV_SCHEMA_SYNTAX, 1, 75, "expected `(`"},
{"CREATE EVENT_TYPE e (id, n text)", RV_SCHEMA_SYNTAX, 1, 24, "a type or a binding"},
{"CREATE STREAM s (path /a event_types (money_withdrawn))", RV_SCHEMA_SYNTAX, 1, 23, "a path"},
{"CREATE STREAM s (path \"/x/{id}\")", RV_SCHEMA_SYNTAX, 1, 32, "expected event_types"},
{"CREATE STREAM s (event_types (money_withdrawn))", RV_SCHEMA_SYNTAX, 1, 47, "expected path"},
{"CREATE STREAM s (paths \"/x\")", RV_SCHEMA_SYNTAX, 1, 18, "path, event_types or `)`"},
{"CREATE TYPE t AS ENUM (a, b)", RV_SCHEMA_SYNTAX, 1, 24, "a label in single quotes"},
{"CREATE TYPE t AS ENUM ()", RV_SCHEMA_SYNTAX, 1, 24, "a label in single quotes"},
{"CREATE TYPE t (x integer)", RV_SCHEMA_SYNTAX, 1, 15, "AS ENUM"},
{"CREATE AGGREGATE a (id integer 'x')", RV_SCHEMA_SYNTAX, 1, 32, "met `'x'`"},
{"CREATE TYPE t AS ENUM ('a", RV_SCHEMA_SYNTAX, 1, 24, "the string has no end"},
{"CREATE AGGREGATE a (/* x", RV_SCHEMA_SYNTAX, 1, 21, "the comment has no end"},
/* --- what PostgreSQL has and is not here --- */
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "CHECK (w ~ '^[A-Z]{3}$'))",
 RV_UNSUPPORTED, 1, 86, "there are no regular expressions"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "CHECK (w ~* 'a'))",
 RV_UNSUPPORTED, 1, 86, "there are no regular expressions"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "CHECK (w !~ 'a'))",
 RV_UNSUPPORTED, 1, 86, "there are no regular expressions"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "CHECK (w !~* 'a'))",
 RV_UNSUPPORTED, 1, 86, "there are no regular expressions"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "CHECK (substring(w from 'W.*') = w))",
 RV_UNSUPPORTED, 1, 101, "there are no regular expressions"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "CHECK (w = 'a' COLLATE \"C\"))",
 RV_UNSUPPORTED, 1, 92, "there is one collation"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "CHECK (t AT TIME ZONE 'UTC' > w))",
 RV_UNSUPPORTED, 1, 86, "all times are in UTC"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "CHECK (w = E'a'))",
 RV_UNSUPPORTED, 1, 88, "strings have no escapes"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "CHECK (w = $$a$$))",
 RV_UNSUPPORTED, 1, 88, "strings stand in single quotes"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "u timestamptz(3))",
 RV_UNSUPPORTED, 1, 90, "no precision: times have microseconds"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "u timestamp(0))",
 RV_UNSUPPORTED, 1, 88, "no precision"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, w text, j jsonb, t timestamptz, "
  "u time(0) without time zone)",
 RV_UNSUPPORTED, 1, 83, "no precision"},
/* --- names --- */
{"CREATE AGGREGATE sqlite_master (id serial PRIMARY KEY)", RV_SCHEMA_INVALID, 1, 18,
 "names that begin with sqlite_ are SQLite's own"},
{"CREATE AGGREGATE \"SQLite_x\" (id serial PRIMARY KEY)", RV_SCHEMA_INVALID, 1, 18,
 "`SQLite_x` could not be read in SQL"},
{"CREATE AGGREGATE account (id serial PRIMARY KEY)", RV_SCHEMA_DUPLICATE, 1, 18,
 "there is already an aggregate `account`"},
{"CREATE AGGREGATE ACCOUNT (id serial PRIMARY KEY)", RV_SCHEMA_DUPLICATE, 1, 18, "`account`"},
{"CREATE AGGREGATE a (id serial PRIMARY KEY, \"id\" text)", RV_SCHEMA_DUPLICATE, 1, 44,
 "a column `id`"},
{"CREATE EVENT_TYPE money_withdrawn (x text)", RV_SCHEMA_DUPLICATE, 1, 19, "an event type"},
{"CREATE EVENT_TYPE schema_changed (x text)", RV_SCHEMA_DUPLICATE, 1, 19, "the node's own"},
{"CREATE EVENT_TYPE e (x text, X text)", RV_SCHEMA_DUPLICATE, 1, 30, "a field `x`"},
{"CREATE STREAM account_events (path \"/x\" event_types (e))", RV_SCHEMA_DUPLICATE, 1, 15,
 "a stream"},
{"CREATE TYPE plan AS ENUM ('a')", RV_SCHEMA_DUPLICATE, 1, 13, "a type `plan`"},
{"CREATE TYPE text AS ENUM ('a')", RV_SCHEMA_DUPLICATE, 1, 13, "a built-in type"},
{"CREATE TYPE t AS ENUM ('a', 'b', 'a')", RV_SCHEMA_DUPLICATE, 1, 34, "the label `a`"},
{"CREATE TYPE t AS ENUM ('a', '')", RV_SCHEMA_INVALID, 1, 29, "not empty"},
{"CREATE STREAM s (path \"/x\" event_types (money_withdrawn, money_withdrawn))",
 RV_SCHEMA_DUPLICATE, 1, 58, "`money_withdrawn` is in this list already"},
{"CREATE AGGREGATE a (id plann PRIMARY KEY)", RV_SCHEMA_UNKNOWN_NAME, 1, 24, "a type"},
{"CREATE AGGREGATE a (id references acount(id) PRIMARY KEY)", RV_SCHEMA_UNKNOWN_NAME, 1, 35,
 "there is no aggregate `acount`; did you mean `account`?"},
{"CREATE AGGREGATE a (id serial PRIMARY KEY, b references account(ids))",
 RV_SCHEMA_UNKNOWN_NAME, 1, 65, "`account` has no column `ids`; did you mean `id`?"},
{"CREATE AGGREGATE a (id serial PRIMARY KEY, INDEX (id, b))", RV_SCHEMA_UNKNOWN_NAME, 1, 55,
 "`a` has no column `b`"},
{"CREATE AGGREGATE a (id serial, PRIMARY KEY (di))", RV_SCHEMA_UNKNOWN_NAME, 1, 45, "`di`"},
{"CREATE AGGREGATE a (id serial PRIMARY KEY, CHECK (balance > 0))", RV_SCHEMA_UNKNOWN_NAME, 1, 51,
 "balance"},
{"CREATE EVENT_TYPE e (id references order(id))", RV_SCHEMA_UNKNOWN_NAME, 1, 36,
 "no aggregate `order`"},
{"CREATE EVENT_TYPE e (id references account(id), x updates account(names))",
 RV_SCHEMA_UNKNOWN_NAME, 1, 67, "did you mean `name`?"},
{"CREATE EVENT_TYPE e (id references account(id), x updates account(name) VIA idd)",
 RV_SCHEMA_UNKNOWN_NAME, 1, 77, "`e` has no field `idd`; did you mean `id`?"},
{"CREATE STREAM s (path \"/x/{id}\" event_types (money_withdraw))", RV_SCHEMA_UNKNOWN_NAME, 1, 46,
 "did you mean `money_withdrawn`?"},
/* --- aggregates --- */
{"CREATE AGGREGATE a (id integer)", RV_SCHEMA_INVALID, 1, 18, "has no PRIMARY KEY"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b integer PRIMARY KEY)", RV_SCHEMA_INVALID, 1, 55,
 "more than one PRIMARY KEY"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, PRIMARY KEY (id))", RV_SCHEMA_INVALID, 1, 45,
 "more than one PRIMARY KEY"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY PRIMARY KEY)", RV_SCHEMA_INVALID, 1, 44, "one PRIM"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY NOT NULL NOT NULL)", RV_SCHEMA_INVALID, 1, 53,
 "one NOT NULL"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, n serial)", RV_SCHEMA_INVALID, 1, 47,
 "`n` is serial, which only a primary key can be"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY DEFAULT 1)", RV_SCHEMA_INVALID, 1, 44,
 "give the event's field a DEFAULT"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b references account(name))", RV_SCHEMA_INVALID, 1,
 66, "`name` is not the primary key of `account`; `id` is"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b text references account(id))", RV_SCHEMA_INVALID, 1,
 47, "`b` is text, but what it refers to is integer"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b integer NOT NULL DEFAULT NULL)", RV_SCHEMA_INVALID,
 1, 45, "its DEFAULT is NULL"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b plan DEFAULT 'gold')", RV_VALUE_INVALID, 1, 60,
 "gold"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b integer DEFAULT 1 / 0)", RV_DIVISION_BY_ZERO, 1, 45,
 "gives no value of its type"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b smallint DEFAULT 40000)", RV_VALUE_OUT_OF_RANGE, 1,
 45, "gives no value of its type"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b integer CHECK (b + 1))", RV_EXPRESSION_TYPE, 1, 62,
 "boolean"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, b varchar(0))", RV_SCHEMA_INVALID, 1, 56, "size"},
{"CREATE AGGREGATE a (x integer PRIMARY KEY, y integer, INDEX (y, x, y))", RV_SCHEMA_DUPLICATE, 1,
 68, "`y` is in this list already"},
{"CREATE AGGREGATE a (x integer PRIMARY KEY, y integer, INDEX (y), INDEX (y, x), INDEX (y))",
 RV_SCHEMA_DUPLICATE, 1, 80, "there is already an INDEX of these columns"},
{"CREATE AGGREGATE a (b1 integer PRIMARY KEY, b2 text, b3 text, b4 text, b5 text, b6 text,\n"
 " b7 text, b8 text, b9 text,\n INDEX (b1, b2, b3, b4, b5, b6, b7, b8, b9))",
 RV_SCHEMA_TOO_LARGE, 3, 41, "more than 8 columns in a constraint"},
{"CREATE AGGREGATE a (x integer PRIMARY KEY, y integer, INDEX ())", RV_SCHEMA_SYNTAX, 1, 62,
 "a column's name"},
{"CREATE AGGREGATE a (x integer, y integer, PRIMARY KEY (x, y), PRIMARY KEY (y))",
 RV_SCHEMA_INVALID, 1, 63, "one of several columns is PRIMARY KEY (a, b)"},
{"CREATE AGGREGATE a (x integer, y integer, PRIMARY KEY (x, z))", RV_SCHEMA_UNKNOWN_NAME, 1, 59,
 "`a` has no column `z`"},
{"CREATE AGGREGATE a (x integer, y integer, PRIMARY KEY (x, y, x))", RV_SCHEMA_DUPLICATE, 1, 62,
 "`x` is in this list already"},
{"CREATE AGGREGATE a (x serial, y integer, PRIMARY KEY (x, y))", RV_SCHEMA_INVALID, 1, 23,
 "`x` is serial, which only a primary key of one column can be"},
{"CREATE AGGREGATE a (x integer DEFAULT 1, y integer, PRIMARY KEY (x, y))", RV_SCHEMA_INVALID, 1,
 31, "give the event's field a DEFAULT"},
{"CREATE AGGREGATE a (x integer, y integer, PRIMARY KEY (x, y))\n"
 "CREATE AGGREGATE b (id integer PRIMARY KEY, x references a(x))", RV_SCHEMA_INVALID, 2, 58,
 "the primary key of `a` is (x, y): refer to all of it, by FOREIGN KEY"},
{"CREATE AGGREGATE a (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE AGGREGATE b (id integer PRIMARY KEY, x integer, FOREIGN KEY (id, x) REFERENCES a(x, z))",
 RV_SCHEMA_INVALID, 2, 92, "`z` is not in the primary key of `a`, which is (x, y)"},
{"CREATE AGGREGATE a (x integer, y integer, PRIMARY KEY (x, y))\n"
 "CREATE AGGREGATE b (id integer PRIMARY KEY, x text, FOREIGN KEY (id, x) REFERENCES a(x, y))",
 RV_SCHEMA_INVALID, 2, 47, "`x` is text, but what it refers to is integer"},
{"CREATE AGGREGATE a (x integer, y integer, PRIMARY KEY (x, y))\n"
 "CREATE AGGREGATE b (id integer PRIMARY KEY, x integer, FOREIGN KEY (id) REFERENCES a(x, y))",
 RV_SCHEMA_INVALID, 2, 89, "FOREIGN KEY names one column, and more than one of `a`"},
{"CREATE AGGREGATE a (x integer, y integer, PRIMARY KEY (x, y))\n"
 "CREATE AGGREGATE b (id integer PRIMARY KEY, x integer, FOREIGN KEY (id, x) REFERENCES a(x))",
 RV_SCHEMA_INVALID, 2, 56, "the primary key of `a` is (x, y): FOREIGN KEY and REFERENCES each"},
{"CREATE AGGREGATE b (id integer PRIMARY KEY, x integer, FOREIGN KEY (id, x) REFERENCES\n"
 " account(id, name))", RV_SCHEMA_INVALID, 1, 56, "the primary key of `account` is (id)"},
{"CREATE AGGREGATE b (id integer PRIMARY KEY, x references account(id),\n"
 " FOREIGN KEY (x) REFERENCES account(id))", RV_SCHEMA_INVALID, 2, 2,
 "`x` refers to a row of `account` already"},
{"CREATE AGGREGATE a (x integer, y integer, PRIMARY KEY (x, y), FOREIGN KEY (x, y) REFERENCES\n"
 " a(x, y), FOREIGN KEY (y, x) REFERENCES a(y, x))", RV_SCHEMA_DUPLICATE, 2, 11,
 "already this FOREIGN KEY"},
{"CREATE AGGREGATE b (id integer PRIMARY KEY, FOREIGN (id) REFERENCES account(id))",
 RV_SCHEMA_SYNTAX, 1, 53, "expected KEY"},
{"CREATE AGGREGATE b (id integer PRIMARY KEY, FOREIGN KEY (id) account(id))", RV_SCHEMA_SYNTAX, 1,
 62, "expected REFERENCES"},
{"CREATE AGGREGATE b (id integer PRIMARY KEY, FOREIGN KEY (id) REFERENCES acount(id))",
 RV_SCHEMA_UNKNOWN_NAME, 1, 73, "did you mean `account`?"},
{"CREATE AGGREGATE b (id integer PRIMARY KEY, FOREIGN KEY (di) REFERENCES account(id))",
 RV_SCHEMA_UNKNOWN_NAME, 1, 58, "`b` has no column `di`"},
{"CREATE AGGREGATE a (id uuid PRIMARY KEY, u uuid CHECK (u <> gen_random_uuid()))",
 RV_EXPRESSION_TYPE, 1, 76, "gen_random_uuid() gives another value each time"},
{"CREATE AGGREGATE a (id uuid PRIMARY KEY, u integer DEFAULT uuidv7())", RV_EXPRESSION_TYPE, 1, 67,
 "uuid"},
{"CREATE AGGREGATE a (id uuid PRIMARY KEY, u uuid DEFAULT uuidv7(1))", RV_EXPRESSION_TYPE, 1, 63,
 "uuidv7"},
/* --- bindings --- */
{"CREATE EVENT_TYPE e ()", RV_SCHEMA_SYNTAX, 1, 22, "a field's name or CHECK"},
{"CREATE EVENT_TYPE e (CHECK (true))", RV_SCHEMA_INVALID, 1, 19, "has no field"},
{"CREATE EVENT_TYPE e (id serial)", RV_SCHEMA_INVALID, 1, 25, "only the primary key"},
{"CREATE EVENT_TYPE e (x NOT NULL)", RV_SCHEMA_INVALID, 1, 22, "neither a type nor a binding"},
{"CREATE EVENT_TYPE e (x references account(name))", RV_SCHEMA_INVALID, 1, 43,
 "`name` is not the primary key of `account`; `id` is"},
{"CREATE EVENT_TYPE e (x references account(id), y integer updates account(id))",
 RV_SCHEMA_INVALID, 1, 74, "cannot be changed"},
{"CREATE EVENT_TYPE e (x text references account(id))", RV_SCHEMA_INVALID, 1, 48,
 "field `x` is text, which does not fit the column's type serial"},
{"CREATE EVENT_TYPE e (x references account(id), y integer updates account(name))",
 RV_SCHEMA_INVALID, 1, 74, "does not fit the column's type varchar(40)"},
{"CREATE EVENT_TYPE e (x references account(id), y increments account(name))", RV_SCHEMA_INVALID,
 1, 69, "only a number can be counted"},
{"CREATE EVENT_TYPE e (x references account(id), y text decrements account(balance))",
 RV_SCHEMA_INVALID, 1, 74, "does not fit the column's type numeric(12,2)"},
{"CREATE EVENT_TYPE e (name updates account(name))", RV_SCHEMA_INVALID, 1, 35,
 "no field of the event creates or references a row of `account`"},
{"CREATE EVENT_TYPE e (a references account(id), b references account(id),\n"
 " n updates account(name))",
 RV_SCHEMA_AMBIGUOUS, 2, 4, "say which one is meant: VIA a or VIA b"},
{"CREATE EVENT_TYPE e (a references account(id), b references account(id),\n"
 " n updates account(name) VIA n)",
 RV_SCHEMA_INVALID, 2, 30, "field `n` does not identify a row of `account`; VIA a or VIA b does"},
{"CREATE EVENT_TYPE e (a references account(id) deletes account(id))", RV_SCHEMA_INVALID, 1, 47,
 "identifies the row of `account` already"},
{"CREATE EVENT_TYPE e (a deletes account(id), n updates account(name))", RV_SCHEMA_INVALID, 1, 47,
 "the event deletes the row of `account`"},
{"CREATE EVENT_TYPE e (a references account(id), n updates account(name), m updates account(name))",
 RV_SCHEMA_AMBIGUOUS, 1, 91, "`account(name)` is changed by field `n` already"},
{"CREATE EVENT_TYPE e (a references account(id), n increments account(balance)\n"
 "  updates account(balance) = (1))",
 RV_SCHEMA_AMBIGUOUS, 2, 19, "is changed by field `n` already"},
{"CREATE EVENT_TYPE e (id creates account(id), b updates account(balance))", RV_SCHEMA_INVALID, 1,
 22, "without column `name`, which is NOT NULL and has no DEFAULT"},
{"CREATE EVENT_TYPE e (id references account(id), n updates account(plan) = (balance))",
 RV_EXPRESSION_TYPE, 1, 76, ""},
{"CREATE EVENT_TYPE e (id references account(id), n updates account(name) = (nam))",
 RV_SCHEMA_UNKNOWN_NAME, 1, 76, "nam"},
{"CREATE EVENT_TYPE e (id references account(id), p varchar(3) updates account(plan))",
 RV_SCHEMA_INVALID, 1, 78, "does not fit the column's type plan"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, c varchar(9) DEFAULT 'default')\n"
 "CREATE EVENT_TYPE e (id creates a(id), c varchar(3) updates a(c))",
 RV_VALUE_TOO_LONG, 2, 40, "give it one of its own"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x))", RV_SCHEMA_INVALID, 2, 24,
 "`x` alone does not identify a row of `k`: `y` is in its primary key, too"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a creates k(x), b references k(y))", RV_SCHEMA_INVALID, 2, 24,
 "`y` is in its primary key, too, and needs a field with the same binding"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(z))", RV_SCHEMA_INVALID, 2, 37,
 "`z` is not in the primary key of `k`; `x` is the first of its columns"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x), b references k(y), c updates k(y))",
 RV_SCHEMA_INVALID, 2, 72,
 "`y` is in the primary key of `k`, which cannot be changed"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x), b references k(y), c references k(x), d references "
 "k(y))",
 RV_SCHEMA_AMBIGUOUS, 2, 43,
 "the event identifies several rows of `k`; say to which one `b` belongs: VIA a or VIA c"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x), b references k(y) VIA a, c references k(x), d "
 "references k(y) VIA b)",
 RV_SCHEMA_INVALID, 2, 107,
 "field `b` does not tell rows of `k` apart; VIA a or VIA c does"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x), b references k(y) VIA a, c references k(x), d "
 "references k(y) VIA a)",
 RV_SCHEMA_INVALID, 2, 87,
 "the row of `k` that `a` identifies has a field for `y` already"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x), b references k(y) VIA a, c references k(x))",
 RV_SCHEMA_INVALID, 2, 68,
 "no field gives `y` of the row of `k` that `c` identifies"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x) VIA b, b references k(y) VIA a)", RV_SCHEMA_INVALID, 2, 24,
 "every field that identifies a row of `k` says VIA"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x), b references k(y) VIA w)", RV_SCHEMA_UNKNOWN_NAME, 2, 63,
 "`e` has no field `w`"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x) references k(x), b references k(y))",
 RV_SCHEMA_INVALID, 2, 40,
 "field `a` identifies the row of `k` already"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x) deletes k(x), b references k(y) deletes k(y))",
 RV_SCHEMA_INVALID, 2, 40,
 "field `a` identifies the row of `k` already"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x), b references k(y), c references k(y), d integer "
 "updates k(z))",
 RV_SCHEMA_AMBIGUOUS, 2, 89,
 "the event touches several rows of `k`; say which one is meant: VIA b or VIA c"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x), b references k(y), c references k(y), d integer "
 "updates k(z) VIA a)",
 RV_SCHEMA_AMBIGUOUS, 2, 106,
 "field `a` is in the key of several rows of `k`; say VIA b or VIA c"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a references k(x), b references k(y), c references k(y), d integer "
 "updates k(z) VIA d)",
 RV_SCHEMA_INVALID, 2, 106,
 "field `d` does not identify a row of `k`; VIA b or VIA c does"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a text references k(x), b references k(y))", RV_SCHEMA_INVALID, 2, 42,
 "field `a` is text, which does not fit the column's type integer"},
{"CREATE AGGREGATE k (x integer, y integer, z integer, PRIMARY KEY (x, y))\n"
 "CREATE EVENT_TYPE e (a creates k(x) references k(x), b creates k(y) deletes k(y), c "
 "references k(y), d deletes k(x), e integer updates k(z))",
 RV_SCHEMA_AMBIGUOUS, 2, 128,
 "say which one is meant: VIA c or VIA d"},
/* --- PERSONAL --- */
{"CREATE EVENT_TYPE e (x text PERSONAL PERSONAL)",
 RV_SCHEMA_INVALID, 1, 38,
 "met `PERSONAL`, expected one PERSONAL in a field"},
{"CREATE EVENT_TYPE e (x text PERSONAL CHECK (x <> ''))",
 RV_SCHEMA_INVALID, 1, 45,
 "`x` is PERSONAL: no CHECK can read it"},
{"CREATE EVENT_TYPE e (x text PERSONAL, y text CHECK (y <> x))",
 RV_SCHEMA_INVALID, 1, 53,
 "`x` is PERSONAL: no CHECK can read it"},
{"CREATE EVENT_TYPE e (x text PERSONAL, CHECK (1 > 0), CHECK (length(x) > 0))",
 RV_SCHEMA_INVALID, 1, 61,
 "`x` is PERSONAL: no CHECK can read it"},
{"CREATE EVENT_TYPE e (x integer PERSONAL references account(id))",
 RV_SCHEMA_INVALID, 1, 41,
 "`x` is PERSONAL, and cannot identify a row"},
{"CREATE EVENT_TYPE e (id references account(id), x PERSONAL increments account(balance))",
 RV_SCHEMA_INVALID, 1, 60,
 "`x` is PERSONAL, and cannot be counted with"},
{"CREATE EVENT_TYPE e (id references account(id), x text PERSONAL updates account(plan) = "
 "('free'))",
 RV_SCHEMA_INVALID, 1, 65,
 "`x` is PERSONAL, and updates columns as it is"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, n text, c text CHECK (c <> ''), u text "
 "UNIQUE, k integer, r references account(id))\n"
 "CREATE EVENT_TYPE e (id references a(id), x PERSONAL updates a(r))",
 RV_SCHEMA_INVALID, 2, 64,
 "`x` is PERSONAL, and cannot update column `r`, which refers to a row"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, n text, c text CHECK (c <> ''), u text "
 "UNIQUE, k integer, r references account(id))\n"
 "CREATE EVENT_TYPE e (id references a(id), x PERSONAL updates a(c))",
 RV_SCHEMA_INVALID, 2, 64,
 "`x` is PERSONAL, and cannot update column `c`, which is read by a CHECK"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, n text, c text CHECK (c <> ''), u text "
 "UNIQUE, k integer, r references account(id))\n"
 "CREATE EVENT_TYPE e (id references a(id), x PERSONAL updates a(u))",
 RV_SCHEMA_INVALID, 2, 64,
 "`x` is PERSONAL, and cannot update column `u`, which is UNIQUE"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, n text, c text CHECK (c <> ''), u text "
 "UNIQUE, k integer, r references account(id))\n"
 "CREATE EVENT_TYPE e (id references a(id), x PERSONAL updates a(n), y text updates a(u) "
 "= (x))",
 RV_SCHEMA_INVALID, 2, 91,
 "`x` is PERSONAL: nothing can be computed from it"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, n text, c text CHECK (c <> ''), u text "
 "UNIQUE, k integer, r references account(id))\n"
 "CREATE EVENT_TYPE e (id references a(id), x PERSONAL updates a(n), y text updates a(u) "
 "= (a.n))",
 RV_SCHEMA_INVALID, 2, 64,
 "`x` is PERSONAL, and cannot update column `n`, from which event type `e` computes an update"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, n text, c text CHECK (c <> ''), u text "
 "UNIQUE, k integer, r references account(id))\n"
 "CREATE EVENT_TYPE b (id references a(id), y text updates a(u) = (a.n))\n"
 "CREATE EVENT_TYPE e (id references a(id), x PERSONAL updates a(n))",
 RV_SCHEMA_INVALID, 3, 64,
 "`x` is PERSONAL, and cannot update column `n`, from which event type `b` computes an update"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, n text, c text CHECK (c <> ''), u text "
 "UNIQUE, k integer, r references account(id))\n"
 "CREATE EVENT_TYPE b (id references a(id), x PERSONAL updates a(n))\n"
 "CREATE EVENT_TYPE e (id references a(id), y text updates a(u) = (coalesce(a.n, y)))",
 RV_SCHEMA_INVALID, 3, 66,
 "nothing can be computed from column `n`, which a PERSONAL field of event type `b` updates"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, k integer)\n"
 "CREATE EVENT_TYPE b (id references a(id), x PERSONAL updates a(k))\n"
 "CREATE EVENT_TYPE e (id references a(id), y integer increments a(k))",
 RV_SCHEMA_INVALID, 3, 66, "a PERSONAL field of event type `b` updates it"},
{"CREATE AGGREGATE a (id integer PRIMARY KEY, k integer)\n"
 "CREATE EVENT_TYPE b (id references a(id), y integer decrements a(k))\n"
 "CREATE EVENT_TYPE e (id references a(id), x PERSONAL updates a(k))",
 RV_SCHEMA_INVALID, 3, 64, "from which event type `b` computes an update"},
{"CREATE EVENT_TYPE e (x text PERSONAL)\n"
 "CREATE STREAM s (path \"/x/{x}\" event_types (e))",
 RV_SCHEMA_INVALID, 2, 45,
 "field `x` of `e` is PERSONAL, and cannot stand in a path"},
/* --- streams --- */
{"CREATE STREAM s (path \"x/{id}\" event_types (money_withdrawn))", RV_SCHEMA_INVALID, 1, 23, ""},
{"CREATE STREAM s (path \"/x/{id}/{id}\" event_types (money_withdrawn))", RV_SCHEMA_INVALID, 1, 23,
 ""},
{"CREATE STREAM s (path \"/x/{ids}\" event_types (money_withdrawn))", RV_SCHEMA_INVALID, 1, 47,
 "event type `money_withdrawn` has no field `ids`, which the path needs; its nearest is `id`"},
{"CREATE EVENT_TYPE e (id real)\n"
 "CREATE STREAM s (path \"/x/{id}\" event_types (e))",
 RV_SCHEMA_INVALID, 2, 46,
 "field `id` of `e` is real, which cannot stand in a path: integers, numerics of at most 18 "},
{"CREATE EVENT_TYPE e (id numeric)\n"
 "CREATE STREAM s (path \"/x/{id}\" event_types (e))",
 RV_SCHEMA_INVALID, 2, 46, "cannot stand in a path"},
{"CREATE EVENT_TYPE e (id text)\n"
 "CREATE STREAM s (path \"/x/{id}\" event_types (money_withdrawn, e))",
 RV_SCHEMA_INVALID, 2, 63, "another type than the other event types"},
{"CREATE STREAM s (path \"/accounts/{id}\" event_types (money_withdrawn))", RV_SCHEMA_AMBIGUOUS, 1,
 23, "a path could belong to stream `account_events`"},
{"CREATE STREAM s (path \"/{id}/x\" event_types (money_withdrawn))", RV_SCHEMA_AMBIGUOUS, 1, 23,
 "`/accounts/{id}`"},
{"CREATE STREAM s (path \"/rivulet/{id}\" event_types (money_withdrawn))", RV_SCHEMA_INVALID, 1, 23,
 "the node's own"},
{"CREATE STREAM s (path \"/x\" path \"/y\" event_types (money_withdrawn))",
 RV_SCHEMA_INVALID, 1, 28, "one path"},
/* --- not in this version --- */
{"CREATE AGGREGATE a (x integer PRIMARY KEY, y integer[][])", RV_UNSUPPORTED, 1, 55, ""},
{"CREATE AGGREGATE a (x integer PRIMARY KEY, y serial[])", RV_SCHEMA_INVALID, 1, 52, ""},
{"CREATE AGGREGATE a (x integer[] PRIMARY KEY)", RV_SCHEMA_INVALID, 1, 23, ""},
{"CREATE EVENT_TYPE e (x integer[]); CREATE STREAM s (path \"/s/{x}\" event_types (e))",
 RV_SCHEMA_INVALID, 1, 80, ""},
{"CREATE AGGREGATE a (i integer PRIMARY KEY, j json UNIQUE)", RV_SCHEMA_INVALID, 1, 44,
 "`j` is json, which has no order: it cannot be in UNIQUE"},
{"CREATE AGGREGATE a (i integer PRIMARY KEY, j json, INDEX (i, j))", RV_SCHEMA_INVALID, 1, 62,
 "`j` is json, which has no order: it cannot be in INDEX"},
{"CREATE STREAM s (path \"/x/{id}\" event_types (money_withdrawn) event_types (x))",
 RV_SCHEMA_INVALID, 1, 63, "one list of event types"},
{"CREATE AGGREGATE a (x jsonb PRIMARY KEY)", RV_SCHEMA_INVALID, 1, 23, "jsonb"},

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements that change something, as SQLite's parser meets them: all are refused here, in the
 * authorizer's words and before anything is looked up, so that the compiler leaves out what would
 * have carried them out: a tenth of a module of WebAssembly. Queries, and the declaration of a
 * virtual table (CREATE TABLE), go on.
 *
 * The build puts this file right before the parser of the amalgamation (cmake/sql.cmake): the names
 * below are SQLite's functions everywhere else, and these only where the parser calls them. Each
 * takes over what it is given, as the function would.
 */
#ifndef RV_SQL_STATEMENTS_H
#define RV_SQL_STATEMENTS_H

/* What a statement was parsed into; most have little of it. */
typedef struct rv_statement_parts {
    SrcList *tables;
    Select *select;
    IdList *columns;
    ExprList *lists[2];
    Expr *conditions[3];
    Upsert *upsert;
} rv_statement_parts;

static void rv_statement_refuse(Parse *parse, rv_statement_parts parts) {
    sqlite3 *const db = parse->db;
    sqlite3SrcListDelete(db, parts.tables);
    sqlite3SelectDelete(db, parts.select);
    sqlite3IdListDelete(db, parts.columns);
    for (int i = 0; i < 2; i++) {
        sqlite3ExprListDelete(db, parts.lists[i]);
    }
    for (int i = 0; i < 3; i++) {
        sqlite3ExprDelete(db, parts.conditions[i]);
    }
    sqlite3UpsertDelete(db, parts.upsert);
    if (sqlite3AuthCheck(parse, SQLITE_INSERT, 0, 0, 0) == SQLITE_OK) {
        sqlite3ErrorMsg(parse, "not authorized"); /* nobody was asked */
    }
}

#define RV_REFUSE(parse, ...) rv_statement_refuse(parse, (rv_statement_parts){__VA_ARGS__})

#define sqlite3Insert(parse, to, from, names, conflict, again)                                     \
    RV_REFUSE(parse, .tables = to, .select = from, .columns = names, .upsert = again)
#define sqlite3Update(parse, of, sets, where, conflict, order, limit, again)                       \
    RV_REFUSE(parse, .tables = of, .lists = {sets, order}, .conditions = {where, limit},           \
              .upsert = again)
#define sqlite3DeleteFrom(parse, of, where, order, limit)                                          \
    RV_REFUSE(parse, .tables = of, .lists = {order}, .conditions = {where, limit})
#define sqlite3AddReturning(parse, list) RV_REFUSE(parse, .lists = {list})

#define sqlite3CreateIndex(parse, name, second, of, list, conflict, start, where, order, some,     \
                           kind)                                                                   \
    RV_REFUSE(parse, .tables = of, .lists = {list}, .conditions = {where})
#define sqlite3CreateForeignKey(parse, from, to, list, flags)                                      \
    RV_REFUSE(parse, .lists = {from, list})
#define sqlite3DeferForeignKey(parse, deferred) ((void)(deferred))
#define sqlite3CreateView(parse, begin, name, second, list, from, temporary, some)                 \
    RV_REFUSE(parse, .select = from, .lists = {list})
#define sqlite3BeginTrigger(parse, name, second, time, verb, names, of, when, temporary, some)     \
    RV_REFUSE(parse, .tables = of, .columns = names, .conditions = {when})
/* A trigger's name is refused, and nothing of its body is parsed. */
#define sqlite3FinishTrigger(parse, steps, all)                  RV_REFUSE(parse, 0)
#define sqlite3TriggerSelectStep(...)                            NULL
#define sqlite3TriggerInsertStep(...)                            NULL
#define sqlite3TriggerUpdateStep(...)                            NULL
#define sqlite3TriggerDeleteStep(...)                            NULL
#define sqlite3DeleteTriggerStep(db, steps)                      ((void)0)
#define sqlite3VtabBeginParse(parse, name, second, module, some) RV_REFUSE(parse, 0)
#define sqlite3VtabFinishParse(parse, end)                       RV_REFUSE(parse, 0)

#define sqlite3DropTable(parse, of, view, some) RV_REFUSE(parse, .tables = of)
#define sqlite3DropIndex(parse, of, some)       RV_REFUSE(parse, .tables = of)
#define sqlite3DropTrigger(parse, of, some)     RV_REFUSE(parse, .tables = of)

#define sqlite3AlterRenameTable(parse, of, name)            RV_REFUSE(parse, .tables = of)
#define sqlite3AlterRenameColumn(parse, of, from, to)       RV_REFUSE(parse, .tables = of)
#define sqlite3AlterDropColumn(parse, of, name)             RV_REFUSE(parse, .tables = of)
#define sqlite3AlterBeginAddColumn(parse, of)               RV_REFUSE(parse, .tables = of)
#define sqlite3AlterFinishAddColumn(parse, text)            RV_REFUSE(parse, 0)
#define sqlite3AlterDropConstraint(parse, of, name, column) RV_REFUSE(parse, .tables = of)
#define sqlite3AlterSetNotNull(parse, of, column, text)     RV_REFUSE(parse, .tables = of)
#define sqlite3AlterAddConstraint(parse, of, first, name, text, len, check)                        \
    RV_REFUSE(parse, .tables = of, .conditions = {check})

#define sqlite3Pragma(parse, name, second, value, minus) RV_REFUSE(parse, 0)
#define sqlite3Vacuum(parse, name, into)                 RV_REFUSE(parse, .conditions = {into})
#define sqlite3Analyze(parse, name, second)              RV_REFUSE(parse, 0)
#define sqlite3Reindex(parse, name, second)              RV_REFUSE(parse, 0)

#define sqlite3Attach(parse, file, name, key) RV_REFUSE(parse, .conditions = {file, name, key})
#define sqlite3Detach(parse, name)            RV_REFUSE(parse, .conditions = {name})

#endif

# One row's history out of ten million events: some minutes and 800 MB, so not part of `make bench`.
add_executable(bench_history EXCLUDE_FROM_ALL tests/bench/history.c)
target_link_libraries(bench_history PRIVATE rivulet_platform rivulet)
target_compile_definitions(bench_history PRIVATE _GNU_SOURCE)
rv_link_whole(bench_history)

# Many edges of one central node, and what appends to it cost.
add_executable(bench_edges EXCLUDE_FROM_ALL tests/bench/edges.c tests/bench/swarm.c
  tests/bench/requests.c tests/bench/process.c)
target_link_libraries(bench_edges PRIVATE rivulet)
target_compile_definitions(bench_edges PRIVATE _GNU_SOURCE)

# What stands beside an edge: PostgreSQL's logical replication, by its protocol, without its library.
add_executable(bench_logical EXCLUDE_FROM_ALL tests/bench/logical.c tests/bench/postgres.c
  tests/bench/process.c)
target_link_libraries(bench_logical PRIVATE rivulet)
target_compile_definitions(bench_logical PRIVATE _GNU_SOURCE)

# Benchmarks, and the SQLite that they run beside: the same amalgamation, tuned as well as we can.
if(EXISTS ${RV_DEPS}/sqlite/sqlite3.c)
  add_library(bench_sqlite STATIC EXCLUDE_FROM_ALL ${RV_DEPS}/sqlite/sqlite3.c)
  target_include_directories(bench_sqlite PUBLIC ${RV_DEPS}/sqlite)
  target_compile_options(bench_sqlite PRIVATE -w -O3)
  target_compile_definitions(bench_sqlite PRIVATE SQLITE_THREADSAFE=0 SQLITE_DEFAULT_MEMSTATUS=0
    SQLITE_OMIT_DEPRECATED SQLITE_OMIT_PROGRESS_CALLBACK SQLITE_OMIT_AUTOINIT
    SQLITE_LIKE_DOESNT_MATCH_BLOBS SQLITE_MAX_EXPR_DEPTH=0 SQLITE_OMIT_LOAD_EXTENSION)

  add_executable(bench_core EXCLUDE_FROM_ALL tests/bench/core.c
    native/flusher.c tests/bench/loans.c)
  target_link_libraries(bench_core PRIVATE rivulet_platform rivulet rivulet_sql z pthread)
  target_compile_definitions(bench_core PRIVATE _GNU_SOURCE)
  rv_link_whole(bench_core)

  add_executable(bench_first EXCLUDE_FROM_ALL tests/bench/first.c tests/bench/loans.c)
  target_link_libraries(bench_first PRIVATE rivulet_platform rivulet z)
  target_compile_definitions(bench_first PRIVATE _GNU_SOURCE)
  rv_link_whole(bench_first)

  add_executable(bench_select EXCLUDE_FROM_ALL tests/bench/select.c)
  target_include_directories(bench_select SYSTEM PRIVATE ${RV_DEPS}/sqlite)
  target_link_libraries(bench_select PRIVATE rivulet_platform rivulet rivulet_sql)
  target_compile_definitions(bench_select PRIVATE _GNU_SOURCE)
  rv_link_whole(bench_select)

  add_executable(bench_live EXCLUDE_FROM_ALL tests/bench/live.c)
  target_link_libraries(bench_live PRIVATE rivulet_platform rivulet rivulet_sql)
  target_compile_definitions(bench_live PRIVATE _GNU_SOURCE)
  rv_link_whole(bench_live)

  add_executable(bench_baseline EXCLUDE_FROM_ALL tests/bench/baseline.c tests/bench/loans.c)
  target_link_libraries(bench_baseline PRIVATE bench_sqlite rivulet rivulet_sql z m)
  target_compile_definitions(bench_baseline PRIVATE _GNU_SOURCE)
endif()

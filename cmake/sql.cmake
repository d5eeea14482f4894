# SQL: SQLite, compiled privately (sql/sqlite.c), and what makes aggregates its tables. The sources are
# not committed: tools/fetch-sqlite puts them into ${RV_DEPS}/sqlite.
if(NOT EXISTS ${RV_DEPS}/sqlite/sqlite3.c)
  message(FATAL_ERROR "SQLite's sources are missing in ${RV_DEPS}/sqlite; run `make setup`, "
    "or tools/fetch-sqlite")
endif()
file(GLOB RV_SQL_SOURCES CONFIGURE_DEPENDS sql/*.c)
list(FILTER RV_SQL_SOURCES EXCLUDE REGEX "sql/absent\\.c$")
add_library(rivulet_sql STATIC ${RV_SQL_SOURCES})
target_include_directories(rivulet_sql SYSTEM PRIVATE ${RV_DEPS}/sqlite)
target_link_libraries(rivulet_sql PUBLIC rivulet)

# The amalgamation has its own style of code, and is always optimised: in modules for size, at the same
# speed. Where it is only tested, less, and without sanitizers: they take a minute and more to compile
# it, and its memory is our own (sql/heap.c), of which they know nothing.
set(options -w -O2)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "wasm32")
  set(options -w -Oz)
elseif(RV_TARGET STREQUAL "arm" OR RV_SANITIZE)
  set(options -w -O1 -g0)
endif()
if(RV_SANITIZE)
  list(APPEND options -fno-sanitize=address,undefined)
endif()
# sql/sqlite.sed lets a query stop and go on; its sorter sees sql/work.h, which does so for sorts. The parser
# sees sql/shape.h, which looks at the shape of a SELECT, and in modules sql/statements.h besides, which leaves
# out what changes tables: a tenth of a module. What compares sees sql/order.h, what resolves names sql/kinds.h,
# and the machine, which reads cells itself, sql/registers.h.
set(amalgamation ${CMAKE_BINARY_DIR}/sqlite/sqlite3.c)
set(edits -f ${PROJECT_SOURCE_DIR}/sql/sqlite.sed
  -e "/ Begin file vdbeaux.c /i #include \"sql/order.h\""
  -e "/ Begin file vdbe.c /i #include \"sql/registers.h\""
  -e "/ Begin file resolve.c /i #include \"sql/kinds.h\""
  -e "/ Begin file parse.c /i #include \"sql/shape.h\"")
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "wasm32")
  list(APPEND edits -e "/ Begin file parse.c /i #include \"sql/statements.h\"")
  list(APPEND options -DRV_SQL_QUERIES_ONLY)
endif()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/sqlite)
add_custom_command(OUTPUT ${amalgamation} VERBATIM
  DEPENDS ${RV_DEPS}/sqlite/sqlite3.c ${PROJECT_SOURCE_DIR}/sql/sqlite.sed
  COMMAND sed ${edits} ${RV_DEPS}/sqlite/sqlite3.c > ${amalgamation}
  COMMAND sh -c "test $(grep -cE '(RV|rv)_(WA|WO|ORDER|order|merge|register|search|kind)' '${amalgamation}') -eq 33 || { rm '${amalgamation}'; exit 1; }")
target_include_directories(rivulet_sql BEFORE PRIVATE ${CMAKE_BINARY_DIR}/sqlite)
target_sources(rivulet_sql PRIVATE ${amalgamation})
set_source_files_properties(${amalgamation} PROPERTIES HEADER_FILE_ONLY ON)
set_source_files_properties(sql/sqlite.c PROPERTIES
  COMPILE_OPTIONS "${options}"
  OBJECT_DEPENDS "${amalgamation};${PROJECT_SOURCE_DIR}/sql/declared.h;${PROJECT_SOURCE_DIR}/sql/kinds.h;${PROJECT_SOURCE_DIR}/sql/order.h;${PROJECT_SOURCE_DIR}/sql/registers.h;${PROJECT_SOURCE_DIR}/sql/shape.h;${PROJECT_SOURCE_DIR}/sql/straight.h;${PROJECT_SOURCE_DIR}/sql/work.h")

# In a browser's module only what reads rows is not as small as can be.
if(RV_TARGET STREQUAL "browser")
  set(RV_SQL_HOT_SOURCES ${RV_SQL_SOURCES})
  list(FILTER RV_SQL_HOT_SOURCES INCLUDE REGEX "sql/(cell|heap|sorter|table|walk|wide)\\.c$")
  set(RV_SQL_COLD_SOURCES ${RV_SQL_SOURCES})
  list(REMOVE_ITEM RV_SQL_COLD_SOURCES ${RV_SQL_HOT_SOURCES})
  list(FILTER RV_SQL_COLD_SOURCES EXCLUDE REGEX "sql/sqlite\\.c$")
  set_source_files_properties(${RV_SQL_HOT_SOURCES} PROPERTIES COMPILE_OPTIONS -Os)
  set_source_files_properties(${RV_SQL_COLD_SOURCES} PROPERTIES COMPILE_OPTIONS -Oz)
endif()

# In its place in a build without SQL.
add_library(rivulet_sql_absent STATIC sql/absent.c)
target_link_libraries(rivulet_sql_absent PUBLIC rivulet)

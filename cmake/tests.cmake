# A test program for each tests/{unit,storage,sim}/**/*_test.c; the test's name is its path. In a build
# with sanitizers names begin with `sanitizers/`, so that one run of ctest can hold both builds. What
# needs the real daemon, and the house rules, are tests of the other builds (label `release`).
set(RV_TEST_PREFIX "")
if(NOT RV_TARGET STREQUAL "native")
  set(RV_TEST_PREFIX "${RV_TARGET}/")
elseif(RV_SANITIZE)
  set(RV_TEST_PREFIX "sanitizers/")
endif()

file(GLOB_RECURSE RV_TEST_SOURCES CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
  tests/unit/*_test.c tests/storage/*_test.c tests/sim/*_test.c)
if(NOT RV_TARGET STREQUAL "native")
  list(FILTER RV_TEST_SOURCES EXCLUDE REGEX "/native/|/wasi/|/platform/|/posix_|/sim/simulation")
endif()
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "wasm32")
  list(FILTER RV_TEST_SOURCES EXCLUDE REGEX "/sql/(differential|index|twin)_") # SQLite has no INSERT there
endif()
# The floors above the state know nothing of compilers: of the two builds for WebAssembly one has their
# tests, and pages, workers and worlds go through them in the other. Nor do those above the engine know
# of processors: WASI has words of 32 bits too, and tests/builds has worlds go the same way on ARM.
if(RV_TARGET STREQUAL "browser")
  list(FILTER RV_TEST_SOURCES EXCLUDE REGEX "/unit/(core|live|sync|sql|face|lib)/")
elseif(RV_TARGET STREQUAL "arm")
  list(FILTER RV_TEST_SOURCES EXCLUDE REGEX "/unit/(live|sync|sql|face|lib)/")
endif()
if(NOT RV_TARGET STREQUAL "native" OR RV_SANITIZE)
  list(FILTER RV_TEST_SOURCES EXCLUDE REGEX "/lib/allocation_") # its malloc is the program's own
endif()
if(NOT RV_TARGET STREQUAL "wasi")
  list(FILTER RV_TEST_SOURCES EXCLUDE REGEX "/storage/wasi_")
endif()
# Programs of WASM are linked without Binaryen, which takes longer than they run. Some hold a whole
# disk in static memory.
set(RV_TEST_LINK_OPTIONS "")
set(RV_TEST_EXTRA_SOURCES "")
if(RV_TARGET STREQUAL "wasi")
  set(RV_TEST_LINK_OPTIONS -O0 -Wl,-z,stack-size=1048576 -Wl,--stack-first)
elseif(RV_TARGET STREQUAL "browser")
  set(RV_TEST_EXTRA_SOURCES tests/wasm/open.c)
  set(module_launcher ${CMAKE_C_LINKER_LAUNCHER})
  set(CMAKE_C_LINKER_LAUNCHER ${PROJECT_SOURCE_DIR}/cmake/link-wasm ${RV_EM_wasm-ld}
    ${RV_EM_CACHE}/sysroot/lib/wasm32-emscripten)
endif()

# Worlds of many nodes under one seed (docs/simulation.md): a library for its test and its program.
file(GLOB RV_SIM_SOURCES CONFIGURE_DEPENDS tests/sim/*.c)
list(FILTER RV_SIM_SOURCES EXCLUDE REGEX "_test\\.c$|/simulate\\.c$")
add_library(rivulet_sim STATIC ${RV_SIM_SOURCES})
target_link_libraries(rivulet_sim PUBLIC
  rivulet_platform rivulet rivulet_sql rivulet)
add_executable(simulate tests/sim/simulate.c ${RV_TEST_EXTRA_SOURCES})
target_link_options(simulate PRIVATE ${RV_TEST_LINK_OPTIONS})
target_link_libraries(simulate PRIVATE rivulet_sim)
target_compile_options(simulate PRIVATE -Wno-missing-prototypes)

# Tests are compiled without optimisation: what they call is optimised, and compilers take a fifth of the
# time (for WebAssembly, a third). But the naive twins of the lowest floors take longer, where another
# processor plays theirs or an engine compiles them, than to compile; and there are frames that do not
# fit a module's stack, which ends a test with "memory access out of bounds".
set(RV_OPTIMISED_TESTS "^unit/(base|state)/|^unit/sync/upstream_push$")
# LLVM's linker, which WASI needs anyway, takes half of the time of GNU's. Not for worlds: they have a
# member of another version (tests/sim/older.c), whose symbols come before the library's with GNU's.
set(RV_LLD_OPTIONS "")
if(RV_TARGET STREQUAL "native" OR RV_TARGET STREQUAL "arm")
  find_program(RV_LLD ld.lld PATHS /usr/lib/llvm-19/bin NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
  if(RV_LLD)
    cmake_path(GET RV_LLD PARENT_PATH folder)
    set(RV_LLD_OPTIONS -fuse-ld=lld -B${folder})
  endif()
endif()
foreach(source IN LISTS RV_TEST_SOURCES)
  string(REGEX REPLACE "^tests/|_test\\.c$" "" name ${source})
  string(REPLACE "/" "_" target ${name})
  add_executable(test_${target} ${source} ${RV_TEST_EXTRA_SOURCES})
  target_link_options(test_${target} PRIVATE ${RV_TEST_LINK_OPTIONS})
  if(NOT name MATCHES "^sim/")
    target_link_options(test_${target} PRIVATE ${RV_LLD_OPTIONS})
  endif()
  target_link_libraries(test_${target} PRIVATE rivulet_platform rivulet)
  if(name MATCHES "^unit/(sql|face|lib)/")
    target_link_libraries(test_${target} PRIVATE rivulet_sql)
    target_include_directories(test_${target} SYSTEM PRIVATE ${RV_DEPS}/sqlite)
  endif()
  if(name STREQUAL "sim/simulation")
    target_link_libraries(test_${target} PRIVATE rivulet_sim)
  endif()
  if(name STREQUAL "unit/lib/allocation")
    target_compile_definitions(test_${target} PRIVATE _GNU_SOURCE)
  endif()
  set(optimisation -O0)
  if(NOT RV_TARGET STREQUAL "native" AND name MATCHES "${RV_OPTIMISED_TESTS}")
    set(optimisation -O1)
  endif()
  target_compile_options(test_${target} PRIVATE -Wno-missing-prototypes ${optimisation})
  add_test(NAME ${RV_TEST_PREFIX}${name} COMMAND test_${target})
  set_tests_properties(${RV_TEST_PREFIX}${name} PROPERTIES TIMEOUT 900) # of hangs alone: machines are busy
  if(name MATCHES "^sim/")
    set_tests_properties(${RV_TEST_PREFIX}${name} PROPERTIES COST 850)
  endif()
endforeach()

# What every build must agree on; tests/builds/loan_hash.test.mjs runs it in all of them.
add_executable(loan_hash tests/builds/loan_hash.c)
target_link_options(loan_hash PRIVATE ${RV_TEST_LINK_OPTIONS})
target_link_libraries(loan_hash PRIVATE rivulet_platform rivulet)

# The conformance suite as a module that pages run (tests/browser/storage.test.mjs).
if(RV_TARGET STREQUAL "browser")
  add_executable(storage_conformance tests/storage/browser_conformance.c)
  set_target_properties(storage_conformance PROPERTIES C_LINKER_LAUNCHER "${module_launcher}")
  target_link_options(storage_conformance PRIVATE -O1 -sSTANDALONE_WASM -sASSERTIONS=0 --no-entry
    -sTOTAL_STACK=1048576 -Wl,--stack-first -sINITIAL_MEMORY=67108864 -sALLOW_MEMORY_GROWTH
    -sERROR_ON_UNDEFINED_SYMBOLS=0 -sWARN_ON_UNDEFINED_SYMBOLS=0)
  target_link_libraries(storage_conformance PRIVATE rivulet_platform rivulet)
  target_compile_options(storage_conformance PRIVATE -Wno-missing-prototypes)
endif()

# A test of the release build: a program beside the binary that it finds in RIVULET_BIN. COST, here
# and above, is the order in which they begin: pages, which count as two, as they do not go well beside
# many others; worlds, which compute all the time, beside them; real processes, which wait for most of
# the time (their nodes' patience, restarts), and so count as one. What is short fills the gaps, and
# nothing long is left over at the end.
function(rv_release_test name timeout_s)
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS release TIMEOUT ${timeout_s}
    ENVIRONMENT "RIVULET_BIN=$<TARGET_FILE:rivulet_binary>;DEMO_ONCE=1")
endfunction()

if(RV_TARGET STREQUAL "native" AND NOT RV_SANITIZE AND NOT RV_FUZZ)
  find_program(NODE node REQUIRED)
  add_executable(oracle tests/oracle/oracle.c)
  target_link_libraries(oracle PRIVATE rivulet_platform rivulet)
  rv_release_test(tidy 300 ${PROJECT_SOURCE_DIR}/tools/tidy)
  rv_release_test(demo 300 ${PROJECT_SOURCE_DIR}/demo/run)
  file(GLOB RV_E2E_SOURCES CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
    tests/e2e/*.test.mjs tests/js/*.test.mjs tests/builds/*.test.mjs
    tests/wasm/*.test.mjs tests/oracle/*.test.mjs tests/docs/*.test.mjs)
  foreach(source IN LISTS RV_E2E_SOURCES)
    string(REGEX REPLACE "^tests/|\\.test\\.mjs$" "" name ${source})
    rv_release_test(${name} 600 ${NODE} --test ${source})
    set_tests_properties(${name} PROPERTIES COST 800)
  endforeach()
  # In real browsers, over the modules of the preset `browser` and build/npm. Each test of theirs has
  # a bound of its own (tests/browser/harness/test.mjs); that of the file is for what those miss.
  file(GLOB RV_PAGES_SOURCES CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
    tests/browser/*.test.mjs)
  foreach(source IN LISTS RV_PAGES_SOURCES)
    string(REGEX REPLACE "^tests/browser/|\\.test\\.mjs$" "" name ${source})
    rv_release_test(pages/${name} 900 ${NODE} --test ${source})
    set_tests_properties(pages/${name} PROPERTIES PROCESSORS 2 COST 900)
  endforeach()
  set_tests_properties(demo PROPERTIES COST 800)
endif()

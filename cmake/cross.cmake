# What every build for another machine needs: the one header of the xxHash package, apart from the
# other headers of this machine, which such a build must not see; and, for WASM, how modules are
# compiled.
find_file(RV_XXHASH_HEADER xxhash.h PATHS /usr/include NO_CMAKE_FIND_ROOT_PATH REQUIRED)
file(MAKE_DIRECTORY ${RV_DEPS}/xxhash)
file(LOCK ${RV_DEPS}/xxhash DIRECTORY GUARD FILE) # tools/test configures two presets at once
file(COPY_FILE ${RV_XXHASH_HEADER} ${RV_DEPS}/xxhash/xxhash.h ONLY_IF_DIFFERENT)
include_directories(SYSTEM ${RV_DEPS}/xxhash)

if(CMAKE_SYSTEM_PROCESSOR STREQUAL "wasm32")
  set(CMAKE_EXECUTABLE_SUFFIX .wasm)
  find_program(NODE node NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${NODE} ${PROJECT_SOURCE_DIR}/tests/wasm/run.mjs)
endif()
if(RV_TARGET STREQUAL "arm")
  add_compile_definitions(RV_TEST_EMULATED) # random tests take fewer rounds
  # GCC 12 for ARM walks through two static arrays by one pointer, then takes a function that only
  # does that for one that writes nothing, and leaves out its calls (tests/unit/state/heap_test.c).
  add_compile_options(-fno-ivopts)
endif()
if(RV_TARGET STREQUAL "browser")
  add_link_options(-sSTANDALONE_WASM -sASSERTIONS=0)
endif()

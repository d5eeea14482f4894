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
  # emcc is a program in Python that starts clang with these flags: without it, files take half of the
  # time. It links the modules; other programs are linked by clang's linker (cmake/link-wasm).
  find_program(RV_EM_CONFIG em-config NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  foreach(setting LLVM_ROOT CLANG_ADD_VERSION CACHE)
    execute_process(COMMAND ${RV_EM_CONFIG} ${setting} OUTPUT_VARIABLE RV_EM_${setting}
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endforeach()
  foreach(tool clang wasm-ld)
    find_program(RV_EM_${tool} NAMES ${tool}-${RV_EM_CLANG_ADD_VERSION} ${tool}
      PATHS ${RV_EM_LLVM_ROOT} NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  endforeach()
  execute_process(COMMAND ${CMAKE_C_COMPILER} --cflags OUTPUT_VARIABLE RV_EM_FLAGS
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(CMAKE_C_COMPILE_OBJECT
    "${RV_EM_clang} ${RV_EM_FLAGS} <DEFINES> <INCLUDES> <FLAGS> -o <OBJECT> -c <SOURCE>")
endif()

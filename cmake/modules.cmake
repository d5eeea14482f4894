# The modules of WebAssembly, each with SQL and without (`-nosql`):
#
#     build/browser/rivulet.wasm          wasi/reactor.h over the imports of platform/browser
#     build/wasi/rivulet-reactor.wasm     wasi/reactor.h over WASI's files
#     build/wasi/rivulet.wasm             the command line over WASI's files
#
# A module exports its memory and what RV_EXPORT names. Its stack lies below everything else, so that
# an overflow traps; its memory begins as small as it can and grows to at most 2 GiB.
set(RV_MODULE_STACK_SIZE 1048576)
set(RV_MODULE_MEMORY_MAX 2147483648)

file(GLOB RV_REACTOR_SOURCES CONFIGURE_DEPENDS wasi/reactor*.c)
file(GLOB RV_COMMAND_SOURCES CONFIGURE_DEPENDS wasi/command*.c)

# For browsers modules are optimised across files, which leaves out a twentieth of their bytes and a tenth
# of replay's time: their libraries (`_whole`) are compiled into what a linker optimises. Tests link
# machine code, in a fraction of the time.
set(RV_WHOLE "")
if(RV_TARGET STREQUAL "browser")
  set(RV_WHOLE _whole)
  foreach(library rivulet rivulet_platform rivulet_sql rivulet_sql_absent)
    get_target_property(sources ${library} SOURCES)
    add_library(${library}_whole STATIC EXCLUDE_FROM_ALL ${sources})
    target_include_directories(${library}_whole PUBLIC ${PROJECT_SOURCE_DIR}
      ${PROJECT_SOURCE_DIR}/include)
    target_include_directories(${library}_whole SYSTEM PRIVATE ${CMAKE_BINARY_DIR}/sqlite
      ${RV_DEPS}/sqlite)
    target_compile_definitions(${library}_whole PRIVATE _GNU_SOURCE)
    target_compile_options(${library}_whole PRIVATE -flto)
  endforeach()
endif()

# A module of a given name, and its twin without SQL; further arguments are sources and libraries.
add_custom_target(modules)
function(rv_module name sources libraries link_options)
  foreach(sql "" _absent)
    string(REPLACE "_absent" "-nosql" suffix "${sql}")
    set(target module_${name}${suffix})
    add_executable(${target} ${sources})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name}${suffix})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    target_link_libraries(${target} PRIVATE ${libraries} rivulet_platform${RV_WHOLE}
      rivulet${RV_WHOLE} rivulet_sql${sql}${RV_WHOLE} rivulet${RV_WHOLE})
    target_link_options(${target} PRIVATE ${link_options})
    add_dependencies(modules ${target})
  endforeach()
endfunction()

if(RV_TARGET STREQUAL "wasi")
  set(options -Wl,--strip-all -Wl,-z,stack-size=${RV_MODULE_STACK_SIZE} -Wl,--stack-first
    -Wl,--max-memory=${RV_MODULE_MEMORY_MAX})
  rv_module(rivulet-reactor "${RV_REACTOR_SOURCES};wasi/host_wasi.c" ""
    "-mexec-model=reactor;${options}")
  include(cmake/cli.cmake)
  rv_module(rivulet "${RV_COMMAND_SOURCES};wasi/reactor_memory.c" rivulet_cli "${options}")
elseif(RV_TARGET STREQUAL "browser")
  # Emscripten knows no imports but those of its JavaScript libraries: whatever is undefined becomes
  # one, and cmake/seal-module.mjs looks whether it may be.
  set(options -Oz -flto -sSTANDALONE_WASM -sASSERTIONS=0 --no-entry
    -sTOTAL_STACK=${RV_MODULE_STACK_SIZE} -Wl,--stack-first -sALLOW_MEMORY_GROWTH
    -sMAXIMUM_MEMORY=${RV_MODULE_MEMORY_MAX} -sINITIAL_MEMORY=2097152
    -sERROR_ON_UNDEFINED_SYMBOLS=0 -sWARN_ON_UNDEFINED_SYMBOLS=0)
  # What serves JavaScript, and what makes a query ready, is not what every event goes through.
  set_source_files_properties(${RV_REACTOR_SOURCES} wasi/host_browser.c ${RV_PLATFORM_SOURCES}
    PROPERTIES COMPILE_OPTIONS -Oz)
  rv_module(rivulet "${RV_REACTOR_SOURCES};wasi/host_browser.c" "" "${options}")
  foreach(target module_rivulet module_rivulet-nosql)
    target_compile_options(${target} PRIVATE -flto)
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
      COMMAND ${NODE} ${PROJECT_SOURCE_DIR}/cmake/seal-module.mjs $<TARGET_FILE:${target}>)
  endforeach()
endif()

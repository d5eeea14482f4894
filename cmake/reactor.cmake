# The browser module's C, compiled natively for its unit tests and its fuzz target, which play
# JavaScript: they define the functions that are imports in WASM.
file(GLOB RV_REACTOR_SOURCES CONFIGURE_DEPENDS wasi/reactor*.c platform/browser/*.c)
add_library(rivulet_reactor STATIC ${RV_REACTOR_SOURCES} wasi/host_browser.c)
target_compile_definitions(rivulet_reactor PRIVATE _GNU_SOURCE)
target_link_libraries(rivulet_reactor PUBLIC $<LINK_GROUP:RESCAN,rivulet_sql,rivulet>)

function(rv_reactor_tests)
  file(GLOB tests RELATIVE ${PROJECT_SOURCE_DIR}/tests/unit
    ${PROJECT_SOURCE_DIR}/tests/unit/wasi/*_test.c ${PROJECT_SOURCE_DIR}/tests/unit/platform/*_test.c)
  foreach(test IN LISTS tests)
    string(REGEX REPLACE "_test\\.c$" "" name ${test})
    string(REPLACE "/" "_" name ${name})
    target_link_libraries(test_unit_${name} PRIVATE rivulet_reactor)
  endforeach()
  target_link_libraries(fuzz_reactor PRIVATE rivulet_reactor)
endfunction()
cmake_language(DEFER CALL rv_reactor_tests)

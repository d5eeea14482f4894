# Fuzz targets: one for each tests/fuzz/*_fuzz.c. The preset `fuzz` (RV_FUZZ) links them with libFuzzer;
# every other build links them with tests/fuzz/replay.c and runs the committed inputs as tests.
option(RV_FUZZ "Link fuzz targets with libFuzzer (clang)" OFF)

add_custom_target(fuzz_targets)
file(GLOB RV_FUZZ_SOURCES CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} tests/fuzz/*_fuzz.c)
foreach(source IN LISTS RV_FUZZ_SOURCES)
  string(REGEX REPLACE "^tests/fuzz/|_fuzz\\.c$" "" name ${source})
  add_executable(fuzz_${name} ${source})
  target_compile_options(fuzz_${name} PRIVATE -Wno-missing-prototypes)
  target_link_libraries(fuzz_${name} PRIVATE rivulet_platform
    $<LINK_GROUP:RESCAN,rivulet_sql,rivulet>)
  add_dependencies(fuzz_targets fuzz_${name})
  if(RV_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE tests/fuzz/replay.c)
    target_compile_definitions(fuzz_${name} PRIVATE _GNU_SOURCE)
    add_test(NAME ${RV_TEST_PREFIX}fuzz/${name} COMMAND fuzz_${name}
      ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}
      ${PROJECT_SOURCE_DIR}/tests/fuzz/regressions/${name})
    set_tests_properties(${RV_TEST_PREFIX}fuzz/${name} PROPERTIES TIMEOUT 300)
  endif()
endforeach()

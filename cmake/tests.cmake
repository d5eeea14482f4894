# A test program per file tests/unit/**/*_test.c and tests/storage/*_test.c; the test's name is its path.
file(GLOB_RECURSE RV_TEST_SOURCES CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
  tests/unit/*_test.c tests/storage/*_test.c tests/sim/*_test.c)
foreach(source IN LISTS RV_TEST_SOURCES)
  string(REGEX REPLACE "^tests/|_test\\.c$" "" name ${source})
  string(REPLACE "/" "_" target ${name})
  add_executable(test_${target} ${source})
  target_link_libraries(test_${target} PRIVATE rivulet_platform rivulet)
  target_compile_options(test_${target} PRIVATE -Wno-missing-prototypes)
  add_test(NAME ${name} COMMAND test_${target})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endforeach()

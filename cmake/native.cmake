# The native daemon and CLI: one binary, `rivulet`, in the build directory.
#
# What it needs comes from Debian's packages; a missing one is named. llhttp is compiled from the C
# sources of `node-llhttp`, since Debian has no library of it.
function(rv_native_need package variable)
  if(NOT ${variable})
    message(FATAL_ERROR "${variable} was not found: install the package `${package}` "
      "(tools/setup does), or set ${variable}.")
  endif()
endfunction()

find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp /usr/include/llhttp)
rv_native_need(node-llhttp LLHTTP_INCLUDE_DIR)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)
rv_native_need(node-llhttp LLHTTP_SOURCE_DIR)
find_path(UV_INCLUDE_DIR uv.h)
rv_native_need(libuv1-dev UV_INCLUDE_DIR)
find_library(UV_LIBRARY uv)
rv_native_need(libuv1-dev UV_LIBRARY)
find_path(WSLAY_INCLUDE_DIR wslay/wslay.h)
rv_native_need(libwslay-dev WSLAY_INCLUDE_DIR)
find_library(WSLAY_LIBRARY wslay)
rv_native_need(libwslay-dev WSLAY_LIBRARY)
find_path(ZLIB_INCLUDE_DIR zlib.h)
rv_native_need(zlib1g-dev ZLIB_INCLUDE_DIR)
find_library(ZLIB_LIBRARY z)
rv_native_need(zlib1g-dev ZLIB_LIBRARY)
find_path(MBEDTLS_INCLUDE_DIR mbedtls/sha1.h)
rv_native_need(libmbedtls-dev MBEDTLS_INCLUDE_DIR)
find_library(MBEDTLS_LIBRARY mbedtls)
rv_native_need(libmbedtls-dev MBEDTLS_LIBRARY)
find_library(MBEDX509_LIBRARY mbedx509)
rv_native_need(libmbedtls-dev MBEDX509_LIBRARY)
find_library(MBEDCRYPTO_LIBRARY mbedcrypto)
rv_native_need(libmbedtls-dev MBEDCRYPTO_LIBRARY)

add_library(rivulet_llhttp STATIC
  ${LLHTTP_SOURCE_DIR}/llhttp.c ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c)
target_include_directories(rivulet_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
target_compile_options(rivulet_llhttp PRIVATE -w) # not our code: generated
target_compile_definitions(rivulet_llhttp PUBLIC LLHTTP_STRICT_MODE=1)

include(cmake/cli.cmake)

# All of it but main, so that unit tests can link it.
file(GLOB RV_NATIVE_SOURCES CONFIGURE_DEPENDS native/*.c)
list(FILTER RV_NATIVE_SOURCES EXCLUDE REGEX "native/main\\.c$")
add_library(rivulet_native STATIC ${RV_NATIVE_SOURCES})
target_compile_definitions(rivulet_native PRIVATE _GNU_SOURCE)
target_include_directories(rivulet_native SYSTEM PUBLIC ${UV_INCLUDE_DIR} ${WSLAY_INCLUDE_DIR}
  ${ZLIB_INCLUDE_DIR} ${MBEDTLS_INCLUDE_DIR})
target_link_libraries(rivulet_native PUBLIC rivulet_cli rivulet_platform
  $<LINK_GROUP:RESCAN,rivulet_sql,rivulet> rivulet_llhttp
  ${UV_LIBRARY} ${WSLAY_LIBRARY} ${ZLIB_LIBRARY} ${MBEDTLS_LIBRARY} ${MBEDX509_LIBRARY} ${MBEDCRYPTO_LIBRARY})

add_executable(rivulet_binary native/main.c)
set_target_properties(rivulet_binary PROPERTIES OUTPUT_NAME rivulet)
target_link_libraries(rivulet_binary PRIVATE rivulet_native)
rv_link_whole(rivulet_binary)

# Unit tests of native/ are made later, in cmake/tests.cmake; they link the rest of it here.
function(rv_native_tests)
  file(GLOB tests RELATIVE ${PROJECT_SOURCE_DIR}/tests/unit/native
    ${PROJECT_SOURCE_DIR}/tests/unit/native/*_test.c)
  foreach(test IN LISTS tests)
    string(REGEX REPLACE "_test\\.c$" "" name ${test})
    if(TARGET test_unit_native_${name})
      target_link_libraries(test_unit_native_${name} PRIVATE rivulet_native)
      target_compile_definitions(test_unit_native_${name} PRIVATE _GNU_SOURCE)
    endif()
  endforeach()
endfunction()
cmake_language(DEFER CALL rv_native_tests)
include(cmake/reactor.cmake)

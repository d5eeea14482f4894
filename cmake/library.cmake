# librivulet, as it is installed: headers, a static and a shared library, pkg-config.
#
#     cmake --install build/native --prefix DIR
#
# Both libraries hold core, SQL, the POSIX host and the host in memory; nothing else is needed to link
# them. The shared one shows what is declared RV_API and nothing more.
set(RV_VERSION 0.1.0)
set(RV_ABI 0)

file(GLOB RV_HOST_SOURCES CONFIGURE_DEPENDS platform/posix/*.c platform/memory/*.c)
add_library(rivulet_hosts STATIC ${RV_HOST_SOURCES} lib/directory.c)
target_compile_definitions(rivulet_hosts PRIVATE _GNU_SOURCE)
target_link_libraries(rivulet_hosts PUBLIC rivulet)

set(objects $<TARGET_OBJECTS:rivulet> $<TARGET_OBJECTS:rivulet_sql> $<TARGET_OBJECTS:rivulet_hosts>)
add_library(rivulet_static STATIC ${objects})
add_library(rivulet_shared SHARED ${objects})
set_target_properties(rivulet_static rivulet_shared PROPERTIES OUTPUT_NAME rivulet
  LINKER_LANGUAGE C VERSION ${RV_VERSION} SOVERSION ${RV_ABI})
target_link_options(rivulet_shared PRIVATE -Wl,--no-undefined)
# The objects hold GCC's intermediate code as well (rv_link_whole); who links the library has no use for
# it, and may have another GCC.
add_custom_command(TARGET rivulet_static POST_BUILD VERBATIM
  COMMAND ${CMAKE_OBJCOPY} --wildcard --remove-section=.gnu.lto_* --remove-section=.gnu.debuglto_*
    $<TARGET_FILE:rivulet_static>)
add_custom_target(librivulet DEPENDS rivulet_static rivulet_shared)

file(WRITE ${CMAKE_BINARY_DIR}/rivulet.pc
"prefix=\${pcfiledir}/../..
includedir=\${prefix}/include
libdir=\${prefix}/lib

Name: rivulet
Description: An event-sourcing database for the edge
Version: ${RV_VERSION}
Cflags: -I\${includedir}
Libs: -L\${libdir} -lrivulet
")
install(DIRECTORY include/rivulet DESTINATION include FILES_MATCHING PATTERN "*.h")
install(TARGETS rivulet_static rivulet_shared LIBRARY DESTINATION lib ARCHIVE DESTINATION lib)
install(FILES ${CMAKE_BINARY_DIR}/rivulet.pc DESTINATION lib/pkgconfig)

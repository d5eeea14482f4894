# The core: every floor from base to face and lib, no platform. One glob a floor, so that a new file is
# built because it is there.
file(GLOB RV_LIBRARY_SOURCES CONFIGURE_DEPENDS
  core/*.c core/engine/*.c core/base/*.c core/model/*.c core/log/*.c core/state/*.c core/live/*.c
  sync/*.c face/*.c lib/*.c)
list(FILTER RV_LIBRARY_SOURCES EXCLUDE REGEX "lib/directory\\.c$")
add_library(rivulet STATIC ${RV_LIBRARY_SOURCES})
set_target_properties(rivulet PROPERTIES OUTPUT_NAME rivulet_core)
target_include_directories(rivulet PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)

# A module is fetched by browsers before it can run, so it is compiled for size: all of it but the few
# files that every event goes through, and those are no larger than they must be to be as fast.
if(RV_TARGET STREQUAL "browser")
  set(hot "core/(base/hash|log/record|model/event|state/(fold|fold_cells|rows))\\.c$")
  string(APPEND hot "|sync/decode.*\\.c$")
  set(RV_HOT_SOURCES ${RV_LIBRARY_SOURCES})
  list(FILTER RV_HOT_SOURCES INCLUDE REGEX "${hot}")
  set_source_files_properties(${RV_LIBRARY_SOURCES} PROPERTIES COMPILE_OPTIONS -Oz)
  set_source_files_properties(${RV_HOT_SOURCES} PROPERTIES COMPILE_OPTIONS -Os)
endif()

# The storage hosts that need no event loop.
file(GLOB RV_PLATFORM_SOURCES CONFIGURE_DEPENDS platform/memory/*.c platform/sim/*.c)
if(RV_TARGET STREQUAL "native")
  file(GLOB RV_PLATFORM_OF_TARGET CONFIGURE_DEPENDS platform/posix/*.c lib/directory.c)
elseif(RV_TARGET STREQUAL "wasi")
  # POSIX's files, which WASI's C library has too, but for the lock.
  file(GLOB RV_PLATFORM_OF_TARGET CONFIGURE_DEPENDS platform/posix/*.c platform/wasi/*.c)
  list(FILTER RV_PLATFORM_OF_TARGET EXCLUDE REGEX "platform/posix/lock\\.c$")
elseif(RV_TARGET STREQUAL "browser")
  file(GLOB RV_PLATFORM_OF_TARGET CONFIGURE_DEPENDS platform/browser/*.c)
endif()
list(APPEND RV_PLATFORM_SOURCES ${RV_PLATFORM_OF_TARGET})
add_library(rivulet_platform STATIC ${RV_PLATFORM_SOURCES})
target_compile_definitions(rivulet_platform PRIVATE _GNU_SOURCE)
target_link_libraries(rivulet_platform PUBLIC rivulet)

# Optimisation across files, for programs whose speed counts: rv_link_whole(target). The objects hold
# machine code as well, so everything else links as fast as ever, and so does any other compiler.
set(RV_LINK_WHOLE OFF)
if(RV_TARGET STREQUAL "native" AND CMAKE_C_COMPILER_ID STREQUAL "GNU"
    AND CMAKE_BUILD_TYPE STREQUAL "Release")
  set(RV_LINK_WHOLE ON)
  target_compile_options(rivulet PRIVATE -flto -ffat-lto-objects)
  add_link_options($<$<NOT:$<BOOL:$<TARGET_PROPERTY:RV_LINK_WHOLE>>>:-fno-lto>)
endif()
function(rv_link_whole target)
  if(RV_LINK_WHOLE)
    set_target_properties(${target} PROPERTIES RV_LINK_WHOLE ON)
    target_link_options(${target} PRIVATE -O2 -flto=auto)
  endif()
endfunction()

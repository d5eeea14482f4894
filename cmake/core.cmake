# The library: every floor from base to face, no platform. One glob a floor, so that a new file is
# built because it is there.
file(GLOB RV_LIBRARY_SOURCES CONFIGURE_DEPENDS
  core/*.c core/base/*.c core/model/*.c core/log/*.c core/state/*.c core/live/*.c
  sync/*.c face/*.c)
add_library(rivulet STATIC ${RV_LIBRARY_SOURCES})
target_include_directories(rivulet PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)

# The storage hosts that need no event loop.
file(GLOB RV_PLATFORM_SOURCES CONFIGURE_DEPENDS
  platform/posix/*.c platform/memory/*.c platform/sim/*.c)
add_library(rivulet_platform STATIC ${RV_PLATFORM_SOURCES})
target_compile_definitions(rivulet_platform PRIVATE _GNU_SOURCE)
target_link_libraries(rivulet_platform PUBLIC rivulet)

# The command line, without what a platform brings to it: the native program and the WASI command link
# it. Included by the builds that have one.
file(GLOB RV_CLI_SOURCES CONFIGURE_DEPENDS cli/*.c)
add_library(rivulet_cli STATIC ${RV_CLI_SOURCES})
target_link_libraries(rivulet_cli PUBLIC rivulet)

# WASI preview 1: clang 19, lld 19 and wasi-libc as Debian packages them, or the wasi-sdk that the
# environment variable WASI_SDK_PATH names.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

if(DEFINED ENV{WASI_SDK_PATH})
  set(CMAKE_C_COMPILER $ENV{WASI_SDK_PATH}/bin/clang)
  set(CMAKE_AR $ENV{WASI_SDK_PATH}/bin/llvm-ar)
  set(CMAKE_RANLIB $ENV{WASI_SDK_PATH}/bin/llvm-ranlib)
else()
  set(CMAKE_C_COMPILER clang-19)
  find_program(CMAKE_AR NAMES llvm-ar-19 llvm-ar-14 REQUIRED) # Emscripten's package brings 14
  find_program(CMAKE_RANLIB NAMES llvm-ranlib-19 llvm-ranlib-14 REQUIRED)
  # Debian's clang looks into /usr/include as well, whose headers are another system's.
  set(CMAKE_C_FLAGS_INIT "-nostdlibinc -isystem /usr/include/wasm32-wasi")
endif()

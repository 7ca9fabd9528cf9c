# hub_compile: how every target of ours is compiled. Link it privately.

add_library(hub_compile INTERFACE)
target_compile_features(hub_compile INTERFACE c_std_11)
target_compile_definitions(hub_compile INTERFACE _GNU_SOURCE)
target_compile_options(hub_compile INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wswitch-enum -Wformat=2 -Wundef -Wvla
    # Always errors: these are bugs, whoever builds it.
    -Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types
    -Werror=int-conversion
    $<$<BOOL:${HUB_WERROR}>:-Werror>)

if(HUB_SANITIZE)
    target_compile_options(hub_compile INTERFACE
        -fsanitize=${HUB_SANITIZE} -fno-omit-frame-pointer -g
        -fno-sanitize-recover=all)
    target_link_options(hub_compile INTERFACE -fsanitize=${HUB_SANITIZE})
else()
    include(HubHarden)
    target_link_libraries(hub_compile INTERFACE hub_harden)
endif()

set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Programs find the library relative to themselves; no path of the build machine
# goes into them.
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
include(CheckPIESupported)
check_pie_supported()

# hub_compile: how every target of ours is compiled. Link it privately.

add_library(hub_compile INTERFACE)
target_compile_features(hub_compile INTERFACE c_std_11)
target_compile_definitions(hub_compile INTERFACE _GNU_SOURCE)
target_compile_options(hub_compile INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wswitch-enum -Wformat=2 -Wundef -Wvla
    $<$<BOOL:${HUB_WERROR}>:-Werror>)

if(HUB_SANITIZE)
    target_compile_options(hub_compile INTERFACE
        -fsanitize=${HUB_SANITIZE} -fno-omit-frame-pointer -g
        -fno-sanitize-recover=all)
    target_link_options(hub_compile INTERFACE -fsanitize=${HUB_SANITIZE})
else()
    # _FORTIFY_SOURCE needs optimization, and gets in a sanitizer's way.
    target_compile_options(hub_compile INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>
        -fstack-protector-strong -fstack-clash-protection)
    target_link_options(hub_compile INTERFACE -Wl,-z,relro,-z,now)
endif()

set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()

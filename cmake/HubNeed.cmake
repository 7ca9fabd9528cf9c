# A missing dependency of a part is an error that says what to install, and how
# to build without that part.

function(hub_lacks part library package option)
    message(FATAL_ERROR "${part} needs ${library} (on Debian, ${package}); "
        "-D${option}=OFF leaves it out.")
endfunction()

# Defines PkgConfig::<prefix> from a pkg-config module. A macro, since the
# target has to be visible to the caller.
macro(hub_need prefix module part package option)
    find_package(PkgConfig)
    if(NOT PKG_CONFIG_FOUND)
        hub_lacks(${part} pkg-config pkg-config ${option})
    endif()
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
    if(NOT ${prefix}_FOUND)
        hub_lacks(${part} ${module} ${package} ${option})
    endif()
endmacro()

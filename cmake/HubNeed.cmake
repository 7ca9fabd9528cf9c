# What a part needs and what is not there: an error that says what to install,
# and how to go on without that part.

function(hub_lacks part library package option)
    message(FATAL_ERROR "${part} needs ${library} (on Debian, ${package}); "
        "-D${option}=OFF leaves it out.")
endfunction()

# PkgConfig::<prefix>, from a pkg-config module. A macro, since the target has
# to be known where it is called.
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

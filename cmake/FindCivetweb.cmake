# Civetweb::civetweb - the HTTP server that hubd is built on. Debian's package
# has no pkg-config file, and its CMake files require more than the C library.

find_path(Civetweb_INCLUDE_DIR civetweb.h)
find_library(Civetweb_LIBRARY civetweb)
if(Civetweb_INCLUDE_DIR)
    file(STRINGS "${Civetweb_INCLUDE_DIR}/civetweb.h" version_line
        REGEX "define CIVETWEB_VERSION \"")
    string(REGEX MATCH "[0-9.]+" Civetweb_VERSION "${version_line}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Civetweb
    REQUIRED_VARS Civetweb_LIBRARY Civetweb_INCLUDE_DIR
    VERSION_VAR Civetweb_VERSION)
mark_as_advanced(Civetweb_INCLUDE_DIR Civetweb_LIBRARY)

if(Civetweb_FOUND AND NOT TARGET Civetweb::civetweb)
    find_package(Threads REQUIRED)
    add_library(Civetweb::civetweb UNKNOWN IMPORTED)
    set_target_properties(Civetweb::civetweb PROPERTIES
        IMPORTED_LOCATION "${Civetweb_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${Civetweb_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()

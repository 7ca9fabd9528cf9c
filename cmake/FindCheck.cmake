# Check::check - the framework of the unit tests. It is searched for by hand, so
# that pkg-config is not needed; not every system has CMake files for Check.

find_path(Check_INCLUDE_DIR check.h)
# Debian ships two archives, of which only one can be linked into a PIE.
find_library(Check_LIBRARY NAMES check_pic check)
# A static Check may need it.
find_library(Check_SUBUNIT_LIBRARY subunit)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Check
    REQUIRED_VARS Check_LIBRARY Check_INCLUDE_DIR)
mark_as_advanced(Check_INCLUDE_DIR Check_LIBRARY Check_SUBUNIT_LIBRARY)

if(Check_FOUND AND NOT TARGET Check::check)
    find_package(Threads REQUIRED)
    set(libraries Threads::Threads rt m)
    if(Check_SUBUNIT_LIBRARY)
        list(PREPEND libraries "${Check_SUBUNIT_LIBRARY}")
    endif()
    add_library(Check::check UNKNOWN IMPORTED)
    set_target_properties(Check::check PROPERTIES
        IMPORTED_LOCATION "${Check_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${Check_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES "${libraries}")
endif()

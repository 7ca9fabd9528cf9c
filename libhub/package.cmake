# What is installed of libhub: the shared library for those who run programs,
# and for those who build them the rest, found by CMake and by pkg-config.

set(development COMPONENT libhub-dev)
install(TARGETS ${hub_targets} EXPORT hub-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    COMPONENT libhub${PROJECT_VERSION_MAJOR}
    NAMELINK_COMPONENT libhub-dev
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} ${development})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/hub ${development}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# find_package(hub)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/hub)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/hub-config.cmake.in
    ${CMAKE_CURRENT_BINARY_DIR}/hub-config.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(
    ${CMAKE_CURRENT_BINARY_DIR}/hub-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(EXPORT hub-targets NAMESPACE hub:: ${development}
    DESTINATION ${package_dir})
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/hub-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/hub-config-version.cmake
    DESTINATION ${package_dir} ${development})

# pkg-config libhub, wherever the prefix is moved to. A directory that was given
# as an absolute path stays what it is.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
    file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
    set(pc_prefix "\${pcfiledir}/${prefix_from_pc}")
endif()
set(pc_includedir "\${prefix}")
cmake_path(APPEND pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
set(pc_libdir "\${prefix}")
cmake_path(APPEND pc_libdir "${CMAKE_INSTALL_LIBDIR}")

# What a static libhub needs besides. Where there is no other libhub, nobody
# should have to ask for it.
set(pc_needs " -pthread")
if(HUB_HAVE_LIBURING)
    string(APPEND pc_needs " -luring")
endif()
set(pc_libs "")
set(pc_libs_private "")
if(BUILD_SHARED_LIBS)
    set(pc_libs_private "${pc_needs}")
else()
    set(pc_libs "${pc_needs}")
endif()
configure_file(${PROJECT_SOURCE_DIR}/pkgconfig/libhub.pc.in libhub.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libhub.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig ${development})

# The manual page, by the name of each function too.
set(page ${PROJECT_SOURCE_DIR}/packaging/man/libhub.3)
set(man_dir ${CMAKE_INSTALL_MANDIR}/man3)
install(FILES ${page} DESTINATION ${man_dir} ${development})
file(STRINGS ${page} functions REGEX "^\\.Nm hub_[a-z_]+( ,)?$")
foreach(line IN LISTS functions)
    string(REGEX MATCH "hub_[a-z_]+" function "${line}")
    file(CONFIGURE OUTPUT man3/${function}.3 CONTENT ".so man3/libhub.3\n")
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/man3/${function}.3
        DESTINATION ${man_dir} ${development})
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})

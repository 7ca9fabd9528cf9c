# Debian packages: libhub0, libhub-dev and hubd, as `cpack` puts them together
# from the install rules of those components. What only Debian needs is in
# packaging/debian, and added here.
#
# HUB_PACKAGE_RELEASE counts the packages of one version of the sources.

set(HUB_PACKAGE_RELEASE 1 CACHE STRING "Revision of the Debian packages")
set(debian ${PROJECT_SOURCE_DIR}/packaging/debian)
set(docs ${CMAKE_INSTALL_DATAROOTDIR}/doc)

install(FILES ${PROJECT_SOURCE_DIR}/packaging/systemd/hubd.service
    DESTINATION lib/systemd/system COMPONENT hubd)
# It may hold a key.
install(FILES ${PROJECT_SOURCE_DIR}/packaging/hubd.conf
    DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/hubd COMPONENT hubd
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
# At the same relative paths as in the sources, for the links between them.
install(FILES SECURITY.md DESTINATION ${docs}/hubd COMPONENT hubd)
install(DIRECTORY packaging/grafana packaging/proxies
    DESTINATION ${docs}/hubd/packaging COMPONENT hubd)
install(FILES clients/js/README.md clients/js/hub-client.js
    clients/js/hub-client.d.ts clients/js/hub-protocol.js
    clients/js/package.json
    DESTINATION ${docs}/hubd/clients/js COMPONENT hubd)
install(FILES docs/authentication.md docs/console.md docs/console.png docs/metrics.md docs/operating.md
    docs/protocol.md docs/proxies.md
    DESTINATION ${docs}/hubd/docs COMPONENT hubd)
install(DIRECTORY examples DESTINATION ${docs}/libhub-dev
    COMPONENT libhub-dev PATTERN CMakeLists.txt EXCLUDE)
foreach(package libhub0 libhub-dev hubd)
    install(FILES ${debian}/copyright
        DESTINATION ${docs}/${package} COMPONENT ${package})
    install(FILES CHANGELOG.md RENAME changelog
        DESTINATION ${docs}/${package} COMPONENT ${package})
    install(FILES ${debian}/changelog RENAME changelog.Debian
        DESTINATION ${docs}/${package} COMPONENT ${package})
    if(EXISTS ${debian}/${package}/lintian-overrides)
        install(FILES ${debian}/${package}/lintian-overrides
            RENAME ${package} COMPONENT ${package}
            DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/lintian/overrides)
    endif()
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL libhub0 libhub-dev hubd)
set(CPACK_SET_DESTDIR ON) # /etc is not below the prefix
set(CPACK_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGE_NAME hub)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each has its own
set(CPACK_PACKAGE_CONTACT "The hub authors <hub@packages.invalid>")
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/HubPackageBefore.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/HubPackageAfter.cmake)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${HUB_PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_SOURCE hub)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
    ${PROJECT_BINARY_DIR}/libhub)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(version ${PROJECT_VERSION}-${HUB_PACKAGE_RELEASE})

set(CPACK_DEBIAN_LIBHUB0_PACKAGE_NAME libhub0)
set(CPACK_DEBIAN_LIBHUB0_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBHUB0_PACKAGE_CONTROL_EXTRA
    ${debian}/libhub0/symbols ${debian}/libhub0/triggers)
set(CPACK_DEBIAN_LIBHUB0_DESCRIPTION
"library that delivers messages over WebSockets
libhub keeps WebSocket connections in event loops and delivers messages to a
user, to a session or to everybody. Programs hand it sockets whose opening
handshake is done; it does the framing, heartbeats, queueing and closing.")

set(CPACK_DEBIAN_LIBHUB-DEV_PACKAGE_NAME libhub-dev)
set(CPACK_DEBIAN_LIBHUB-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBHUB-DEV_PACKAGE_DEPENDS "libhub0 (= ${version})")
get_target_property(definitions hub_objects COMPILE_DEFINITIONS)
if("HUB_HAVE_LIBURING" IN_LIST definitions) # a static libhub needs it
    string(APPEND CPACK_DEBIAN_LIBHUB-DEV_PACKAGE_DEPENDS ", liburing-dev")
endif()
set(CPACK_DEBIAN_LIBHUB-DEV_DESCRIPTION
"library that delivers messages over WebSockets - development files
libhub keeps WebSocket connections in event loops and delivers messages to a
user, to a session or to everybody.
.
This package contains what is needed to build programs with libhub: headers, a
static library, files for pkg-config and CMake, the manual page, and examples.")

set(CPACK_DEBIAN_HUBD_PACKAGE_NAME hubd)
set(CPACK_DEBIAN_HUBD_PACKAGE_SECTION net)
# hubd loads libcurl, which is here because hub-bench links it; it asks by https.
set(CPACK_DEBIAN_HUBD_PACKAGE_DEPENDS "libhub0 (= ${version}), adduser")
set(CPACK_DEBIAN_HUBD_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_HUBD_PACKAGE_CONTROL_EXTRA
    ${debian}/hubd/conffiles ${debian}/hubd/postinst ${debian}/hubd/prerm
    ${debian}/hubd/postrm)
set(CPACK_DEBIAN_HUBD_DESCRIPTION
"WebSocket hub that backends post messages to
hubd keeps WebSocket connections to browsers and other clients open. Backends
post messages to it over HTTP, each for a user, a session or everybody, and
hubd delivers them byte for byte as they were posted.
.
This package also contains hub-bench, which measures hubd and other hubs.")

include(CPack)

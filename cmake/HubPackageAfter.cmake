# Run by cpack after packing, see HubPackage.cmake: libhub0 leaves ldconfig to
# its trigger, as Debian policy requires (8.1.1). CPack adds scripts that call
# it, and has no option not to.
foreach(package IN LISTS CPACK_PACKAGE_FILES)
    if(NOT package MATCHES "/libhub0_[^/]*$")
        continue()
    endif()
    set(root ${CPACK_TEMPORARY_DIRECTORY}/libhub0.unpacked)
    file(REMOVE_RECURSE ${root})
    execute_process(COMMAND dpkg-deb --raw-extract ${package} ${root}
        COMMAND_ERROR_IS_FATAL ANY)
    file(REMOVE ${root}/DEBIAN/postinst ${root}/DEBIAN/postrm)
    execute_process(
        COMMAND dpkg-deb --root-owner-group --build ${root} ${package}
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endforeach()

# The installed tree: headers, libraries, pkg-config file, CMake package, command, compiler. All of it
# finds the rest from where it lies, so the tree may be moved.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Bulkhead)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pkgconfig /${pkgconfig_dir} /)
string(REGEX REPLACE "/$" "" prefix_from_pkgconfig "${prefix_from_pkgconfig}")

configure_file(cmake/bulkhead.pc.in ${PROJECT_BINARY_DIR}/bulkhead.pc @ONLY)
configure_package_config_file(cmake/BulkheadConfig.cmake.in
    ${PROJECT_BINARY_DIR}/BulkheadConfig.cmake
    INSTALL_DESTINATION ${package_dir}
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR compiler_libexec
    NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/BulkheadConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)

# What others may write to is not executed (src/compile/program.h), so no umask decides that.
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
install(DIRECTORY include/bulkhead DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS bulkhead_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${static_archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_BINARY_DIR}/bulkhead.pc DESTINATION ${pkgconfig_dir})
install(FILES
    ${PROJECT_BINARY_DIR}/BulkheadConfig.cmake
    ${PROJECT_BINARY_DIR}/BulkheadConfigVersion.cmake
    DESTINATION ${package_dir})
if(TARGET bulkhead)
    install(TARGETS bulkhead RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# libbulkhead.so, libbulkhead.a and the command.

file(GLOB core_sources CONFIGURE_DEPENDS src/*/*.c src/engine/*/*.c)
file(GLOB command_sources CONFIGURE_DEPENDS cli/*.c)

# bulkhead_objects(NAME FLAGS): all of src/ compiled once.
function(bulkhead_objects name flags)
    add_library(${name} OBJECT ${core_sources})
    target_include_directories(${name} PRIVATE include src)
    target_include_directories(${name} SYSTEM PRIVATE ${engine_dir}/include)
    target_link_libraries(${name} PRIVATE ${flags} PkgConfig::JANSSON)
    target_compile_options(${name} PRIVATE -ffunction-sections -fdata-sections)
endfunction()

# Where the compiler is installed.
set_property(SOURCE src/compile/program.c APPEND PROPERTY
    COMPILE_DEFINITIONS BHD_LIBEXECDIR="${CMAKE_INSTALL_FULL_LIBEXECDIR}")

bulkhead_objects(bulkhead_core bulkhead_release_flags)

# -- libbulkhead.so ----------------------------------------------------------------------------
# Exports what the headers mark BHD_PUBLIC and nothing else. It stays in the process once loaded
# (nodelete): the engine has installed signal handlers and thread-local destructors.
add_library(bulkhead_shared SHARED $<TARGET_OBJECTS:bulkhead_core>)
set_target_properties(bulkhead_shared PROPERTIES
    OUTPUT_NAME bulkhead VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    LINKER_LANGUAGE C)
target_include_directories(bulkhead_shared INTERFACE include)
target_link_libraries(bulkhead_shared PRIVATE bulkhead_release_flags bulkhead_engine PkgConfig::JANSSON)
target_link_options(bulkhead_shared PRIVATE
    -Wl,--exclude-libs,ALL -Wl,--gc-sections -Wl,-z,defs -Wl,-z,nodelete)

# -- libbulkhead.a -----------------------------------------------------------------------------
# One relocatable object with the engine in it and only the public symbols left visible: a consumer
# links one archive of 40 MB, and neither another copy of Wasmtime nor another Rust library in the
# same program can clash with it. (The engine's archive beside ours would make all of its symbols
# part of every consumer's link, at 110 MB.) Partial links that leave out what nobody reaches are
# GNU ld's.
find_program(BULKHEAD_LD NAMES ld.bfd ld REQUIRED)
set(static_archive ${PROJECT_BINARY_DIR}/libbulkhead.a)
add_custom_command(OUTPUT ${static_archive}
    COMMAND ${CMAKE_COMMAND} -E env LD=${BULKHEAD_LD} AR=${CMAKE_AR} OBJCOPY=${CMAKE_OBJCOPY}
        READELF=${CMAKE_READELF}
        ${PROJECT_SOURCE_DIR}/cmake/archive.sh ${static_archive} $<TARGET_FILE:bulkhead_shared>
        $<TARGET_OBJECTS:bulkhead_core> ${engine_archive}
    DEPENDS bulkhead_shared bulkhead_core $<TARGET_OBJECTS:bulkhead_core> ${engine_archive}
        ${PROJECT_SOURCE_DIR}/cmake/archive.sh ${PROJECT_SOURCE_DIR}/cmake/archive.ld
    COMMAND_EXPAND_LISTS
    COMMENT "Linking the static library libbulkhead.a"
    VERBATIM)
add_custom_target(bulkhead_archive ALL DEPENDS ${static_archive})
add_library(bulkhead_static STATIC IMPORTED)
set_target_properties(bulkhead_static PROPERTIES
    IMPORTED_LOCATION ${static_archive}
    INTERFACE_INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/include
    INTERFACE_LINK_LIBRARIES "PkgConfig::JANSSON;Threads::Threads;${CMAKE_DL_LIBS};m")
add_dependencies(bulkhead_static bulkhead_archive)

# -- bulkhead ----------------------------------------------------------------------------------
# A user of the public headers and of the static library, so that it runs wherever it is copied. What
# it shares with the inside of the library are pure functions over text, which the archive hides.
if(command_sources)
    add_executable(bulkhead ${command_sources} src/base/nearest.c src/base/text.c src/base/unicode.c)
    target_include_directories(bulkhead PRIVATE src)
    set_target_properties(bulkhead PROPERTIES NO_SYSTEM_FROM_IMPORTED ON)
    target_link_libraries(bulkhead PRIVATE bulkhead_release_flags bulkhead_static PkgConfig::SECCOMP)
endif()

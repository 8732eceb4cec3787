# Debian packages: `cpack -G DEB` in the folder of the build. The library in libtempfileN if it is shared, what programs
# are built with in libtempfile-dev, the tool in tmp.
set(CPACK_PACKAGE_CONTACT "the tempfile authors <root@localhost>" CACHE STRING "Who is named as maintainer of packages")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
# By DESTDIR: the units of systemd name the tool by the prefix.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_for_debian.cmake)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_COMPONENTS_ALL development)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libtempfile-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
  "The library for C++20, with what Python's tempfile module has: what programs are\n\
built with.")

if(BUILD_SHARED_LIBS)
  get_target_property(soversion tempfile SOVERSION)
  set(library libtempfile${soversion})
  list(APPEND CPACK_COMPONENTS_ALL library)
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library})
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
    "The library for C++20, with what Python's tempfile module has: what programs need\n\
when they run.")
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library} (= ${PROJECT_VERSION})")
endif()

if(TEMPFILE_BUILD_TOOL)
  list(APPEND CPACK_COMPONENTS_ALL tool)
  set(CPACK_DEBIAN_TOOL_PACKAGE_NAME tmp)
  set(CPACK_DEBIAN_TOOL_PACKAGE_SECTION utils)
  set(scripts ${CMAKE_CURRENT_BINARY_DIR}/debian)
  configure_file(dist/debian/reload ${scripts}/postinst COPYONLY)
  configure_file(dist/debian/reload ${scripts}/postrm COPYONLY)
  set(CPACK_DEBIAN_TOOL_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/dist/debian/prerm ${scripts}/postinst ${scripts}/postrm)
  if(NOT TEMPFILE_CAN_LINK_STATICALLY)
    set(CPACK_DEBIAN_TOOL_PACKAGE_SHLIBDEPS ON)
  endif()
  set(CPACK_COMPONENT_TOOL_DESCRIPTION
    "A tool for the shell: makes private files and directories, runs commands with\n\
directories of their own, replaces files in one step, removes trees, and sweeps up\n\
what killed programs left. Can take the place of mktemp.")
endif()

include(CPack)

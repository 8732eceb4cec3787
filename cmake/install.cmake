# What `cmake --install` puts where, and the two ways to find it again: find_package(tempfile) and pkg-config.
include(CMakePackageConfigHelpers)

install(TARGETS tempfile EXPORT tempfile-targets
  ARCHIVE COMPONENT development
  LIBRARY COMPONENT library NAMELINK_COMPONENT development)
if(BUILD_SHARED_LIBS)
  install(TARGETS tempfile_archive COMPONENT development)
endif()
install(DIRECTORY include/tempfile DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT tempfile-targets NAMESPACE tempfile:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/tempfile
  COMPONENT development)

write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/tempfile-config-version.cmake
  COMPATIBILITY SameMinorVersion)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/tempfile-config.cmake
  "include(\"\${CMAKE_CURRENT_LIST_DIR}/tempfile-targets.cmake\")\n")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tempfile-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/tempfile-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/tempfile COMPONENT development)

# The .pc file finds the prefix from its own place, so that an installed tree can be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
  BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE prefix_from_pc)
configure_file(cmake/tempfile.pc.in tempfile.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tempfile.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT development)

if(TEMPFILE_BUILD_TOOL)
  install(TARGETS tmp COMPONENT tool)
  set(pages ${PROJECT_BINARY_DIR}/cli/pages)
  install(DIRECTORY ${pages}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tool)
  install(FILES ${pages}/bash/tmp DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT tool)
  install(FILES ${pages}/zsh/_tmp DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT tool)
  install(FILES ${pages}/fish/tmp.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT tool)
  # Who wants the sweep once an hour enables the timer: systemctl --user enable --now tmp-sweep.timer
  # The services name the tool by its path, which `cmake --install --prefix` decides. They are written where they belong
  # and nowhere before: two installations from one build may run at the same time. % means something to systemd.
  foreach(manager user system)
    set(units lib/systemd/${manager})
    install(CODE "
      cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_PREFIX OUTPUT_VARIABLE prefix)
      cmake_path(APPEND prefix \"${CMAKE_INSTALL_BINDIR}\" tmp OUTPUT_VARIABLE TMP)
      string(REPLACE % %% TMP \"\${TMP}\")
      set(service \"\${prefix}/${units}/tmp-sweep.service\")
      message(STATUS \"Installing: \$ENV{DESTDIR}\${service}\")
      configure_file(\"${CMAKE_CURRENT_SOURCE_DIR}/dist/systemd/${manager}/tmp-sweep.service.in\"
        \"\$ENV{DESTDIR}\${service}\" @ONLY)
      list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${service}\")" COMPONENT tool)
    install(FILES dist/systemd/${manager}/tmp-sweep.timer DESTINATION ${units} COMPONENT tool)
  endforeach()
endif()

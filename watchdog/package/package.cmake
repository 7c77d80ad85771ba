# What "cmake --install" installs besides the programs, and the Debian package ("package").

set(here ${CMAKE_CURRENT_LIST_DIR})
set(staged ${PROJECT_BINARY_DIR}/package)
set(data_dir ${CMAKE_INSTALL_DATADIR}/osquery-watchdog)
set(completions_dir ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
find_program(GZIP gzip REQUIRED)

# install_located(SOURCE.in DESTINATION PROGRAMS|FILES): fills in the directories at install time,
# because only then is the prefix known.
function(install_located source destination kind)
  cmake_path(GET source STEM LAST_ONLY name)
  install(CODE "
    cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_PREFIX NORMALIZE OUTPUT_VARIABLE prefix)
    set(bindir \"\${prefix}/${CMAKE_INSTALL_BINDIR}\")
    set(datadir \"\${prefix}/${CMAKE_INSTALL_DATADIR}\")
    configure_file(\"${source}\" \"${staged}/${name}\" @ONLY)")
  install(${kind} ${staged}/${name} DESTINATION ${destination})
endfunction()

# install_compressed(SOURCE NAME DESTINATION): compresses as Debian requires of manuals and
# changelogs.
function(install_compressed source name destination)
  set(output ${staged}/${name}.gz)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${staged}
    COMMAND ${GZIP} -9nc ${source} >${output}
    DEPENDS ${source})
  add_custom_target(compressed-${name} ALL DEPENDS ${output})
  install(FILES ${output} DESTINATION ${destination})
endfunction()

install_located(${PROJECT_SOURCE_DIR}/watchdog/systemd/osquery-watchdog.in
  ${CMAKE_INSTALL_SBINDIR} PROGRAMS)
install_located(${PROJECT_SOURCE_DIR}/watchdog/systemd/50-osquery-watchdog.conf.in
  ${data_dir}/osqueryd.service.d FILES)
install(FILES ${PROJECT_SOURCE_DIR}/watchdog/systemd/tmpfiles.conf
  DESTINATION lib/tmpfiles.d RENAME osquery-watchdog.conf)

foreach(program osquery-watchdogd osquery-watchdogctl osquery-watchdog)
  install(FILES ${here}/completion/${program} DESTINATION ${completions_dir})
endforeach()

foreach(page osquery-watchdogd.8 osquery-watchdog.ext.8 osquery-watchdog.8 osquery-watchdogctl.1)
  cmake_path(GET page EXTENSION LAST_ONLY section)
  string(SUBSTRING ${section} 1 -1 section)
  install_compressed(${PROJECT_SOURCE_DIR}/docs/man/${page} ${page}
    ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

install(FILES ${PROJECT_SOURCE_DIR}/docs/packs/watchdog.conf DESTINATION ${data_dir}/packs)
file(GLOB fleet CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/fleet/*.yml)
install(FILES ${fleet} DESTINATION ${data_dir}/fleet)
install(FILES ${here}/lintian-overrides
  DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME osquery-watchdog)

# The layout stays as it is here, so that the documents' links to each other keep working.
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${here}/copyright
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING
  PATTERN *.md PATTERN *.svg PATTERN packs/*.conf PATTERN fleet/*.yml PATTERN man EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/tests/stand-in/README.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/tests/stand-in)
set(release 1)
string(TIMESTAMP changed "%a, %d %b %Y %H:%M:%S +0000" UTC) # or that of $SOURCE_DATE_EPOCH
configure_file(${here}/changelog.in ${staged}/changelog.Debian @ONLY)
install_compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog ${CMAKE_INSTALL_DOCDIR})
install_compressed(${staged}/changelog.Debian changelog.Debian ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "osquery-watchdog maintainers <maintainers@osquery-watchdog.invalid>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${release})
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Only a suggestion, because osquery is not in Debian's archive. It may be installed later, or under
# another name.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS osquery)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${here}/postinst ${here}/prerm ${here}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Independent of the builder's umask.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "watchdog for osquery whose decisions can be queried in SQL")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"osquery's own watchdog kills osquery's worker and its extensions when they
use too much CPU or memory, and hardly anyone finds out. This one takes its
place and keeps its flags. It answers in SQL: which process was terminated,
when, and why; which limit it exceeded and by how much; what the outcome was;
and what happened next.
.
It replaces nothing in osquery's own package. 'osquery-watchdog enable' makes
osqueryd.service run osqueryd under it; 'osquery-watchdog disable' undoes
that.")
include(CPack)

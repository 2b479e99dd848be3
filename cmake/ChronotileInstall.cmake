# `cmake --install`: the program, the shipped networks and data, and the libraries as find_package(chronotile) components
# chronotile::{common,firmware,models,traces,workloads,platform}.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(libraries common firmware models traces workloads platform)
foreach(library IN LISTS libraries)
  set_target_properties(chronotile_${library} PROPERTIES EXPORT_NAME ${library})
  install(
    DIRECTORY ${library}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/chronotile
    FILES_MATCHING
    PATTERN "*.hpp"
    PATTERN "cli" EXCLUDE
    PATTERN "training" EXCLUDE
    PATTERN "data" EXCLUDE
    PATTERN "weights/*.safetensors" EXCLUDE)
endforeach()
list(TRANSFORM libraries PREPEND chronotile_)
install(TARGETS ${libraries} chronotile_warnings EXPORT chronotile)
install(TARGETS chronotile RUNTIME)
install(FILES workloads/kws/weights/kws.safetensors workloads/rnnt/weights/rnnt_small.safetensors
              workloads/rnnt/data/dev-clean-lengths.tsv DESTINATION ${CMAKE_INSTALL_DATADIR}/chronotile)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/chronotile)
install(EXPORT chronotile NAMESPACE chronotile:: DESTINATION ${package})
configure_package_config_file(cmake/chronotileConfig.cmake.in ${PROJECT_BINARY_DIR}/chronotileConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/chronotileConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/chronotileConfig.cmake ${PROJECT_BINARY_DIR}/chronotileConfigVersion.cmake
              cmake/FindSystemC.cmake DESTINATION ${package})

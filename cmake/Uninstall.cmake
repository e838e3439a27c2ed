# SPDX-License-Identifier: GPL-2.0-or-later
#
# Target uninstall: removes what `cmake --install` has written down.

# Directories that are ours alone, and go when nothing is left in them.
set(TNB_OWN_DIRECTORIES ${CMAKE_INSTALL_INCLUDEDIR}/timensbpf)
list(JOIN TNB_OWN_DIRECTORIES "," directories)
add_custom_target(uninstall
    COMMAND ${CMAKE_COMMAND} -DMANIFEST=${CMAKE_BINARY_DIR}/install_manifest.txt
            -DOWN=${directories}
            -P ${CMAKE_SOURCE_DIR}/cmake/RemoveInstalled.cmake
    VERBATIM)

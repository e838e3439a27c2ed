# SPDX-License-Identifier: GPL-2.0-or-later
#
# Target version: ${TNB_BPF_DIR}/version.h, with a digest of the sources that
# make the BPF programs, the library and what they share. Two builds with other
# programs are never the same version. Two builds of the same sources always
# are, with whatever compiler, kernel and directory: the objects differ there,
# by the kernel's vmlinux.h and by paths.

# Known endings alone, so that an editor's backup makes no other version.
set(TNB_VERSION_ENDINGS c h S in lds map cmake txt)
set(patterns)
foreach(directory bpf include loader)
    foreach(ending IN LISTS TNB_VERSION_ENDINGS)
        list(APPEND patterns ${CMAKE_SOURCE_DIR}/${directory}/*.${ending})
    endforeach()
endforeach()
file(GLOB_RECURSE TNB_VERSION_SOURCES CONFIGURE_DEPENDS
    RELATIVE ${CMAKE_SOURCE_DIR} ${patterns})
# The flags by which the programs are compiled.
list(APPEND TNB_VERSION_SOURCES cmake/BpfObject.cmake)
list(SORT TNB_VERSION_SOURCES COMPARE STRING)
list(JOIN TNB_VERSION_SOURCES "\n" lines)
# Changes only with the list: a file that is removed makes another version, too.
file(CONFIGURE OUTPUT ${TNB_BPF_DIR}/version.sources CONTENT "${lines}\n")

list(TRANSFORM TNB_VERSION_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/
    OUTPUT_VARIABLE paths)
add_custom_command(
    OUTPUT ${TNB_BPF_DIR}/version.h
    COMMAND ${CMAKE_COMMAND} -DVERSION=${PROJECT_VERSION}
            -DROOT=${CMAKE_SOURCE_DIR} -DSOURCES=${TNB_BPF_DIR}/version.sources
            -DTEMPLATE=${CMAKE_SOURCE_DIR}/loader/version.h.in
            -DOUTPUT=${TNB_BPF_DIR}/version.h
            -P ${CMAKE_SOURCE_DIR}/cmake/WriteVersion.cmake
    DEPENDS ${paths} ${TNB_BPF_DIR}/version.sources
            ${CMAKE_SOURCE_DIR}/cmake/WriteVersion.cmake
    COMMENT "Version of these sources"
    VERBATIM)
add_custom_target(version DEPENDS ${TNB_BPF_DIR}/version.h)

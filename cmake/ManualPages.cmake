# SPDX-License-Identifier: GPL-2.0-or-later
#
# Target manual, built by default: man/NAME.N.scd becomes man/NAME.N, which is
# installed. Without scdoc (Debian's package of this name) the programs are built
# all the same, and no page is.

find_program(TNB_SCDOC NAMES scdoc)
file(GLOB TNB_MANUAL_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/man/*.scd)
set(TNB_MANUAL_DIR ${CMAKE_BINARY_DIR}/man)

# tnb_manual_page(SOURCE): appends the page to TNB_MANUAL_PAGES.
function(tnb_manual_page source)
    cmake_path(GET source STEM LAST_ONLY name)
    string(REGEX MATCH "[0-9]$" section ${name})
    set(page ${TNB_MANUAL_DIR}/${name})
    add_custom_command(
        OUTPUT ${page}
        COMMAND ${TNB_SCDOC} < ${source} > ${page}.new
        COMMAND ${CMAKE_COMMAND} -E rename ${page}.new ${page}
        DEPENDS ${source}
        COMMENT "Manual page ${name}"
        VERBATIM)
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    set(TNB_MANUAL_PAGES ${TNB_MANUAL_PAGES} ${page} PARENT_SCOPE)
endfunction()

if(TNB_SCDOC)
    file(MAKE_DIRECTORY ${TNB_MANUAL_DIR})
    foreach(source IN LISTS TNB_MANUAL_SOURCES)
        tnb_manual_page(${source})
    endforeach()
    add_custom_target(manual ALL DEPENDS ${TNB_MANUAL_PAGES})
else()
    message(STATUS "scdoc is missing: the manual pages are not built")
endif()

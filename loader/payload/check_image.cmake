# SPDX-License-Identifier: GPL-2.0-or-later
# cmake -DREADELF=... -DIMAGE=... -P check_image.cmake: can the image be mapped
# as it is? image.lds asserts the same; this looks at what came out.

# A file that is refused must not pass as built the next time.
function(refuse why)
	file(REMOVE ${IMAGE})
	message(FATAL_ERROR "${IMAGE}: ${why}")
endfunction()

execute_process(COMMAND ${READELF} -lrdW ${IMAGE}
    OUTPUT_VARIABLE listing RESULT_VARIABLE failed)
if(failed)
	refuse("${READELF} cannot read it")
endif()
string(REGEX MATCHALL "  LOAD [^\n]*" segments "${listing}")
list(LENGTH segments count)
if(NOT count EQUAL 1)
	refuse("${count} segments to load instead of one")
endif()
if(NOT segments MATCHES "0x0+ 0x0+ 0x0+ 0x0*1000 0x0*1000 R E")
	refuse("not one page, readable and executable:${segments}")
endif()
if(listing MATCHES "Relocation section|\\(RELA?(SZ)?\\)|\\(JMPREL\\)|\\(NEEDED\\)")
	refuse("it has relocations")
endif()
if(NOT listing MATCHES "GNU_EH_FRAME" OR NOT listing MATCHES "DYNAMIC ")
	refuse("it has no unwind tables or no symbols")
endif()

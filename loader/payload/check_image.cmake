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

# Each range of unwinders begins within the code.
execute_process(COMMAND ${READELF} -hW --debug-dump=frames ${IMAGE}
    OUTPUT_VARIABLE frames RESULT_VARIABLE failed)
string(REGEX MATCH "Entry point address: +(0x[0-9a-f]+)" entry "${frames}")
math(EXPR code "${CMAKE_MATCH_1}")
string(REGEX MATCHALL "pc=[0-9a-f]+" ranges "${frames}")
if(failed OR NOT ranges)
	refuse("it has no ranges of unwinders")
endif()
foreach(range ${ranges})
	string(REPLACE "pc=" "0x" range ${range})
	math(EXPR begin "${range}")
	if(begin LESS code OR NOT begin LESS 4096)
		refuse("a range of unwinders begins at ${range}")
	endif()
endforeach()

# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmake -DMANIFEST=… -DOWN=a,b -P RemoveInstalled.cmake
#   Removes the files that MANIFEST lists, and the empty directories whose path
#   ends with one of OWN. $DESTDIR goes in front, as it did when they were
#   installed.

# remove_own_directories(FILE): FILE was in it.
function(remove_own_directories file)
    cmake_path(GET file PARENT_PATH directory)
    foreach(own IN LISTS OWN)
        if(directory MATCHES "/${own}$" AND IS_DIRECTORY ${directory})
            file(GLOB left LIST_DIRECTORIES true ${directory}/*)
            if(NOT left)
                message(STATUS "Removing: ${directory}")
                file(REMOVE_RECURSE ${directory})
            endif()
        endif()
    endforeach()
endfunction()

if(NOT EXISTS ${MANIFEST})
    message(FATAL_ERROR "${MANIFEST} is missing: nothing was installed from here")
endif()
string(REPLACE "," ";" OWN "${OWN}")
file(STRINGS ${MANIFEST} files)
foreach(file IN LISTS files)
    set(file $ENV{DESTDIR}${file})
    if(EXISTS ${file} OR IS_SYMLINK ${file})
        message(STATUS "Removing: ${file}")
        file(REMOVE ${file})
    else()
        message(STATUS "Already gone: ${file}")
    endif()
    remove_own_directories(${file})
endforeach()
file(REMOVE ${MANIFEST})

# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmake -DVERSION=… -DROOT=… -DSOURCES=… -DTEMPLATE=… -DOUTPUT=… -P WriteVersion.cmake
#   SOURCES is a file that names sources below ROOT, one a line. Their names and
#   contents alone decide.
file(STRINGS ${SOURCES} sources)
set(digests)
foreach(source IN LISTS sources)
    file(SHA256 ${ROOT}/${source} digest)
    string(APPEND digests "${digest} ${source}\n")
endforeach()
string(SHA256 digest "${digests}")
string(SUBSTRING ${digest} 0 8 TIMENSBPF_SOURCES_DIGEST)
set(PROJECT_VERSION ${VERSION})
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)

# SPDX-License-Identifier: GPL-2.0-or-later
# cmake -DVERSION=… -DOBJECTS=a,b -DTEMPLATE=… -DOUTPUT=… -P Version.cmake
string(REPLACE "," ";" OBJECTS "${OBJECTS}")
set(digests)
foreach(object IN LISTS OBJECTS)
    file(SHA256 ${object} digest)
    string(APPEND digests ${digest})
endforeach()
string(SHA256 digest "${digests}")
string(SUBSTRING ${digest} 0 8 TIMENSBPF_BPF_DIGEST)
set(PROJECT_VERSION ${VERSION})
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)

# SPDX-License-Identifier: GPL-2.0-or-later
#
# tnb_bpf_skeleton(NAME skeleton SOURCES a.bpf.c … [DEFINES …])
#   Compile each source for BPF, link them to one object, generate
#   ${CMAKE_BINARY_DIR}/bpf/NAME.skel.h. Target: bpf_NAME.

find_program(TNB_CLANG NAMES clang clang-14 REQUIRED)
find_program(TNB_BPFTOOL NAMES bpftool PATHS /usr/sbin REQUIRED)

set(TIMENSBPF_VMLINUX_BTF /sys/kernel/btf/vmlinux CACHE FILEPATH
    "Kernel whose BTF the BPF programs are compiled against (CO-RE: any will do)")
if(NOT EXISTS ${TIMENSBPF_VMLINUX_BTF})
    message(FATAL_ERROR "${TIMENSBPF_VMLINUX_BTF} is missing: name the BTF of any "
        "kernel with -DTIMENSBPF_VMLINUX_BTF=FILE")
endif()
set(TNB_BPF_DIR ${CMAKE_BINARY_DIR}/bpf)
file(MAKE_DIRECTORY ${TNB_BPF_DIR})

add_custom_command(
    OUTPUT ${TNB_BPF_DIR}/vmlinux.h
    COMMAND ${TNB_BPFTOOL} btf dump file ${TIMENSBPF_VMLINUX_BTF} format c
            > ${TNB_BPF_DIR}/vmlinux.h.new
    COMMAND ${CMAKE_COMMAND} -E rename
            ${TNB_BPF_DIR}/vmlinux.h.new ${TNB_BPF_DIR}/vmlinux.h
    COMMENT "vmlinux.h from ${TIMENSBPF_VMLINUX_BTF}"
    VERBATIM)

# As libbpf's bpf_tracing.h has it.
set(TNB_BPF_TARGET_x86_64 x86)

function(tnb_bpf_compile OUTPUT SOURCE)
    add_custom_command(
        OUTPUT ${OUTPUT}
        # -mcpu=v3: 32-bit and atomic compare-and-swap instructions.
        COMMAND ${TNB_CLANG} -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_${TNB_BPF_TARGET_${TNB_ARCH}}
                -Wall -Wextra -Werror -Wno-unused-parameter
                -Wno-unknown-attributes ${ARGN}
                -I${TNB_BPF_DIR} -I${CMAKE_SOURCE_DIR}/bpf
                -I${CMAKE_SOURCE_DIR}/include
                -MD -MF ${OUTPUT}.d -c ${CMAKE_CURRENT_SOURCE_DIR}/${SOURCE}
                -o ${OUTPUT}
        DEPENDS ${SOURCE} ${TNB_BPF_DIR}/vmlinux.h
        DEPFILE ${OUTPUT}.d
        COMMENT "BPF ${SOURCE}"
        VERBATIM)
endfunction()

function(tnb_bpf_skeleton)
    cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEFINES" ${ARGN})
    set(objects)
    foreach(source IN LISTS ARG_SOURCES)
        string(REPLACE "/" "-" name ${source})
        set(object ${TNB_BPF_DIR}/${ARG_NAME}-${name}.o)
        tnb_bpf_compile(${object} ${source} ${ARG_DEFINES})
        list(APPEND objects ${object})
    endforeach()
    set(linked ${TNB_BPF_DIR}/${ARG_NAME}.o)
    set(skeleton ${TNB_BPF_DIR}/${ARG_NAME}.skel.h)
    add_custom_command(
        OUTPUT ${skeleton}
        COMMAND ${TNB_BPFTOOL} gen object ${linked} ${objects}
        COMMAND ${TNB_BPFTOOL} gen skeleton ${linked} name ${ARG_NAME}_bpf
                > ${skeleton}
        DEPENDS ${objects}
        COMMENT "Skeleton ${ARG_NAME}"
        VERBATIM)
    add_custom_target(bpf_${ARG_NAME} DEPENDS ${skeleton})
endfunction()

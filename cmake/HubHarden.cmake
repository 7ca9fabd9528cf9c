# hub_harden: makes memory errors in what we build harder to exploit. Flags that
# every supported compiler knows are set directly; the others are probed for.
#
# Left out: -fzero-call-used-regs (paid for by every function, and keys do not
# live in registers), -fno-delete-null-pointer-checks and -fno-strict-overflow
# (they define behaviour that UBSan reports in the tests), -z shstk (only the
# linker can tell whether the C runtime's own objects have it too).

include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(hub_harden INTERFACE)
target_compile_options(hub_harden INTERFACE
    # _FORTIFY_SOURCE needs optimization, which an empty build type and Debug
    # lack.
    $<$<NOT:$<IN_LIST:$<CONFIG>,;Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>
    -fstack-protector-strong)
target_link_options(hub_harden INTERFACE
    -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)

function(hub_harden_if_known variable flag)
    set(CMAKE_REQUIRED_FLAGS -Werror) # clang only warns of those for other processors
    check_c_compiler_flag(${flag} ${variable})
    if(${variable})
        target_compile_options(hub_harden INTERFACE ${flag})
    endif()
endfunction()

hub_harden_if_known(HUB_HAVE_STACK_CLASH -fstack-clash-protection)
# Where an indirect jump may land: on x86, and on arm64.
hub_harden_if_known(HUB_HAVE_CF_PROTECTION -fcf-protection=full)
hub_harden_if_known(HUB_HAVE_BRANCH_PROTECTION -mbranch-protection=standard)
# clang 14 requires a second flag for it, whose name changes with the release.
hub_harden_if_known(HUB_HAVE_AUTO_VAR_INIT -ftrivial-auto-var-init=zero)

check_linker_flag(C -Wl,-z,separate-code HUB_HAVE_SEPARATE_CODE)
if(HUB_HAVE_SEPARATE_CODE)
    target_link_options(hub_harden INTERFACE -Wl,-z,separate-code)
endif()

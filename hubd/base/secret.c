/* secret.c - see secret.h. What the kernel does not know or allow is gone
 * without: the wiping does not depend on it.
 */
#include "base/secret.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEAD_STACK_BYTES (16 << 10) /* what starting takes, and settings */

void *secret_new(size_t bytes)
{
    void *secret = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (secret == MAP_FAILED)
        return NULL;
    (void)madvise(secret, bytes, MADV_DONTDUMP);
    (void)madvise(secret, bytes, MADV_WIPEONFORK);
    (void)mlock(secret, bytes);
    return secret;
}

void secret_free(void *secret, size_t bytes)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret, bytes);
    (void)munmap(secret, bytes);
}

void secret_undump(const void *start, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = (uintptr_t)start % page;
    char *first = (char *)start - before;

    (void)madvise(first, before + bytes, MADV_DONTDUMP);
}

#ifdef __x86_64__
/* 512 bits each; the lower sixteen are vzeroall's. No code of ours may use
 * them, as no other processor would run it. */
__attribute__((target("avx512f"))) static void clear_upper_registers(void)
{
#define CLEAR(n) "vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"
    __asm__ volatile(CLEAR(16) CLEAR(17) CLEAR(18) CLEAR(19) CLEAR(20) CLEAR(21)
                         CLEAR(22) CLEAR(23) CLEAR(24) CLEAR(25) CLEAR(26)
                             CLEAR(27) CLEAR(28) CLEAR(29) CLEAR(30) CLEAR(31)::
                                 :);
#undef CLEAR
}

__attribute__((target("avx"))) static void clear_lower_registers(void)
{
    __asm__ volatile("vzeroall" ::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
                           "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                           "xmm12", "xmm13", "xmm14", "xmm15");
}

void secret_clear_registers(void)
{
    if (__builtin_cpu_supports("avx512f"))
        clear_upper_registers();
    if (__builtin_cpu_supports("avx"))
        clear_lower_registers();
}
#else
void secret_clear_registers(void)
{
}
#endif

__attribute__((noinline)) void secret_clear_leftovers(void)
{
    char dead[DEAD_STACK_BYTES];

    explicit_bzero(dead, sizeof(dead));
    secret_clear_registers();
}

/* Before main() the C library has looked at the arguments, and it goes on to
 * bind symbols of its own. */
__attribute__((constructor)) static void clear_start(void)
{
    secret_clear_leftovers();
}

/* secret.c - see secret.h. Whatever the kernel does not know or allow is
 * skipped: the wiping does not depend on it.
 */
#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>

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

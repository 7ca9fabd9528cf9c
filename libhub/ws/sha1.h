/* sha1.h - SHA-1 (FIPS 180-4), only for the opening handshake, which requires
 * it; nothing here relies on its strength. Pure.
 */
#ifndef HUB_SHA1_H
#define HUB_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define HUB__SHA1_BYTES 20

void hub__sha1(uint8_t digest[HUB__SHA1_BYTES], const void *data, size_t bytes);

#endif

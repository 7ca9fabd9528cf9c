/* frames.h - what clients send: masked frames as they should be, and what
 * should not be. Pure.
 */
#ifndef SOAK_FRAMES_H
#define SOAK_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "dice.h"

#define FRAMES_TEXT 0x81
#define FRAMES_PAYLOAD_MAX 4096
#define FRAMES_BYTES (FRAMES_PAYLOAD_MAX + 64)

#define FRAMES_GARBAGE 9      /* kinds of it */
#define FRAMES_GARBAGE_HALF 8 /* a frame that has no end, and no answer */

/* Writes a masked frame; returns its bytes. */
size_t frames_write(uint8_t *out, unsigned first, const void *payload,
                    size_t bytes, struct dice *dice);

/* A text of any size up to FRAMES_PAYLOAD_MAX in one to three fragments. */
size_t frames_text(uint8_t out[FRAMES_BYTES], struct dice *dice);

/* Garbage of a kind, and the code it must be closed with. */
size_t frames_garbage(uint8_t out[FRAMES_BYTES], unsigned kind,
                      struct dice *dice, unsigned *code);

#endif

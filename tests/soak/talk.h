/* talk.h - what clients send: valid frames, and invalid ones. Pure. */
#ifndef SOAK_TALK_H
#define SOAK_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "client/frame.h"
#include "dice.h"

#define TALK_PAYLOAD_MAX 4096
#define TALK_BYTES (TALK_PAYLOAD_MAX + 64)

#define TALK_GARBAGE 9      /* kinds of it */
#define TALK_GARBAGE_HALF 8 /* a frame that has no end, and no answer */

/* A text of any size up to TALK_PAYLOAD_MAX in one to three fragments. */
size_t talk_sense(uint8_t out[TALK_BYTES], struct dice *dice);

/* Garbage of a kind, and the code it must be closed with. */
size_t talk_garbage(uint8_t out[TALK_BYTES], unsigned kind, struct dice *dice,
                    unsigned *code);

#endif

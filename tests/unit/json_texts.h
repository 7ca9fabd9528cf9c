/* json_texts.h - JSON texts generated from a seed, and damage done to them.
 *
 * No unpaired surrogates and no U+0000, which not every reader accepts.
 */
#ifndef JSON_TEXTS_H
#define JSON_TEXTS_H

#include <stddef.h>
#include <stdint.h>

struct json_text {
    uint64_t state; /* the seed, not 0 */
    char bytes[4096];
    size_t used;
};

/* A number from 0 to below `below`. */
unsigned json_text_draw(struct json_text *text, unsigned below);

/* The next text, which is valid. */
void json_text_next(struct json_text *text);

/* Changes one byte of it, or takes it out. */
void json_text_damage(struct json_text *text);

#endif

/* message.h - the published messages: a JSON object with a number at a fixed
 * position.
 *
 *     {"type":"bench","payload":"<16 hex digits>xxx…","timestamp":"2000-…"}
 *
 * It has its own timestamp, so that no hub adds one and every hub sends the
 * same bytes.
 */
#ifndef HUB_BENCH_MESSAGE_H
#define HUB_BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_HEAD "{\"type\":\"bench\",\"payload\":\""
#define MESSAGE_TAIL "\",\"timestamp\":\"2000-01-01T00:00:00Z\"}"
#define MESSAGE_HEAD_BYTES (sizeof(MESSAGE_HEAD) - 1)
#define MESSAGE_DIGITS 16
#define MESSAGE_START_BYTES (MESSAGE_HEAD_BYTES + MESSAGE_DIGITS)
#define MESSAGE_BYTES_MIN (MESSAGE_START_BYTES + sizeof(MESSAGE_TAIL) - 1)

/* Writes a whole message of `bytes`, which is at least MESSAGE_BYTES_MIN, with
 * the number 0. Without a NUL. */
void message_write(char *out, size_t bytes);

/* Puts a number into a message. */
void message_set_number(char *message, uint64_t number);

/* Reads the number of a message of at least MESSAGE_START_BYTES. Returns false
 * if it is not one of ours. */
bool message_number(const uint8_t *message, uint64_t *number);

#endif

/* reject_stage.h - shared by the tests of hub_reject(): a hub that counts
 * callbacks, of which there should be none, and one socket.
 */
#ifndef REJECT_STAGE_H
#define REJECT_STAGE_H

#include "testing.h"

#define REJECT_PREAMBLE "HTTP/1.1 101 Switching Protocols\r\n\r\n"

extern hub_t *reject_hub;
extern struct testing_client reject_client;
extern int reject_fd; /* the hub's side */

/* With room for one connection, and no callback so far. */
struct hub_options reject_options(void);

void reject_start(void);
void reject_tear_down(void);

struct hub_rejection reject_with(int code, const char *reason);

/* The one socket is rejected; the hub has not turned yet. */
void reject_set_up(const char *preamble);

bool reject_is_open(int fd);

/* Nobody has come in or left. */
void reject_check_nobody(uint64_t rejected);

/* And the one socket is closed. */
void reject_check_over(void);

/* The client reads these bytes, and a Close frame. */
void reject_expect_bytes(const char *bytes, size_t count);
void reject_expect_close(int code, const char *reason);

#endif

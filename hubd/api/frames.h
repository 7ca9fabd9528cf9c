/* frames.h - sends control frames of hub.v1 to a client. Threads: any. */
#ifndef HUBD_FRAMES_H
#define HUBD_FRAMES_H

#include <hub/hub.h>

/* Close codes of applications (RFC 6455, 7.4.2), as docs/protocol.md has them.
 */
#define FRAMES_UNAUTHORIZED 3000
#define FRAMES_FORBIDDEN 3003

#define FRAME_MAX 512

/* Queues a frame of less than FRAME_MAX bytes; `format` is printf's. Drops it
 * if there is no room, or the connection has closed. */
__attribute__((format(printf, 3, 4))) void frames_send(hub_t *hub, hub_id id,
                                                       const char *format, ...);

/* Queues an error frame. The texts are constants that need no escapes; `about`
 * (may be NULL) is the control frame that it answers. */
void frames_error(hub_t *hub, hub_id id, const char *code, const char *about,
                  const char *message);

#endif

/* frames.h - control frames of hub.v1 on their way to a client. Threads: any.
 */
#ifndef HUBD_FRAMES_H
#define HUBD_FRAMES_H

#include <hub/hub.h>

#define FRAME_MAX 512

/* Queues a frame of less than FRAME_MAX bytes; `format` is printf's. Nothing
 * happens where there is no room for it, or the connection has left. */
__attribute__((format(printf, 3, 4))) void frames_send(hub_t *hub, hub_id id,
                                                       const char *format, ...);

/* An error frame. All texts are constants without need for escapes; `about`
 * (may be NULL) is the control frame that it answers. */
void frames_error(hub_t *hub, hub_id id, const char *code, const char *about,
                  const char *message);

#endif

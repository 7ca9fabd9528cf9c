/* version.h - the version of libhub, read by the build as well. */
#ifndef HUB_VERSION_H
#define HUB_VERSION_H

#define HUB_VERSION_MAJOR 0 /* if it changes, programs must be rebuilt */
#define HUB_VERSION_MINOR 1 /* before 1.0 the same; later: additions */
#define HUB_VERSION_PATCH 0 /* fixes */
#define HUB_VERSION "0.1.0" /* all three, as returned by hub_version() */

#endif

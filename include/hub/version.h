/* version.h - the version of libhub, read by the build as well. */
#ifndef HUB_VERSION_H
#define HUB_VERSION_H

#define HUB_VERSION_MAJOR 0 /* another one: programs are built anew */
#define HUB_VERSION_MINOR 1 /* before 1.0 the same; later: what was added */
#define HUB_VERSION_PATCH 0 /* what was mended */
#define HUB_VERSION "0.1.0" /* all three, as hub_version() says them */

#endif

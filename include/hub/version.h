/* version.h - the version of libhub, read by the build as well. */
#ifndef HUB_VERSION_H
#define HUB_VERSION_H

#define HUB_VERSION_MAJOR 0
#define HUB_VERSION_MINOR 1
#define HUB_VERSION_PATCH 0
#define HUB_VERSION "0.1.0"

#endif

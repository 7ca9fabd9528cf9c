/* config_jwt.h - see config_jwt.c. Only for the config*.c files. */
#ifndef HUBD_CONFIG_JWT_H
#define HUBD_CONFIG_JWT_H

#include "config/config_table.h"

extern const struct config_kind config_secret;     /* char * */
extern const struct config_kind config_text;       /* char * */
extern const struct config_kind config_url;        /* char * */
extern const struct config_kind config_claim;      /* char * */
extern const struct config_kind config_algorithms; /* unsigned */
extern const struct config_kind config_not_yet;    /* char *, always NULL */

#endif

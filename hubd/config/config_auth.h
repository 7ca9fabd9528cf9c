/* config_auth.h - see config_auth.c. Only for the config*.c files. */
#ifndef HUBD_CONFIG_AUTH_H
#define HUBD_CONFIG_AUTH_H

#include "config/config_table.h"

extern const struct config_kind config_methods;      /* unsigned */
extern const struct config_kind config_token_places; /* struct token_places */
extern const struct config_kind config_field_name;   /* char[] */

/* Returns 0, or -1 and one line in `error`. */
int config_auth_check(const struct config *config, struct linebuf *error);

#endif

/* check_token.h - what hubd would make of a token: --check-token.
 *
 * Threads: before there are any.
 */
#ifndef HUBD_CHECK_TOKEN_H
#define HUBD_CHECK_TOKEN_H

#include "config/config.h"

/* Prints who the token in config->token_file is for, or what it would be
 * refused for. Returns the exit code: 0 or 1, which it is where keys cannot be
 * fetched as well; EX_CONFIG where a setting or a file is to blame. */
int check_token(const struct config *config);

#endif

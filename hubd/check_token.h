/* check_token.h - --check-token: whether hubd would accept a token.
 *
 * Threads: before there are any.
 */
#ifndef HUBD_CHECK_TOKEN_H
#define HUBD_CHECK_TOKEN_H

#include "config/config.h"

/* Prints the identity in the token of config->token_file, or why it would be
 * rejected. Returns the exit code: 0; 1 if it is rejected or keys cannot be
 * fetched; EX_CONFIG if a setting or a file is to blame. */
int check_token(const struct config *config);

#endif

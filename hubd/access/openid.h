/* openid.h - finds the URL of an identity provider's keys in its configuration
 * (OpenID Connect Discovery 1.0, 3). Pure.
 */
#ifndef HUBD_OPENID_H
#define HUBD_OPENID_H

#include "base/slice.h"

#define OPENID_URL_BYTES 2048 /* of a URL, NUL included */

enum openid {
    OPENID_KEYS,   /* the document is a set of keys itself */
    OPENID_CONFIG, /* `url` is where the keys are */
    OPENID_WRONG,  /* `why` is a phrase to follow its URL */
};

/* The issuer in the configuration must be `issuer`, byte for byte. */
enum openid openid_read(struct slice json, const char *issuer,
                        char url[OPENID_URL_BYTES], const char **why);

#endif

/* openid.h - where the keys of an identity provider are, as its configuration
 * says (OpenID Connect Discovery 1.0, 3). Pure.
 */
#ifndef HUBD_OPENID_H
#define HUBD_OPENID_H

#include "base/slice.h"

#define OPENID_URL_BYTES 2048 /* of a URL, NUL included */

enum openid {
    OPENID_KEYS,   /* the document is no configuration, but a set of keys */
    OPENID_CONFIG, /* and `url` is where they are */
    OPENID_WRONG,  /* and `why` is a phrase that follows its URL */
};

/* Whose configuration it is has to be `issuer`, byte for byte. */
enum openid openid_read(struct slice json, const char *issuer,
                        char url[OPENID_URL_BYTES], const char **why);

#endif

/* jwt_algorithm.h - how tokens are signed (RFC 7518, 3.1; RFC 8037). */
#ifndef HUBD_JWT_ALGORITHM_H
#define HUBD_JWT_ALGORITHM_H

#include <stddef.h>

enum jwt_algorithm {
    JWT_HS256,
    JWT_HS384,
    JWT_HS512,
    JWT_RS256,
    JWT_RS384,
    JWT_RS512,
    JWT_PS256,
    JWT_PS384,
    JWT_PS512,
    JWT_ES256,
    JWT_ES384,
    JWT_EDDSA,
    JWT_ALGORITHMS,
};

/* A set of them. */
#define JWT_BIT(algorithm) (1U << (algorithm))
#define JWT_WITH_SECRET                                                        \
    (JWT_BIT(JWT_HS256) | JWT_BIT(JWT_HS384) | JWT_BIT(JWT_HS512))
#define JWT_WITH_RSA                                                           \
    (JWT_BIT(JWT_RS256) | JWT_BIT(JWT_RS384) | JWT_BIT(JWT_RS512) |            \
     JWT_BIT(JWT_PS256) | JWT_BIT(JWT_PS384) | JWT_BIT(JWT_PS512))

/* Their names, followed by NULL. */
extern const char *const jwt_algorithm_names[];

/* The algorithm of that name, or JWT_ALGORITHMS. */
enum jwt_algorithm jwt_algorithm_find(const char *name);

#endif

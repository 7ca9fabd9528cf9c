/* tiny_server.h - a web server on the loopback that answers as it is told, and
 * counts what it was asked. It can be down: then its port refuses connections.
 */
#ifndef TESTS_TINY_SERVER_H
#define TESTS_TINY_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#define TINY_PAGES 4

struct tiny_server;

/* Its port is its own from then on. */
struct tiny_server *tiny_server_start(bool down);
void tiny_server_stop(struct tiny_server *server);

/* Its URL, with that path. A static text, one of a few. */
const char *tiny_server_url(const struct tiny_server *server, const char *path);

/* No longer down. */
void tiny_server_listen(struct tiny_server *server);

/* What it answers for a path, from now on: all of it, head and body. The text
 * is copied. */
void tiny_server_answer(struct tiny_server *server, const char *path,
                        const char *answer, size_t bytes);
/* The same for a document with status 200, and more header lines. */
void tiny_server_serve(struct tiny_server *server, const char *path,
                       const char *headers, const char *body);

/* Holds all answers back while that is true. */
void tiny_server_hold(struct tiny_server *server, bool hold);

/* How many requests have come for a path, or for any path: NULL. */
unsigned tiny_server_count(struct tiny_server *server, const char *path);
/* Waits until it is so many, and fails the test after 20 s. */
void tiny_server_await(struct tiny_server *server, const char *path,
                       unsigned count);

#endif

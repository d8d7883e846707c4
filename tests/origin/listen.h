/* listen: the socket of a server for tests, and the line that says where it is. */
#ifndef SILEX_TESTS_ORIGIN_LISTEN_H
#define SILEX_TESTS_ORIGIN_LISTEN_H

/* Listens on a numeric address; port "0": any. A non-blocking descriptor, or -1 with errno. */
int listen_on(const char *bind_to, const char *port);
/* "WHAT NAME listening on ADDRESS port PORT", which tests wait for. */
void listen_announce(int listener, const char *what, const char *name, const char *bind_to);

#endif

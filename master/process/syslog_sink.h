/*
 * syslog_sink: the socket to a syslog server (enable-syslog): UDP, connected, so that whoever holds
 * it can send there and nowhere else, and needs no address. Workers are handed it like any sink.
 */
#ifndef SILEX_MASTER_PROCESS_SYSLOG_SINK_H
#define SILEX_MASTER_PROCESS_SYSLOG_SINK_H

#include <stdint.h>

/*
 * host: an address, or a name, which is looked up here and now: as nginx does it, only when the
 * setting changes or the logs are opened anew, and with a second of patience a name server.
 * Returns a non-blocking, close-on-exec descriptor, or -1 with errno (EHOSTUNREACH: no such name).
 */
int syslog_connect(const char *host, uint16_t port);

#endif

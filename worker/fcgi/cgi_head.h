/*
 * cgi_head: the head of a CGI answer (RFC 3875 §6) becomes one of HTTP/1.1, for the strict parser
 * that reads all others.
 *
 * Lines may end with LF alone. Status says the status; without it a Location makes it 302, else it
 * is 200. Fields that frame a message or belong to a connection are no business of a script and
 * are left out, but for Content-Length. Anything that is no field line is left as it is, so that
 * the parser refuses it in its own words.
 */
#ifndef SILEX_WORKER_FCGI_CGI_HEAD_H
#define SILEX_WORKER_FCGI_CGI_HEAD_H

#include <stddef.h>

#include "common/str.h"

/* How many bytes of s are the head, its empty line included; 0: it is not whole. `from`: bytes that
 * were looked at before, in vain. */
size_t cgi_head_end(struct str s, size_t from);

/* What is appended to a head, at most: the status line, and a CR for each LF. */
#define CGI_HEAD_ROOM(n) (2 * (n) + 64)
/* head is whole. Writes to `to`, which has CGI_HEAD_ROOM(head.n) bytes; returns how many. */
size_t cgi_head_write(struct str head, char *to);

#endif

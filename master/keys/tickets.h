/*
 * tickets: the keys of TLS session tickets, made here so that all workers have the same
 * (worker/tls/tls_tickets.h).
 *
 * Three: the one in use, the next one, which workers know before anybody uses it, and the last
 * one, so that a ticket lives at least as long as a rotation. Rotated every hour. Never written
 * anywhere; wiped with the process' end.
 */
#ifndef SILEX_MASTER_KEYS_TICKETS_H
#define SILEX_MASTER_KEYS_TICKETS_H

#include "common/process/msg.h"

#define TICKETS_ROTATE_MS (3600u * 1000)

/* Three new keys. */
void tickets_make(struct msg_tickets *t);
/* The next one comes into use, the last one goes. */
void tickets_rotate(struct msg_tickets *t);

#endif

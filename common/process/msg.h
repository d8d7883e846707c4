/*
 * msg: the typed channel between the master and one worker.
 *
 * A SOCK_SEQPACKET pair: one packet, one message, so there is no stream to fall out of step.
 * Each side describes its end by a struct msg_chan and hears only what msg_tbl.h permits in the
 * channel's state; anything else is MSG_BAD with a text, and the caller ends the peer. Nothing
 * here blocks: a full socket is EAGAIN, and every message is written so that losing one to a
 * peer that does not read is harmless (the watchdog ends such a peer).
 */
#ifndef SILEX_COMMON_PROCESS_MSG_H
#define SILEX_COMMON_PROCESS_MSG_H

#include <stddef.h>
#include <stdint.h>

#define MSG_DATA_MAX 256 /* largest max_len in msg_tbl.h */

enum msg_type {
#define MSG(id, number, direction, min, max, descriptor, states) MSG_##id = (number),
#include "common/process/msg_tbl.h"
#undef MSG
};

enum msg_side {
	MSG_MASTER,
	MSG_WORKER
};

enum msg_state {
	MSG_IN_S = 1,
	MSG_IN_R = 2,
	MSG_IN_D = 4
}; /* bits, see msg_tbl.h */

/* Payload of DRAIN. Told again with shorter times, the shorter ones hold. */
struct msg_drain {
	uint32_t timeout_ms; /* what is still open then is cut, reason SHUTDOWN */
	uint32_t stop; /* 1: the whole instance stops, health answers until the end; 0: replaced */
};

enum msg_log {
	MSG_LOG_ERROR = 1,
	MSG_LOG_ACCESS = 2
}; /* payload of LOG: which sink */

#define MSG_TICKET_KEYS 3

/* Payload of TICKETS: the first key encrypts, all of them decrypt. */
struct msg_tickets {
	struct msg_ticket_key {
		uint8_t name[16], aes[32], hmac[32];
	} key[MSG_TICKET_KEYS];
};

/*
 * Payload of PORT: the sockets of TCP and UDP services (stream_port.h). OPEN brings a socket, CLOSE
 * takes it away. Everything between BEGIN and END is all there is: what else a worker has is
 * closed. So whoever lost a message is told everything again, and whoever did not is not disturbed.
 */
enum msg_port_what {
	MSG_PORT_OPEN = 1,
	MSG_PORT_CLOSE,
	MSG_PORT_BEGIN,
	MSG_PORT_END
};
struct msg_port {
	uint32_t serial;   /* of the socket: no two have the same */
	uint16_t place;    /* WORKER_FD_PORT + place is its number, once the worker has it */
	uint16_t port;     /* in host byte order */
	uint8_t what;      /* enum msg_port_what */
	uint8_t transport; /* enum transport */
	uint8_t zero[6];
};
_Static_assert(sizeof(struct msg_port) == 16, "msg_port is a wire format");

struct msg_head { /* on the wire; native byte order, both ends are one machine */
	uint16_t type;
	uint16_t flags; /* 0 */
	uint32_t len;   /* of the payload behind it */
	uint64_t id;    /* the sender's running number, for the log */
};
_Static_assert(sizeof(struct msg_head) == 16, "msg_head is a wire format");

struct msg_chan {
	int fd;
	enum msg_side side;   /* which end this is */
	enum msg_state state; /* the worker's, as this end knows it */
	uint64_t next_id;
	char why[96]; /* after MSG_BAD: what was wrong */
};

struct msg {
	enum msg_type type;
	uint64_t id;
	uint32_t len;
	int fd; /* -1, or a close-on-exec descriptor the receiver now owns */
	_Alignas(8) unsigned char data[MSG_DATA_MAX];
};

enum msg_got {
	MSG_NONE, /* nothing there now */
	MSG_OK,   /* *m is filled */
	MSG_EOF,  /* the peer is gone */
	MSG_BAD,  /* the peer broke the contract, chan->why says how; end it */
};

/* A non-blocking, close-on-exec pair: [0] the master's end, [1] the worker's. 0 / -1, errno. */
int msg_pair(int fds[2]);
void msg_chan_init(struct msg_chan *c, int fd, enum msg_side side, enum msg_state state);

/* Send one message; fd -1 for none (otherwise still the caller's). 0, or -1 with errno: EAGAIN
 * when the peer does not read, EPIPE when it is gone. A message against the table is a BUG(). */
int msg_send(struct msg_chan *c, enum msg_type type, const void *data, size_t len, int fd);
enum msg_got msg_recv(struct msg_chan *c, struct msg *m);

const char *msg_name(enum msg_type type); /* "READY"; "?" for a number not in the table */

#endif

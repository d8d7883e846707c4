/*
 * websocket: what the origin's /ws does (RFC 6455). It greets, then every message comes back.
 *
 * Frames are echoed as they come, fragment by fragment, without ever holding a whole one: only the
 * header's state lives in struct websocket. A ping comes back as a pong, a pong is dropped, a close
 * is answered and ends the connection. What no client may send (a frame without mask, a reserved
 * bit) ends it with 1002. No extension is accepted.
 */
#include "tests/origin/origin.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

enum {
	OP_TEXT = 1,
	OP_CLOSE = 8,
	OP_PING = 9,
	OP_PONG = 10
};

static const struct span *field(const struct conn *c, const char *name)
{
	for (unsigned i = 0; i < c->rq.nfields; i++)
		if (span_is(c->rq.fields[i].name, name))
			return &c->rq.fields[i].value;
	return NULL;
}

static void put_frame_head(struct conn *c, unsigned char first, uint64_t n)
{
	unsigned char head[10] = {first};
	unsigned extra = n < 126 ? 0 : n < 65536 ? 2 : 8;

	head[1] = (unsigned char)(extra == 0 ? n : extra == 2 ? 126 : 127);
	for (unsigned i = 0; i < extra; i++)
		head[2 + i] = (unsigned char)(n >> (8 * (extra - 1 - i)));
	out_add(c, head, 2 + extra);
}

void websocket_open(struct conn *c)
{
	const struct span *key = field(c, "sec-websocket-key");
	unsigned char hash[EVP_MAX_MD_SIZE], accept[64];
	char text[128];
	unsigned n = 0;

	if (!c->rq.upgrade || key == NULL || key->n > 64) {
		out_fmt(c,
			"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nX-Origin: %s\r\n"
			"Connection: Upgrade\r\nContent-Length: 0\r\n\r\n",
			origin_name);
		return;
	}
	int len = snprintf(text, sizeof text, "%.*s" GUID, (int)key->n, key->p);
	EVP_Digest(text, (size_t)len, hash, &n, EVP_sha1(), NULL);
	EVP_EncodeBlock(accept, hash, (int)n);
	out_fmt(c,
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
		"Sec-WebSocket-Accept: %s\r\nX-Origin: %s\r\n\r\n",
		(const char *)accept, origin_name);
	len = snprintf(text, sizeof text, "origin %s: what you send comes back\n", origin_name);
	put_frame_head(c, 0x80 | OP_TEXT, (uint64_t)len);
	out_add(c, text, (size_t)len);
	c->ws = (struct websocket){0};
	c->state = WEBSOCKET;
}

static void fail(struct conn *c)
{
	fprintf(stderr, "origin %s: bad WebSocket frame\n", origin_name);
	put_frame_head(c, 0x80 | OP_CLOSE, 2);
	out_add(c, "\x03\xea", 2); /* 1002 */
	c->in_len = 0;
	c->peer_done = true;
}

/* Bytes of the frame header at p; 0 when it is not complete in n bytes. */
static size_t head_size(const unsigned char *p, size_t n)
{
	if (n < 2)
		return 0;
	size_t size = 2 + 4u + ((p[1] & 0x7f) == 126 ? 2u : (p[1] & 0x7f) == 127 ? 8u : 0u);
	return n < size ? 0 : size;
}

static void start_frame(struct conn *c, const unsigned char *p, size_t size)
{
	struct websocket *w = &c->ws;
	unsigned op = p[0] & 0xfu;

	w->left = p[1] & 0x7fu;
	if (size > 6)
		w->left = 0;
	for (size_t i = 2; i < size - 4; i++)
		w->left = w->left << 8 | p[i];
	memcpy(w->mask, p + size - 4, 4);
	w->at = 0;
	w->in_frame = true;
	w->drop = op == OP_PONG;
	w->closing = op == OP_CLOSE;
	if (!w->drop)
		put_frame_head(c, (unsigned char)(op == OP_PING ? 0x80 | OP_PONG : p[0]), w->left);
}

static size_t echo_payload(struct conn *c, char *p, size_t n)
{
	struct websocket *w = &c->ws;

	n = n < w->left ? n : (size_t)w->left;
	for (size_t i = 0; i < n; i++, w->at++)
		p[i] = (char)((unsigned char)p[i] ^ w->mask[w->at % 4]);
	if (!w->drop)
		out_add(c, p, n);
	w->left -= n;
	return n;
}

void websocket_input(struct conn *c)
{
	struct websocket *w = &c->ws;
	size_t at = 0;

	while (at < c->in_len || (w->in_frame && w->left == 0)) {
		if (w->in_frame) {
			at += echo_payload(c, c->in + at, c->in_len - at);
			w->in_frame = w->left > 0;
			if (w->in_frame || !w->closing)
				continue;
			c->peer_done = true;
			break;
		}
		const unsigned char *p = (const unsigned char *)c->in + at;
		size_t size = head_size(p, c->in_len - at);
		if (size == 0 && c->in_len - at < 2)
			break;
		if ((p[0] & 0x70) != 0 || (p[1] & 0x80) == 0) {
			fail(c);
			return;
		}
		if (size == 0)
			break;
		start_frame(c, p, size);
		at += size;
	}
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
}

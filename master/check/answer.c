/* answer: see answer.h. */
#include "master/check/answer.h"

#include <string.h>

#define FRAME_MAX 16384 /* RFC 9113 §4.2, as we announced no other */

enum {
	DATA = 0,
	HEADERS = 1,
	RST_STREAM = 3,
	SETTINGS = 4,
	PING = 6
};
enum {
	END_STREAM = 1,
	ACK = 1,
	PADDED = 8
};

void answer_begin(struct answer *a, bool grpc, uint16_t low, uint16_t high)
{
	*a = (struct answer){.grpc = grpc, .low = low, .high = high};
}

static void judge(struct answer *a, const char *why)
{
	if (a->judged)
		return;
	a->judged = true;
	a->why = why;
}

/* --- HTTP/1 --------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The first bytes of an answer: "HTTP/1.x NNN". */
static const char *judge_line(const struct answer *a)
{
	const char *l = a->line;
	unsigned status;

	if (memcmp(l, "HTTP/1.", 7) != 0 || !is_digit(l[7]) || l[8] != ' ' || !is_digit(l[9]) ||
	    !is_digit(l[10]) || !is_digit(l[11]))
		return "answered something that is not HTTP/1";
	status =
	    (unsigned)(l[9] - '0') * 100 + (unsigned)(l[10] - '0') * 10 + (unsigned)(l[11] - '0');
	return status >= a->low && status <= a->high ? NULL : "answered an unexpected status";
}

static void take_line(struct answer *a, const char *p, size_t n)
{
	size_t room = ANSWER_LINE - a->n;

	if (room == 0)
		return;
	memcpy(a->line + a->n, p, n < room ? n : room);
	a->n += (unsigned)(n < room ? n : room);
	if (a->n == ANSWER_LINE)
		judge(a, judge_line(a));
}

/* --- gRPC over HTTP/2 ----------------------------------------------------------------------- */

/* Flag, length (4 bytes), and a protobuf whose field 1 is the status: 1 = SERVING; one that is
 * not there is UNKNOWN (grpc/health/v1/health.proto). */
static const char *judge_message(const uint8_t *m, uint32_t n)
{
	if (m[0] != 0)
		return "answered a compressed message, which was not asked for";
	if (n >= 7 && m[5] == 0x08 && m[6] == 1)
		return NULL;
	if (n == 5 || (n >= 7 && m[5] == 0x08 && m[6] < 0x80))
		return "is not serving, as its gRPC health service says";
	return "answered something that is no gRPC health status";
}

static void look_at_message(struct answer *a)
{
	const uint8_t *m = a->message;
	uint32_t n;

	if (a->judged || a->message_n < 5)
		return;
	n = (uint32_t)m[1] << 24 | (uint32_t)m[2] << 16 | (uint32_t)m[3] << 8 | m[4];
	if (n > ANSWER_MESSAGE - 5)
		judge(a, "answered something that is no gRPC health status");
	else if (a->message_n >= 5 + n)
		judge(a, judge_message(m, 5 + n));
}

static void reply(struct answer *a, const uint8_t *frame, unsigned n)
{
	if (a->send_n + n > ANSWER_SEND_MAX)
		return; /* who asks more often than a check lasts long goes without */
	memcpy(a->send + a->send_n, frame, n);
	a->send_n += n;
}

static bool is_ours(const struct answer *a)
{
	return (a->head[5] & 0x7f) == 0 && a->head[6] == 0 && a->head[7] == 0 && a->head[8] == 1;
}

/* The whole frame is here. */
static void end_frame(struct answer *a)
{
	static const uint8_t settings_ack[] = {0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0};
	uint8_t ping_ack[ANSWER_FRAME + 8] = {0, 0, 8, PING, ACK};
	uint8_t type = a->head[3], flags = a->head[4];

	a->n = 0;
	if (type == SETTINGS && (flags & ACK) == 0)
		reply(a, settings_ack, sizeof(settings_ack));
	if (type == PING && (flags & ACK) == 0 && a->at == 8) {
		memcpy(ping_ack + ANSWER_FRAME, a->ping, 8);
		reply(a, ping_ack, sizeof(ping_ack));
	}
	if (!is_ours(a))
		return;
	if (type == RST_STREAM ||
	    ((type == DATA || type == HEADERS) && (flags & END_STREAM) != 0)) {
		judge(a, type == RST_STREAM ? "reset the call"
					    : "answered no gRPC health status: is the service "
					      "grpc.health.v1.Health there?");
		a->whole = true;
	}
}

/* The frame's head is here. */
static void begin_frame(struct answer *a)
{
	const uint8_t *h = a->head;

	a->left = (uint32_t)h[0] << 16 | (uint32_t)h[1] << 8 | h[2];
	a->at = a->pad = 0;
	/* RFC 9113 §3.4: SETTINGS come first; anything else is no HTTP/2 at all. */
	if (a->left > FRAME_MAX || (!a->begun && (h[3] != SETTINGS || (h[4] & ACK) != 0))) {
		judge(a, "answered something that is not HTTP/2");
		a->whole = true;
		return;
	}
	a->begun = true;
	if (a->left == 0)
		end_frame(a);
}

static void take_content(struct answer *a, uint8_t byte)
{
	if ((a->head[4] & PADDED) != 0 && a->at == 0) {
		a->pad = byte;
		return;
	}
	if (a->left <= a->pad)
		return;
	if (a->message_n < ANSWER_MESSAGE)
		a->message[a->message_n] = byte;
	if (a->message_n < UINT32_MAX)
		a->message_n++;
	look_at_message(a);
}

static void take_payload(struct answer *a, uint8_t byte)
{
	if (a->head[3] == DATA && is_ours(a))
		take_content(a, byte);
	else if (a->head[3] == PING && a->at < sizeof(a->ping))
		a->ping[a->at] = byte;
	a->at++;
	if (--a->left == 0)
		end_frame(a);
}

static void take_frames(struct answer *a, const char *p, size_t n)
{
	for (size_t i = 0; i < n && !a->whole; i++) {
		if (a->n == ANSWER_FRAME) {
			take_payload(a, (uint8_t)p[i]);
			continue;
		}
		a->head[a->n++] = (uint8_t)p[i];
		if (a->n == ANSWER_FRAME)
			begin_frame(a);
	}
}

void answer_take(struct answer *a, const char *p, size_t n)
{
	if (a->grpc)
		take_frames(a, p, n);
	else
		take_line(a, p, n);
}

const char *answer_end(const struct answer *a, const char *otherwise)
{
	return a->judged ? a->why : otherwise;
}

/*
 * methods: what a stream of the gRPC origin receives, and what it answers (grpc.c lists it).
 *
 * A method is known when its head is whole. Echo's bytes go out as they came in, message frames and
 * all; Health waits for its one message. Every answer ends with trailers that hold grpc-status.
 */
#include "tests/grpc/grpc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_LEN 128
#define MESSAGE_MAX  1024
#define PREFIX       5 /* of a message: one byte of flags, four of length */

enum method {
	UNKNOWN,
	ECHO,
	CHECK,
	WATCH
};

enum status {
	OK = 0,
	INVALID_ARGUMENT = 3,
	NOT_FOUND = 5,
	UNIMPLEMENTED = 12
};

struct stream {
	char path[PATH_MAX_LEN];
	bool is_grpc;
	enum method method;
	uint8_t *buf; /* to go out (ECHO), or the message so far */
	size_t len, cap;
	bool ended; /* nothing more will be put into buf */
	enum status status;
};

static const struct {
	const char *path;
	enum method method;
} methods[] = {
    {"/silex.demo.Echo/Echo", ECHO},
    {"/grpc.health.v1.Health/Check", CHECK},
    {"/grpc.health.v1.Health/Watch", WATCH},
};

#define FIELD(n, v, vlen)                                                                  \
	(nghttp2_nv)                                                                       \
	{                                                                                  \
		(uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), sizeof(n) - 1, vlen, \
		    NGHTTP2_NV_FLAG_NONE                                                   \
	}

static struct stream *stream_of(nghttp2_session *h2, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h2, id);
}

static void keep(struct stream *s, const uint8_t *p, size_t n)
{
	if (s->len + n > s->cap) {
		s->cap = (s->len + n) * 2;
		s->buf = realloc(s->buf, s->cap);
		if (s->buf == NULL)
			abort();
	}
	memcpy(s->buf + s->len, p, n);
	s->len += n;
}

/* Data that has gone is moved away at once: messages are small. */
static ssize_t read_out(nghttp2_session *h2, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
			nghttp2_data_source *source, void *arg)
{
	struct stream *s = source->ptr;
	size_t n = s->len < room ? s->len : room;
	char number[4];
	(void)arg;

	if (n == 0 && !s->ended)
		return NGHTTP2_ERR_DEFERRED;
	if (n > 0) {
		memcpy(to, s->buf, n);
		memmove(s->buf, s->buf + n, s->len - n);
		s->len -= n;
	}
	if (s->ended && s->len == 0) {
		int digits = snprintf(number, sizeof number, "%d", (int)s->status);
		nghttp2_nv trailer = FIELD("grpc-status", number, (size_t)digits);
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(h2, id, &trailer, 1);
	}
	return (ssize_t)n;
}

static void start_answer(nghttp2_session *h2, int32_t id, struct stream *s)
{
	nghttp2_data_provider data = {.source.ptr = s, .read_callback = read_out};
	nghttp2_nv head[] = {
	    FIELD(":status", s->is_grpc ? "200" : "415", 3),
	    FIELD("content-type", "application/grpc", 16),
	    FIELD("x-origin", grpc_name, strlen(grpc_name)),
	};
	nghttp2_submit_response(h2, id, head, sizeof head / sizeof head[0], &data);
}

/* Is the service that a HealthCheckRequest names one that is here? */
static enum status judge(const struct stream *s)
{
	const char *name = "silex.demo.Echo";

	if (s->len < PREFIX || s->len > MESSAGE_MAX || s->buf[0] != 0)
		return INVALID_ARGUMENT;
	size_t n = s->len - PREFIX;
	const uint8_t *p = s->buf + PREFIX;
	if (n == 0 || (n == 2 && p[0] == 0x0a && p[1] == 0))
		return OK;
	if (p[0] != 0x0a || n < 2 || p[1] != n - 2)
		return INVALID_ARGUMENT;
	return n - 2 == strlen(name) && memcmp(p + 2, name, n - 2) == 0 ? OK : NOT_FOUND;
}

static void answer_health(nghttp2_session *h2, int32_t id, struct stream *s)
{
	static const uint8_t serving[] = {0, 0, 0, 0, 2, 0x08, 1};

	s->status = judge(s);
	s->len = 0;
	if (s->status == OK)
		keep(s, serving, sizeof serving);
	s->ended = s->status != OK || s->method == CHECK;
	start_answer(h2, id, s);
}

static void on_head(nghttp2_session *h2, int32_t id, struct stream *s)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(methods[i].path, s->path) == 0)
			s->method = methods[i].method;
	if (s->method == UNKNOWN || !s->is_grpc) {
		s->status = UNIMPLEMENTED;
		s->method = UNKNOWN;
		s->ended = true;
	}
	if (s->method == UNKNOWN || s->method == ECHO)
		start_answer(h2, id, s);
}

static void on_end(nghttp2_session *h2, int32_t id, struct stream *s)
{
	if (s->method == CHECK || s->method == WATCH) {
		answer_health(h2, id, s);
		return;
	}
	s->ended = true;
	nghttp2_session_resume_data(h2, id);
}

static int on_begin(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	(void)arg;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	struct stream *s = calloc(1, sizeof *s);
	if (s == NULL)
		abort();
	nghttp2_session_set_stream_user_data(h2, frame->hd.stream_id, s);
	return 0;
}

static int on_field(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
		    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		    void *arg)
{
	struct stream *s = stream_of(h2, frame->hd.stream_id);
	(void)flags;
	(void)arg;

	if (s == NULL)
		return 0;
	if (name_len == 5 && memcmp(name, ":path", 5) == 0 && value_len < sizeof s->path)
		memcpy(s->path, value, value_len);
	if (name_len == 12 && memcmp(name, "content-type", 12) == 0)
		s->is_grpc = value_len >= 16 && memcmp(value, "application/grpc", 16) == 0;
	return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
		   void *arg)
{
	struct stream *s = stream_of(h2, id);
	(void)flags;
	(void)arg;

	if (s == NULL || s->method == UNKNOWN || (s->method != ECHO && s->len > MESSAGE_MAX))
		return 0;
	keep(s, p, n);
	if (s->method == ECHO)
		nghttp2_session_resume_data(h2, id);
	return 0;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct stream *s = stream_of(h2, frame->hd.stream_id);
	(void)arg;

	if (s == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		on_head(h2, frame->hd.stream_id, s);
	if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		on_end(h2, frame->hd.stream_id, s);
	return 0;
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t error, void *arg)
{
	struct stream *s = stream_of(h2, id);
	(void)error;
	(void)arg;

	if (s != NULL) {
		nghttp2_session_set_stream_user_data(h2, id, NULL);
		free(s->buf);
		free(s);
	}
	return 0;
}

nghttp2_session_callbacks *methods_callbacks(void)
{
	nghttp2_session_callbacks *c;

	if (nghttp2_session_callbacks_new(&c) != 0)
		abort();
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(c, on_field);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
	return c;
}

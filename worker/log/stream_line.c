/* stream_line: see stream_line.h. */
#include "worker/log/stream_line.h"

uint16_t stream_status(enum reason why)
{
	switch (why) {
	case REASON_C_PROXY_BAD:
	case REASON_C_PROXY_TIMEOUT:
		return 400;
	case REASON_S_NO_MEMORY:
	case REASON_S_NO_DESCRIPTOR:
		return 500;
	case REASON_S_NO_SERVICE:
	case REASON_S_CONNECT_FAILED:
	case REASON_S_CONNECT_TIMEOUT:
		return 502;
	default:
		return 200;
	}
}

static uint64_t duration(const struct stream_record *r, const struct moment *now)
{
	return now->us > r->start_us ? now->us - r->start_us : 0;
}

static void address(struct text *t, const struct addr *a, bool with_port)
{
	char buf[ADDR_TEXT_MAX];
	size_t n = with_port ? addr_text(a, buf) : addr_ip_text(a, buf);

	text_str(t, str_make(buf, n));
}

/* [$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time */
void stream_line_text(struct text *t, const struct stream_record *r, const struct moment *now)
{
	text_char(t, '[');
	address(t, &r->client, false);
	text_lit(t, "] [");
	text_str(t, now->local);
	text_lit(t, "] ");
	text_str(t, str_from(r->protocol));
	text_char(t, ' ');
	text_u64(t, stream_status(r->reason));
	text_char(t, ' ');
	text_u64(t, r->sent);
	text_char(t, ' ');
	text_u64(t, r->received);
	text_char(t, ' ');
	text_seconds(t, duration(r, now), 3);
	text_char(t, '\n');
}

void stream_line_json(struct text *t, const struct stream_record *r, const struct moment *now)
{
	text_lit(t, "{\"time\":\"");
	text_str(t, now->iso_secs);
	text_lit(t, "Z\",\"remote_addr\":\"");
	address(t, &r->client, false);
	text_lit(t, "\",\"protocol\":\"");
	text_str(t, str_from(r->protocol));
	text_lit(t, "\",\"port\":");
	text_u64(t, r->port);
	text_lit(t, ",\"status\":");
	text_u64(t, stream_status(r->reason));
	text_lit(t, ",\"reason\":\"");
	text_str(t, str_from(reason_texts[r->reason].label));
	text_lit(t, "\",\"bytes_sent\":");
	text_u64(t, r->sent);
	text_lit(t, ",\"bytes_received\":");
	text_u64(t, r->received);
	text_lit(t, ",\"session_time\":");
	text_seconds(t, duration(r, now), 6);
	if (r->n_tries > 0) {
		text_lit(t, ",\"upstream_addr\":\"");
		address(t, &r->tries[r->n_tries - 1], true);
		text_char(t, '"');
	}
	text_lit(t, "}\n");
}

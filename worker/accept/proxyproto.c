/* proxyproto: see proxyproto.h. */
#include "worker/accept/proxyproto.h"

#include <stdio.h>

#define V2_FIXED 16 /* signature, version and command, family and transport, length */
#define V2_LOCAL 0x20
#define V2_PROXY 0x21
#define V2_TCP4  0x11
#define V2_TCP6  0x21

static const char v1_start[] = "PROXY ";
static const char v2_start[] = "\r\n\r\n\0\r\nQUIT\n";

/* --- version 1: a line of text ----------------------------------------------------------- */

/* The next word and the single blank behind it, taken off. Empty when there is none. */
static struct str word(struct str *line)
{
	ptrdiff_t blank = str_chr(*line, ' ');
	struct str w = blank == -1 ? *line : str_make(line->p, (size_t)blank);

	*line = blank == -1 ? STR_NONE : str_from_at(*line, (size_t)blank + 1);
	return w;
}

/* Decimal without leading zero, as a port is written. */
static bool port(struct str text, uint16_t *out)
{
	uint64_t v;

	if (!str_u64(text, UINT16_MAX, &v) || (text.n > 1 && text.p[0] == '0'))
		return false;
	*out = (uint16_t)v;
	return true;
}

static bool v1_addresses(struct str line, uint8_t family, struct proxyproto *out)
{
	struct str from = word(&line), to = word(&line), from_port = word(&line), to_port = line;

	/* `line` is the last word only when no further blank is in it: port() sees to that. */
	return addr_parse(from, 0, &out->from) && addr_parse(to, 0, &out->to) &&
	       out->from.family == family && out->to.family == family &&
	       port(from_port, &out->from.port) && port(to_port, &out->to.port);
}

static bool v1_line(struct str line, struct proxyproto *out)
{
	struct str protocol = word(&line);

	if (str_eq(protocol, STR("TCP4")))
		return v1_addresses(line, 4, out);
	if (str_eq(protocol, STR("TCP6")))
		return v1_addresses(line, 6, out);
	out->local = true;
	return str_eq(protocol, STR("UNKNOWN")); /* whatever follows means nothing */
}

static enum proxyproto_result v1_read(struct str bytes, struct proxyproto *out)
{
	ptrdiff_t end = str_chr(str_head(bytes, PROXYPROTO_V1_MAX), '\n');
	size_t start = sizeof(v1_start) - 1;

	if (end == -1)
		return bytes.n < PROXYPROTO_V1_MAX ? PROXYPROTO_MORE : PROXYPROTO_BAD;
	out->length = (size_t)end + 1;
	if (out->length < start + 2 || bytes.p[end - 1] != '\r')
		return PROXYPROTO_BAD;
	return v1_line(str_make(bytes.p + start, (size_t)end - 1 - start), out) ? PROXYPROTO_DONE
										: PROXYPROTO_BAD;
}

/* --- version 2: binary ------------------------------------------------------------------- */

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Two addresses of n bytes, then two ports. */
static void v2_addresses(const uint8_t *p, size_t n, struct proxyproto *out)
{
	uint8_t family = n == 4 ? 4 : 6;

	out->from = (struct addr){.family = family, .port = be16(p + 2 * n)};
	memcpy(out->from.ip, p, n);
	out->to = (struct addr){.family = family, .port = be16(p + 2 * n + 2)};
	memcpy(out->to.ip, p + n, n);
}

/* Bytes of the address block of a family; -1 when there is no such family or transport. */
static int v2_block(uint8_t family_transport)
{
	static const int bytes[] = {0, 12, 36, 216}; /* UNSPEC, INET, INET6, UNIX */
	unsigned family = family_transport >> 4, transport = family_transport & 15u;

	return family > 3 || transport > 2 ? -1 : bytes[family];
}

static enum proxyproto_result v2_read(struct str bytes, struct proxyproto *out)
{
	const uint8_t *p = (const uint8_t *)bytes.p;
	unsigned length;
	int block;

	if (bytes.n < V2_FIXED)
		return PROXYPROTO_MORE;
	length = be16(p + 14);
	block = v2_block(p[13]);
	if ((p[12] != V2_LOCAL && p[12] != V2_PROXY) || block == -1 ||
	    length + V2_FIXED > PROXYPROTO_V2_MAX)
		return PROXYPROTO_BAD;
	out->length = V2_FIXED + length;
	out->local = p[12] == V2_LOCAL || (p[13] != V2_TCP4 && p[13] != V2_TCP6);
	if (p[12] == V2_PROXY && length < (unsigned)block)
		return PROXYPROTO_BAD;
	if (out->local)
		return PROXYPROTO_DONE;
	if (bytes.n < V2_FIXED + (size_t)block)
		return PROXYPROTO_MORE;
	v2_addresses(p + V2_FIXED, p[13] == V2_TCP4 ? 4 : 16, out);
	return PROXYPROTO_DONE;
}

/* --- both --------------------------------------------------------------------------------- */

/* Are the bytes the start, or the beginning of the start? */
static bool begins(struct str bytes, const char *start, size_t n)
{
	return memcmp(bytes.p, start, bytes.n < n ? bytes.n : n) == 0;
}

enum proxyproto_result proxyproto_read(struct str bytes, struct proxyproto *out)
{
	struct proxyproto p = {.local = false};
	enum proxyproto_result result = PROXYPROTO_BAD;

	if (bytes.n == 0)
		return PROXYPROTO_MORE;
	if (begins(bytes, v1_start, sizeof(v1_start) - 1))
		result = v1_read(bytes, &p);
	else if (begins(bytes, v2_start, sizeof(v2_start) - 1))
		result = v2_read(bytes, &p);
	if (result == PROXYPROTO_DONE)
		*out = p;
	return result;
}

/* --- writing ------------------------------------------------------------------------------- */

/* Is there something to be said of the two? */
static bool is_known(const struct addr *from, const struct addr *to)
{
	return from->family == to->family && (from->family == 4 || from->family == 6);
}

static size_t v1_write(const struct addr *from, const struct addr *to, char *buf)
{
	char from_ip[ADDR_TEXT_MAX], to_ip[ADDR_TEXT_MAX];
	int n;

	if (!is_known(from, to)) {
		n = snprintf(buf, PROXYPROTO_WRITE_MAX, "PROXY UNKNOWN\r\n");
	} else {
		(void)addr_ip_text(from, from_ip);
		(void)addr_ip_text(to, to_ip);
		n = snprintf(buf, PROXYPROTO_WRITE_MAX, "PROXY TCP%u %.39s %.39s %u %u\r\n",
			     from->family, from_ip, to_ip, from->port, to->port);
	}
	return (size_t)n;
}

static char *put(char *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static char *put_be16(char *at, uint16_t v)
{
	return put(at, (char[]){(char)(v >> 8), (char)(v & 0xff)}, 2);
}

static size_t v2_write(const struct addr *from, const struct addr *to, char *buf)
{
	bool known = is_known(from, to);
	size_t ip = !known ? 0 : from->family == 4 ? 4 : 16;
	char *at = put(buf, v2_start, sizeof(v2_start) - 1);

	*at++ = V2_PROXY;
	*at++ = ip == 0 ? 0 : ip == 4 ? V2_TCP4 : V2_TCP6;
	at = put_be16(at, (uint16_t)(known ? 2 * ip + 4 : 0));
	if (known) {
		at = put(at, from->ip, ip);
		at = put(at, to->ip, ip);
		at = put_be16(at, from->port);
		at = put_be16(at, to->port);
	}
	return (size_t)(at - buf);
}

size_t proxyproto_write(unsigned version, const struct addr *from, const struct addr *to,
			char buf[PROXYPROTO_WRITE_MAX])
{
	return version == 2 ? v2_write(from, to, buf) : v1_write(from, to, buf);
}

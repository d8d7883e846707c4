/* fcgi_record: see fcgi_record.h. */
#include "worker/fcgi/fcgi_record.h"

#include <string.h>

#define VERSION    1
#define REQUEST_ID 1
#define RESPONDER  1

void fcgi_write_header(uint8_t to[FCGI_HEADER], enum fcgi_type type, uint16_t n)
{
	const uint8_t header[FCGI_HEADER] = {VERSION,           (uint8_t)type, 0, REQUEST_ID,
					     (uint8_t)(n >> 8), (uint8_t)n,    0, 0};

	memcpy(to, header, FCGI_HEADER);
}

void fcgi_write_begin(uint8_t to[FCGI_BEGIN_BYTES])
{
	const uint8_t body[FCGI_BEGIN_BYTES - FCGI_HEADER] = {0, RESPONDER, 0};

	fcgi_write_header(to, FCGI_BEGIN_REQUEST, sizeof(body));
	memcpy(to + FCGI_HEADER, body, sizeof(body));
}

bool fcgi_read_header(const uint8_t from[FCGI_HEADER], struct fcgi_record *out)
{
	out->type = from[1];
	out->content = (uint16_t)(from[4] << 8 | from[5]);
	out->padding = from[6];
	return from[0] == VERSION && from[2] == 0 && from[3] == REQUEST_ID;
}

/* One byte up to 127, else four with the highest bit set. */
static size_t write_length(uint8_t *to, size_t n)
{
	if (n < 128) {
		to[0] = (uint8_t)n;
		return 1;
	}
	to[0] = (uint8_t)(n >> 24 | 0x80);
	to[1] = (uint8_t)(n >> 16);
	to[2] = (uint8_t)(n >> 8);
	to[3] = (uint8_t)n;
	return 4;
}

size_t fcgi_write_lengths(uint8_t to[FCGI_PAIR_MAX], size_t name_n, size_t value_n)
{
	size_t n = write_length(to, name_n);

	return n + write_length(to + n, value_n);
}

/* h2_scan: see h2_scan.h. */
#include "worker/http2/head/h2_scan.h"

#include <string.h>

static struct h2_frame decode(const uint8_t *h)
{
	return (struct h2_frame){
	    .length = (uint32_t)h[0] << 16 | (uint32_t)h[1] << 8 | h[2],
	    .type = h[3],
	    .flags = h[4],
	    .id = (int32_t)((uint32_t)(h[5] & 0x7f) << 24 | (uint32_t)h[6] << 16 |
			    (uint32_t)h[7] << 8 | h[8]),
	};
}

bool h2_scan_next(struct h2_scan *s, const uint8_t *p, size_t n, size_t *used, size_t *own,
		  struct h2_frame *frame)
{
	size_t part;

	if (s->skip >= n) {
		s->skip -= (uint32_t)n;
		*used = n;
		return false;
	}
	part = H2_FRAME_HEAD - (size_t)s->have;
	if (part > n - s->skip)
		part = n - s->skip;
	memcpy(s->head + s->have, p + s->skip, part);
	*used = s->skip + part;
	*own = part;
	s->skip = 0;
	s->have = (uint8_t)(s->have + part);
	if (s->have < H2_FRAME_HEAD)
		return false;
	*frame = decode(s->head);
	s->have = 0;
	s->skip = frame->length;
	return true;
}

/* record: see record.h. */
#include "worker/request/record.h"

struct str record_protocol(const struct request *r)
{
	switch (r->in.version) {
	case 10:
		return STR("HTTP/1.0");
	case 20:
		return STR("HTTP/2.0");
	default:
		return STR("HTTP/1.1");
	}
}

uint64_t record_us(uint64_t from_us, uint64_t to_us)
{
	return from_us == 0 || to_us < from_us ? 0 : to_us - from_us;
}

uint64_t record_try_us(const struct try_record *t, uint64_t now_us)
{
	return record_us(t->start_us, t->end_us != 0 ? t->end_us : now_us);
}

uint16_t record_try_status(const struct try_record *t)
{
	return t->status != 0 || t->reason == REASON_NONE ? t->status
							  : reason_status((enum reason)t->reason);
}

/*
 * The master's ear: a worker that was taken over may send it anything. First byte: which side
 * and state; then packets, each with a length byte. No packet may be taken that the table of
 * messages does not permit, and no descriptor may be left open.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/process/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void believe(const struct msg *m, const struct msg_chan *c)
{
	if (m->fd != -1 || m->len > MSG_DATA_MAX || msg_name(m->type)[0] == '?')
		abort();
	if ((m->type == MSG_READY || m->type == MSG_DRAINED) != (c->side == MSG_MASTER))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const enum msg_state states[] = {MSG_IN_S, MSG_IN_R, MSG_IN_D};
	struct msg_chan c;
	struct msg m;
	int fds[2];

	if (n == 0 || msg_pair(fds) == -1)
		return 0;
	msg_chan_init(&c, fds[0], (data[0] & 1) != 0 ? MSG_MASTER : MSG_WORKER,
		      states[(data[0] >> 1) % 3]);
	data++, n--;
	while (n > 0) {
		size_t len = data[0] < n - 1 ? data[0] : n - 1;

		(void)send(fds[1], data + 1, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (msg_recv(&c, &m) == MSG_OK)
			believe(&m, &c);
		data += 1 + len;
		n -= 1 + len;
	}
	close(fds[0]);
	close(fds[1]);
	return 0;
}

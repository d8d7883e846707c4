/*
 * signer: asks the keys process for signatures without stopping the worker.
 *
 * signer_sign() is the provider's sign function (stub_key.h). It runs inside the ASYNC job of a
 * handshake: it sends the question, pauses the job, and the worker goes on serving others. When
 * the answer comes the handshake that waited is woken through its sign_wait. If the keys process
 * dies its successor's channel is put in with signer_attach() and the open questions are asked
 * again; a question older than SIGNER_WAIT_MS is answered with failure.
 */
#ifndef SILEX_WORKER_SIGN_SIGNER_H
#define SILEX_WORKER_SIGN_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/loop/ev.h"
#include "common/process/sign_msg.h"
#include "common/str.h"

#define SIGNER_WAIT_MS 2000u

struct signer;

/* Embedded in whoever shakes hands. wake() is called from the loop when its answer is there:
 * call SSL_do_handshake() again then. */
struct sign_wait {
	void (*wake)(struct sign_wait *w);
	bool refused; /* no signature came: too late, or no such key */
};

struct signer *signer_new(struct ev *ev); /* NULL with errno ENOMEM */
void signer_free(struct signer *s);

/* The channel to the keys process; taken over (an old one is closed). 0, or -1 with errno. */
int signer_attach(struct signer *s, int fd);

/* Before every SSL_do_handshake() that may sign: who is it? NULL afterwards. */
void signer_set_current(struct signer *s, struct sign_wait *w);

/* The stub_sign_fn; arg is the signer. */
ptrdiff_t signer_sign(void *arg, const uint8_t id[SIGN_KEY_ID_LEN], enum sign_alg alg,
		      struct str tbs, uint8_t *sig);

struct signer_stats {
	uint64_t asked, answered, refused, timed_out, lost_channels;
	uint32_t waiting;
};
void signer_stats(const struct signer *s, struct signer_stats *out);

#endif

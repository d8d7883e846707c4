/*
 * table_writer: what the writer of the table is, for table_write.c (life and publication) and
 * table_put.c, table_put_cert.c, table_put_tls.c (changes) only.
 *
 * `live` is what the published root says, `next` what the next one will say. A put changes only
 * `next` and fresh blocks.
 */
#ifndef SILEX_MASTER_TABLE_TABLE_WRITER_H
#define SILEX_MASTER_TABLE_TABLE_WRITER_H

#include <errno.h>

#include "common/table/shm.h"
#include "common/table/shm_layout.h"
#include "master/table/table_alloc.h"
#include "master/table/table_group.h"
#include "master/table/table_intern.h"
#include "master/table/table_write.h"

struct table_writer {
	char name[SHM_NAME_MAX];
	int fd, readonly_fd;
	size_t max;
	struct table_head *head; /* the mapping */
	struct table_alloc alloc;
	struct intern policies;
	struct intern certs;
	struct intern tls; /* tls_block */
	struct intern cas; /* ca_block */
	struct groups groups;
	struct table_root live, next;
	shm_ref live_ref; /* block of live, 0 before the first publication */
	bool dirty;
	uint64_t since_us;  /* table_stamp() */
	int failed;         /* errno of the put that spoiled this transaction */
	struct vec readers; /* of const struct table_pins * */
	struct vec scratch; /* of bytes: the block being built */
};

/* 0 when puts may go on; -1 with the errno of the put that spoiled the transaction. */
static inline int writer_check_open(struct table_writer *w)
{
	errno = w->failed;
	return w->failed != 0 ? -1 : 0;
}

/* table_put.c: a policy's block, counted once more, goes to *out; NULL: policy_defaults(). 0, or -1
 * with errno. And counted once less. */
int writer_take_policy(struct table_writer *w, const struct policy *p, shm_ref *out);
int writer_drop_policy(struct table_writer *w, shm_ref ref);

/* table_put_tls.c: m's blocks, counted once more, go to h. Bounds are checked by writer_tls_ok().
 */
bool writer_tls_ok(const struct model_tls *m);
int writer_take_tls(struct table_writer *w, struct host_block *h, const struct model_tls *m);
/* What h refers to is counted once less. */
int writer_drop_tls(struct table_writer *w, const struct host_block *h);

/* The transaction is spoiled: errno is what its rest fails with. */
static inline int writer_spoil(struct table_writer *w)
{
	w->failed = errno;
	return -1;
}

#endif

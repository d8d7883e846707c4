/*
 * table_write: the one writer of the shared route table (DESIGN §2).
 *
 * A change is a transaction: any number of puts and deletes build the next root beside the
 * published one, table_publish() makes it live in one store, table_rollback() forgets it. What
 * is published is never modified. A change costs the blocks it touches and the trie nodes above
 * them, never the table. When memory cannot grow (/dev/shm full) the put or publish fails with
 * ENOSPC, the old version stays, and nothing is half-written. Free lists live in the master's
 * private memory: a crash at any instruction leaves the last published version whole.
 */
#ifndef SILEX_MASTER_TABLE_TABLE_WRITE_H
#define SILEX_MASTER_TABLE_TABLE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "master/table/model.h"

struct table_writer;

/* Create /silex.<instance>.table anew (an old one of that name is unlinked) with at most
 * max_bytes. NULL with errno. table_writer_fd(): a read-only descriptor to hand to workers. */
struct table_writer *table_writer_new(const char *instance, size_t max_bytes);
void table_writer_free(struct table_writer *w); /* unlinks the object, if the name is still its */
int table_writer_fd(const struct table_writer *w);

/*
 * Each returns 0, or -1 with errno. EINVAL: the input cannot be stored (a name over 255 bytes, a
 * path over 65,534 or not beginning with "/", a PREFIX ending in "/", two paths alike, a
 * malformed policy, a cluster id that has another name); nothing was changed and the transaction
 * is as good as before. ENOSPC (no room in /dev/shm, or max_bytes reached), ENOMEM: only
 * table_rollback() helps, the rest of the transaction fails likewise.
 * Putting what is there already changes nothing. NULL policies mean policy_defaults().
 */
int table_put_host(struct table_writer *w, const struct model_host *m);
int table_del_host(struct table_writer *w, struct str name); /* absent: 0 */
int table_put_cluster(struct table_writer *w, const struct model_cluster *m);
int table_del_cluster(struct table_writer *w, uint64_t id);
/* A block with POLICY_OPT_MAPS alone; NULL: none. */
int table_put_maps(struct table_writer *w, const struct policy *maps);
/* Where unknown hosts and unmatched paths go: a cluster, or 0 for the built-in 404. */
int table_put_default(struct table_writer *w, uint64_t cluster, const struct policy *policy);

/* What lies behind a port of a TCP or UDP service. */
int table_put_stream(struct table_writer *w, const struct model_stream *m);
int table_del_stream(struct table_writer *w, enum transport transport,
		     uint16_t port); /* absent: 0 */

/* TLS for this host is passed through to a cluster. EINVAL: not a name. */
int table_put_passthrough(struct table_writer *w, struct str name, uint64_t cluster);
int table_del_passthrough(struct table_writer *w, struct str name); /* absent: 0 */

/* The certificate of a server name. The private key must be where it is used before. EINVAL: a
 * chain that is empty or over 256 KiB. */
int table_put_cert(struct table_writer *w, const struct model_cert *m);
int table_del_cert(struct table_writer *w, struct str name); /* absent: 0 */

/* TLS towards endpoints; the private key as above. EINVAL: over 256 KiB, or a text over 64 KiB. */
int table_put_profile(struct table_writer *w, const struct model_profile *m);
int table_del_profile(struct table_writer *w, uint64_t id); /* absent: 0 */

/* Returns the new version, the old one when nothing was changed (the first publication always
 * is a change), or 0 with errno as above, and then the transaction is rolled back already. */
uint64_t table_publish(struct table_writer *w);
/* When the oldest change of the transaction reached us: table_since_us() of what the next
 * table_publish() makes. Microseconds of CLOCK_MONOTONIC; without it 0. */
void table_stamp(struct table_writer *w, uint64_t since_us);
/* Forget every put and delete since the last publication. Cannot fail. */
void table_rollback(struct table_writer *w);

/* What is published now, for metrics and `silex show table`. */
void table_writer_info(const struct table_writer *w, struct table_info *out);
/* Bytes written into the table since it was made: what changes cost. */
uint64_t table_writer_copied(const struct table_writer *w);

/* Which pins count: the master registers each live worker's slot, and forgets a dead one's. */
struct table_pins;
/* 0, or -1 with errno ENOMEM: then the worker must not be started. */
int table_reader_add(struct table_writer *w, const struct table_pins *pins);
void table_reader_remove(struct table_writer *w, const struct table_pins *pins);
/* Reuse what no live reader can still see. Called after publish and once a second. */
void table_reclaim(struct table_writer *w);

#endif

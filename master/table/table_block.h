/*
 * table_block: host and cluster blocks as they will lie in the table, built in private memory.
 *
 * Building is apart from storing so that bad input is found before anything of the table is
 * touched, and so that a put of what is there already can be seen by comparing bytes. Policies
 * and groups of a host's paths are filled in by table_write.c, which owns them.
 */
#ifndef SILEX_MASTER_TABLE_TABLE_BLOCK_H
#define SILEX_MASTER_TABLE_TABLE_BLOCK_H

#include "common/table/shm_layout.h"
#include "master/table/model.h"
#include "master/table/vec.h"

/* The block in v's memory (of bytes, overwritten), or NULL with errno EINVAL or ENOMEM. */
struct host_block *block_host(struct vec *v, uint64_t seed, const struct model_host *m);
struct cluster_block *block_cluster(struct vec *v, const struct model_cluster *m);

/* Lower-case copy of a host name as the key of the trie; false when it is too long. */
bool block_host_name(char to[TABLE_HOST_MAX], struct str name, struct str *key);

/* Well-formed and of bounded size. */
bool block_policy_ok(const struct policy *p);

#endif

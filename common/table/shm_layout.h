/*
 * shm_layout: what lies where in /silex.<instance>.table.
 *
 *   0          4096                                                       bytes_file      max_bytes
 *   +----------+-------+------+------+-------+-----------------------------+ - - - - - - - - -+
 *   | head     | block | node | root | block | ...                         | address space    |
 *   +----------+-------+------+------+-------+-----------------------------+ - - - - - - - - -+
 *
 *   head.roots[version % 64] --> root --> hosts    (trie) --> host_block --> policy blocks
 *                                 |                                 |   --> tls_block, ca_block
 *                                 |   --> clusters (trie) --> cluster_block
 *                                 |   --> groups   (trie) --> group_block
 *                                 |   --> certs    (trie) --> sni_leaf --> cert_block
 *                                 |   --> streams  (trie) --> stream_block --> policy block
 *                                 |   --> profiles (trie) --> profile_block
 *                                 |   --> passthrough (trie) --> passthrough_leaf
 *                                 +-----> catch-all host_block, default policy, maps
 *
 * One process writes (the master), all others map it read-only. A block that a published root
 * reaches is never modified. References are offsets in units of 16 bytes, never pointers; 0 is
 * "none" (the head lies there). Fixed-width members only. Whoever changes anything here raises
 * TABLE_ABI: master and workers of different builds must refuse each other.
 */
#ifndef SILEX_COMMON_TABLE_SHM_LAYOUT_H
#define SILEX_COMMON_TABLE_SHM_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/table/cluster_kind.h"
#include "common/table/cluster_opts.h"
#include "common/table/table_read.h"

#define TABLE_MAGIC     0x53494c5854424c31ull
#define TABLE_ABI       21u
#define TABLE_ROOTS     TABLE_HISTORY
#define TABLE_HEAD      4096u /* first block */
#define TABLE_UNIT      16u   /* alignment of blocks, unit of references */
#define TABLE_MAX_BYTES ((uint64_t)UINT32_MAX * TABLE_UNIT)
#define TABLE_HOST_MAX  255u /* longest host name */

typedef uint32_t shm_ref;

struct table_head {
	uint64_t magic; /* stored last by the creator */
	uint32_t abi;
	uint32_t head_bytes;
	uint64_t max_bytes;                    /* what everybody maps */
	uint64_t seed;                         /* of every hash in this table */
	_Alignas(64) _Atomic uint64_t version; /* newest published, 0 = none */
	_Atomic uint64_t bytes_file;
	_Atomic uint64_t bytes_used;
	_Atomic uint64_t bytes_retired;
	_Alignas(64) _Atomic shm_ref roots[TABLE_ROOTS];
	_Atomic uint64_t since_us[TABLE_ROOTS]; /* table_since_us() of the version */
};
_Static_assert(offsetof(struct table_head, version) == 64, "head is part of the shared layout");
_Static_assert(offsetof(struct table_head, roots) == 128, "head is part of the shared layout");
_Static_assert(offsetof(struct table_head, since_us) == 384, "head is part of the shared layout");
_Static_assert(sizeof(struct table_head) == 896, "head is part of the shared layout");

struct table_root {
	uint64_t version;
	shm_ref hosts;     /* trie by name */
	shm_ref clusters;  /* trie by id */
	shm_ref groups;    /* trie by number */
	shm_ref catch_all; /* host_block of the name "", also in the trie */
	uint64_t default_cluster;
	shm_ref default_policy; /* never 0 */
	uint32_t n_wildcards;   /* 0: the second lookup is not worth doing */
	uint64_t n_hosts, n_routes, n_clusters, n_endpoints, n_groups;
	shm_ref certs;            /* trie by SNI name */
	uint32_t n_sni_wildcards; /* 0: the second lookup is not worth doing */
	uint64_t n_certs;         /* names with a certificate, the default apart */
	shm_ref streams;          /* trie by stream_number() */
	uint32_t n_streams;
	shm_ref profiles; /* trie by id: TLS towards endpoints */
	uint32_t n_profiles;
	shm_ref passthrough;              /* trie by SNI name */
	uint32_t n_passthrough;           /* 0: nobody looks at what clients say first */
	uint32_t n_passthrough_wildcards; /* of these */
	shm_ref maps;                     /* a policy block with POLICY_OPT_MAPS; 0: none */
};
_Static_assert(sizeof(struct table_root) == 128, "root is part of the shared layout");

/*
 * Trie node: 64-way, six bits of the hash a level from the low end, one entry per set bit.
 * Level 11 has no bits left: there `map` counts the entries, whose hashes are all the same.
 */
struct trie_entry {
	shm_ref ref;
	uint32_t
	    tag; /* 0: ref is a node; else a leaf, and the high half of its hash with bit 0 set */
};

struct trie_node {
	uint64_t map;
	struct trie_entry entry[];
};
_Static_assert(sizeof(struct trie_node) == 8, "node is part of the shared layout");

#define TRIE_BITS  6u
#define TRIE_DEPTH 11u /* the level of equal hashes */

/* What every leaf begins with. key_n 0: the hash itself is the key. */
struct trie_leaf {
	uint64_t hash;
	uint32_t size;   /* bytes of the block */
	uint16_t key_n;  /* the key's bytes lie in the block */
	uint16_t key_at; /* from its beginning */
};
_Static_assert(sizeof(struct trie_leaf) == 16, "leaf is part of the shared layout");

enum path_bits { /* path_entry.flags */
	PATH_SLASH_ONLY = 1u << 0,
	PATH_DEFAULT_BACKEND = 1u << 1,
};

struct path_entry {
	uint64_t cluster;
	shm_ref policy;
	uint32_t group;
	uint32_t text_at; /* from the beginning of the host block */
	uint16_t text_n;
	uint8_t kind;          /* enum path_kind */
	uint8_t flags;         /* enum path_bits */
	uint32_t canary_group; /* who requests that its canary takes count for; 0: it has none */
	uint32_t zero;
};
_Static_assert(sizeof(struct path_entry) == 32, "path is part of the shared layout");

enum host_bits { /* host_block.flags */
	HOST_HAS_CERT = 1u << 0,
	HOST_EXACT_SLASH = 1u << 1, /* has an EXACT path that ends in "/" */
};

/* One slot of the path index: open addressing, linear probing. entry 0xffffffff: empty. */
struct path_slot {
	uint32_t tag;
	uint32_t entry;
};
#define PATH_SLOT_EMPTY UINT32_MAX
#define PATH_NONE       UINT32_MAX

/*
 *   | host_block | name, padded to 8 | path_entry[n_paths] | path_slot[n_slots] |
 *   | u32 regex[n_regex]: entries in the order to try | the texts of the paths |
 */
struct host_block {
	struct trie_leaf leaf; /* key: the name in lower case */
	uint32_t n_paths;
	uint32_t n_regex;
	uint32_t root;      /* entry of PREFIX "/", PATH_NONE without */
	uint16_t text_max;  /* longest exact or prefix path, "/" apart */
	uint8_t slots_log2; /* of the number of slots, which is above that of paths; 0: none */
	uint8_t flags;      /* enum host_bits */
	shm_ref tls;        /* tls_block; 0: nothing of its own */
	shm_ref ca;         /* ca_block; 0: none */
	shm_ref server;     /* policy of the host itself (server-snippet); 0: none */
	uint32_t zero;
};
_Static_assert(sizeof(struct host_block) == 48, "host is part of the shared layout");

/* | cluster_block | table_endpoint[n_endpoints] | name | cookie | hash |
 * cookie: struct cluster_cookie, not aligned, and its texts; hash: a program of common/vars */
struct cluster_block {
	struct trie_leaf leaf; /* hash: the id */
	uint64_t generation;   /* the version that brought these endpoints */
	uint32_t n_endpoints;
	uint32_t flags;
	uint16_t name_n;
	uint8_t balance;
	uint8_t protocol;
	uint16_t cookie_n;
	uint16_t hash_n;
	struct cluster_opts opts;
	uint32_t zero;
};
_Static_assert(sizeof(struct cluster_block) == 64, "cluster is part of the shared layout");
_Static_assert(sizeof(struct table_endpoint) == 28, "endpoint is part of the shared layout");

enum group_text {
	GROUP_NS,
	GROUP_INGRESS,
	GROUP_SERVICE,
	GROUP_HOST,
	GROUP_PATH,
	GROUP_CANARY, /* cluster that takes the request; empty: the path's own */
	GROUP_TEXTS
};

/* | group_block | the texts one behind the other | */
struct group_block {
	struct trie_leaf leaf; /* hash: the number */
	uint16_t n[GROUP_TEXTS];
	uint16_t zero[2];
};
_Static_assert(sizeof(struct group_block) == 32, "group is part of the shared layout");

/*
 * How TLS is spoken to endpoints (tls_profile.h):
 *   | profile_block | {u32 length, DER}... own chain | the same of the CAs | ciphers | name |
 */
struct profile_block {
	struct trie_leaf leaf; /* hash: the id */
	uint64_t generation;   /* of the content, as a cert_block's */
	uint8_t key[32];       /* SHA-256 of our SubjectPublicKeyInfo, when there is a chain */
	uint32_t chain_n, ca_n;
	uint16_t ciphers_n, name_n;
	uint8_t verify, depth, versions, sni;
};
_Static_assert(sizeof(struct profile_block) == 72, "profile is part of the shared layout");

/* Key: the name in lower case; "*.x" for one label below x, "" the default. */
struct sni_leaf {
	struct trie_leaf leaf;
	shm_ref cert; /* cert_block, shared by all names that have it */
	uint32_t zero;
};
_Static_assert(sizeof(struct sni_leaf) == 24, "name of a certificate is part of the layout");

/*
 * | cert_block | {u32 length, DER}... leaf first | OCSP response | {u8 length, text}...
 * (cert_label_tbl.h) | Equal certificates are one block. Nothing in it is secret.
 */
struct cert_block {
	uint64_t generation; /* of the content: two blocks that differ differ in it */
	int64_t not_after;   /* seconds since 1970 */
	uint8_t key[32];     /* SHA-256 of the SubjectPublicKeyInfo: the key's name */
	uint32_t size;       /* of all of it */
	uint32_t chain_n;    /* bytes behind the block */
	uint32_t ocsp_n;     /* bytes behind the chain */
	uint32_t ocsp_min;   /* not to be stapled from this minute since 1970 on */
	uint32_t labels_n;   /* bytes behind the response */
	uint32_t zero;
};
_Static_assert(sizeof(struct cert_block) == 72, "certificate is part of the shared layout");

/*
 * What a host wants of its clients' TLS (client_tls.h):
 * | tls_block | error page | expression for the subject | ciphers |
 * Equal ones are one block.
 */
struct tls_block {
	uint64_t generation; /* of the content: two blocks that differ differ in it */
	uint32_t size;       /* of all of it */
	uint16_t flags;      /* enum client_tls_flag */
	uint8_t verify;      /* enum tls_verify */
	uint8_t depth;
	uint16_t error_page_n, match_n, ciphers_n;
	uint16_t zero;
};
_Static_assert(sizeof(struct tls_block) == 24, "a host's TLS is part of the shared layout");

/*
 * Who vouches for clients: | ca_block | {u32 length, DER}... certificates | the same, CRLs |
 * Equal ones are one block. Nothing in it is secret.
 */
struct ca_block {
	uint64_t generation; /* of the content */
	uint32_t size;       /* of all of it */
	uint32_t certs_n;    /* bytes behind the block */
	uint32_t crls_n;     /* bytes behind those */
	uint32_t zero;
};
_Static_assert(sizeof(struct ca_block) == 24, "a CA is part of the shared layout");
/* A port of a TCP or UDP service, or of a server of http-snippet. */
struct stream_block {
	struct trie_leaf leaf; /* hash: stream_number() */
	uint64_t cluster;
	uint8_t proxy_in;  /* clients send a PROXY header, 0 or 1 */
	uint8_t proxy_out; /* endpoints want one: its version; 0: none */
	uint8_t zero[2];
	shm_ref policy; /* what that server answers; 0: a service */
};
_Static_assert(sizeof(struct stream_block) == 32, "stream is part of the shared layout");

/* A host whose TLS is passed through. Key: the name in lower case; "*.x" for one label below x. */
struct passthrough_leaf {
	struct trie_leaf leaf;
	uint64_t cluster;
};
_Static_assert(sizeof(struct passthrough_leaf) == 24, "passthrough is part of the shared layout");

static inline uint64_t stream_number(enum transport transport, uint16_t port)
{
	return (uint64_t)transport << 16 | port;
}

static inline size_t trie_node_bytes(unsigned n)
{
	return sizeof(struct trie_node) + n * sizeof(struct trie_entry);
}

static inline const struct path_entry *host_paths(const struct host_block *h)
{
	size_t name = (h->leaf.key_n + (size_t)7) & ~(size_t)7;

	return (const struct path_entry *)(const void *)((const char *)(h + 1) + name);
}

static inline const struct path_slot *host_slots(const struct host_block *h)
{
	return (const struct path_slot *)(const void *)(host_paths(h) + h->n_paths);
}

static inline uint32_t host_n_slots(const struct host_block *h)
{
	return h->slots_log2 == 0 ? 0 : 1u << h->slots_log2;
}

static inline const uint32_t *host_regexes(const struct host_block *h)
{
	return (const uint32_t *)(const void *)(host_slots(h) + host_n_slots(h));
}

static inline struct str leaf_key(const struct trie_leaf *l)
{
	return str_make((const char *)l + l->key_at, l->key_n);
}

static inline struct str path_text(const struct host_block *h, const struct path_entry *e)
{
	return str_make((const char *)h + e->text_at, e->text_n);
}

static inline const struct table_endpoint *cluster_endpoints(const struct cluster_block *c)
{
	return (const struct table_endpoint *)(const void *)(c + 1);
}

static inline struct str cluster_name(const struct cluster_block *c)
{
	return str_make((const char *)(cluster_endpoints(c) + c->n_endpoints), c->name_n);
}

static inline struct str cluster_cookie_bytes(const struct cluster_block *c)
{
	return str_make(cluster_name(c).p + c->name_n, c->cookie_n);
}

static inline struct str cluster_hash_bytes(const struct cluster_block *c)
{
	return str_make(cluster_cookie_bytes(c).p + c->cookie_n, c->hash_n);
}

#endif

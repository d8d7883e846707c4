/* model: see model.h. */
#include "master/table/model.h"

#include <sys/random.h>

#include "common/check.h"
#include "common/hash.h"

uint64_t model_cluster_id(struct str name)
{
	static uint64_t seed;
	uint64_t id;

	while (seed == 0) /* drawn once; at start-up the kernel may not be ready at once */
		CHECK(getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed));
	id = hash_str(name, seed);
	return id == 0 ? 1 : id;
}

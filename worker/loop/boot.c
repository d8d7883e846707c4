/* boot: see boot.h. */
#include "worker/loop/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/limit/limit_rate.h"
#include "common/log/log.h"
#include "common/str.h"

#define ARGS 5 /* before the roles, the program's name included */

static bool number(const char *text, uint64_t max, uint64_t *out)
{
	return text != NULL && str_u64(str_from(text), max, out);
}

bool boot_args_parse(struct boot_args *a, int argc, char **argv)
{
	uint64_t index, uid, gid, role;

	if (argc < ARGS || argc > ARGS + BOARD_LISTENS)
		return false;
	if (!number(argv[2], SLOT_MAX - 1, &index) || !number(argv[3], UINT32_MAX - 1, &uid) ||
	    !number(argv[4], UINT32_MAX - 1, &gid))
		return false;
	*a = (struct boot_args){.index = (unsigned)index, .uid = (uid_t)uid, .gid = (gid_t)gid};
	for (int i = ARGS; i < argc; i++) {
		if (!number(argv[i], ROLE_HEALTHZ, &role))
			return false;
		a->roles[a->n_roles++] = (enum listener_role)role;
	}
	return true;
}

static int failed(const char *what)
{
	log_error("cannot start", LOG_Z("what", what), LOG_ERRNO(errno));
	return -1;
}

static void map_peers(struct worker *w)
{
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		int fd = WORKER_FD_PEER + (int)i;

		if (fcntl(fd, F_GETFD) == -1)
			continue;
		w->peers[i] = slot_map(fd, false);
		close(fd);
	}
}

int boot_maps(struct worker *w, struct conf *conf, const struct boot_args *a)
{
	if (conf_from_fd(conf, WORKER_FD_CONF) == -1)
		return failed("reading the configuration");
	w->conf = conf;
	w->index = a->index;
	w->slot = slot_map(WORKER_FD_SLOT, true);
	if (w->slot == NULL)
		return failed("mapping the slot");
	w->board = board_map(WORKER_FD_BOARD);
	if (w->board == NULL)
		return failed("mapping the board");
	w->table = table_open(WORKER_FD_TABLE, &w->slot->pins);
	if (w->table == NULL)
		return failed("mapping the table");
	w->limits = limit_rates_map(WORKER_FD_LIMITS);
	if (w->limits == NULL)
		return failed("mapping the rates of requests");
	map_peers(w);
	close(WORKER_FD_CONF);
	close(WORKER_FD_SLOT);
	close(WORKER_FD_BOARD);
	close(WORKER_FD_TABLE);
	close(WORKER_FD_LIMITS);
	return 0;
}

/*
 * replay: every file of a corpus through a fuzz target, without libFuzzer.
 *
 *     replay_NAME DIRECTORY-OR-FILE...
 *
 * So that `make test` proves on any compiler that no input once worth keeping crashes its target.
 * Ends with 1 when a path cannot be read or there was no input at all.
 */
#include <errno.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	/* Exactly as large as the input, so that a sanitizer sees every read past its end. */
	uint8_t *data = malloc(size > 0 ? size : 1);

	if (f == NULL || data == NULL || fread(data, 1, size, f) != size) {
		fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
		if (f != NULL)
			fclose(f);
		free(data);
		return -1;
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long count = 0;
	int bad = 0;
	FTS *fts = argc > 1 ? fts_open(argv + 1, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;

	if (fts == NULL) {
		fprintf(stderr, "usage: replay_NAME DIRECTORY-OR-FILE...\n");
		return 2;
	}
	for (FTSENT *e; (e = fts_read(fts)) != NULL;) {
		if (e->fts_info == FTS_NS || e->fts_info == FTS_DNR || e->fts_info == FTS_ERR) {
			fprintf(stderr, "replay: %s: %s\n", e->fts_path, strerror(e->fts_errno));
			bad = 1;
		}
		if (e->fts_info != FTS_F)
			continue;
		count++;
		if (replay(e->fts_path, (size_t)e->fts_statp->st_size) == -1)
			bad = 1;
	}
	fts_close(fts);
	printf("%lu inputs\n", count);
	return bad || count == 0;
}

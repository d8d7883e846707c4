/* identity: see identity.h. */
#include "master/process/identity.h"

#include <errno.h>
#include <pwd.h>

int identity_of(const struct conf *conf, unsigned index, struct identity *out)
{
	const struct passwd *pw;

	if (conf->user[0] == '\0') {
		*out = (struct identity){IDENTITY_FIRST_UID + index, IDENTITY_FIRST_UID + index};
		return 0;
	}
	pw = getpwnam(conf->user);
	if (pw == NULL || pw->pw_uid == 0) {
		errno = ENOENT;
		return -1;
	}
	*out = (struct identity){pw->pw_uid, pw->pw_gid};
	return 0;
}

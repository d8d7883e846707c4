/* program: the parts of a snippet's program while it grows, and the bytes that are made of it. */
#ifndef SILEX_MASTER_TRANSLATE_SNIPPET_PROGRAM_H
#define SILEX_MASTER_TRANSLATE_SNIPPET_PROGRAM_H

#include "master/translate/snippet/build.h"

/* Out of memory is the end of the process. */
struct program *program_new(void);
void program_free(struct program *p);
/* Append a location; program is empty when it is refused. */
void program_put_location(struct program *p, enum snip_kind kind, bool refused, struct str text,
			  struct str program);
/* Lists of the program above (policy_snippet.h), where p itself has none, or before its own where
 * they merge; as nginx inherits. */
void program_inherit(struct program *p, struct str above);
/* Append its bytes to out (policy_snippet.h). False: they are more than most. */
bool program_write(const struct program *p, struct text *out, size_t most);

#endif

/*
 * conf_value: one value of struct conf, from text and to text, by the type of its key.
 */
#ifndef SILEX_COMMON_CONF_CONF_VALUE_H
#define SILEX_COMMON_CONF_CONF_VALUE_H

#include "common/conf/conf_key.h"

/* Parse into the field. 0, or -1 with what is allowed ("one of a, b", "1 to 256 processes") in
 * allowed. *c changes only on 0. */
int conf_value_parse(const struct conf_key *k, struct conf *c, struct str text,
		     char allowed[CONF_ERROR_MAX]);
/* The field as text that conf_value_parse() reads back to the same value. */
void conf_value_text(const struct conf_key *k, const struct conf *c, char out[CONF_VALUE_MAX]);
bool conf_value_eq(const struct conf_key *k, const struct conf *a, const struct conf *b);
void conf_value_copy(const struct conf_key *k, struct conf *to, const struct conf *from);
/* What is allowed, as a phrase for people. */
void conf_value_allowed(const struct conf_key *k, char out[CONF_ERROR_MAX]);

#endif

/*
 * conf_print: the configuration keys for people: help, example file, README table, and the
 * values in use. All of it is made from conf_tbl.h.
 */
#ifndef SILEX_COMMON_CONF_CONF_PRINT_H
#define SILEX_COMMON_CONF_CONF_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "common/conf/conf.h"

/* The common options, or all of them. */
void conf_print_help(FILE *f, bool all);
/* silex.conf.example: every key, commented out, with its default. */
void conf_print_example(FILE *f);
/* The README's table. */
void conf_print_md(FILE *f);
/* `silex show conf`: every key = value as it is, readable as a silex.conf again. */
void conf_print_values(FILE *f, const struct conf *c);

#endif

/*
 * From an argument vector to settings: defaults, then the environment, then the command line, each
 * overriding the one before.
 */
#ifndef STRADS_CLI_ARGUMENTS_H
#define STRADS_CLI_ARGUMENTS_H

#include "option.h"

struct strads_arguments {
	const char *command;    /* "strads lasso", as messages name it */
	const char *about;      /* what it does, above the options in --help */
	const char *epilog;     /* below them; may be NULL */
	const char *positional; /* the option that an argument without a flag sets; NULL: none */
	const struct strads_option_group *groups;
};

/* Fills the settings of all groups. Returns STRADS_OK; STRADS_AGAIN when help or the version was
 * asked for and printed on stdout, so that nothing is left to do; ERR_INPUT naming the first bad
 * argument or variable and where to read on; ERR_MEMORY. argv is permuted, its strings become
 * settings. Thread: main. */
STRADS_MUST_CHECK int strads_arguments_parse(const struct strads_arguments *arguments, int argc,
					     char **argv);

/* The two stages before the command line alone: defaults, then the environment. */
STRADS_MUST_CHECK int strads_arguments_surroundings(const struct strads_option_group *groups);

#endif

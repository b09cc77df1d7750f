/*
 * The option table: one row an option, from which come flags, environment variables, defaults,
 * --help, the settings in a log's first line, and `strads info`.
 */
#ifndef STRADS_CLI_OPTION_H
#define STRADS_CLI_OPTION_H

#include "strads/transport.h"

#include <jansson.h>

enum strads_option_kind {
	STRADS_OPTION_FLAG,   /* bool; `--name` alone, or `--name=on|off` */
	STRADS_OPTION_INT,    /* int */
	STRADS_OPTION_UINT,   /* uint64_t */
	STRADS_OPTION_SIZE,   /* uint64_t, bytes; K, M, G, T are powers of 1024 */
	STRADS_OPTION_DOUBLE, /* double; NaN where unset */
	STRADS_OPTION_STRING, /* const char *, borrowed from argv or environ; NULL where unset */
	STRADS_OPTION_CHOICE, /* int: index into `choices` */
};

struct strads_option {
	const char *name;     /* "set-size": the flag --set-size … */
	const char *variable; /* … and its variable; NULL: STRADS_SET_SIZE */
	const char *value;    /* what --help calls the value; NULL for a flag */
	const char *fallback; /* the default, as one would type it; NULL: unset */
	const char *doc;
	enum strads_option_kind kind;
	char letter;                /* a short form: 's' for -s; 0: none */
	size_t offset;              /* into the settings of the group */
	double min, max;            /* bounds of a number, both allowed; both 0: none */
	const char *const *choices; /* NULL-terminated */
	const char *excludes;       /* an option that cannot be given together with this one */
};

/* Options that belong together, and the struct they fill. Tables of groups end with a group
 * without options, tables of options with a row without a name. */
struct strads_option_group {
	const char *title;
	const struct strads_option *options;
	void *settings;
};

/* The row called `name` and its settings; NULL if there is none. Thread: any. */
const struct strads_option *strads_option_find(const struct strads_option_group *groups,
					       const char *name, void **settings);

/* Gives the option the value written in `text`; `origin` ("--tol", "STRADS_TOL") begins the
 * sentence of a failure. Returns STRADS_OK or ERR_INPUT. Thread: any. */
STRADS_MUST_CHECK int strads_option_set(const struct strads_option *option, void *settings,
					const char *origin, const char *text);

/* Sets the option to its default. A table whose own default is out of range is ERR_INPUT. */
STRADS_MUST_CHECK int strads_option_reset(const struct strads_option *option, void *settings);

/* The name of the environment variable, written to `text`; returns `text`. */
#define STRADS_OPTION_VARIABLE_MAX 64
const char *strads_option_variable(const struct strads_option *option,
				   char text[STRADS_OPTION_VARIABLE_MAX]);

/* "a number between 0 and 1", "one of cyclic, random, fixed". Returns `text`. */
#define STRADS_OPTION_DOMAIN_MAX 256
const char *strads_option_domain(const struct strads_option *option,
				 char text[STRADS_OPTION_DOMAIN_MAX]);

/* The value in force as JSON, null where unset or NaN; a new reference, NULL without memory. */
json_t *strads_option_json(const struct strads_option *option, const void *settings);

/* All values in force, {"name": value, …}; a new reference, NULL without memory. */
json_t *strads_options_json(const struct strads_option_group *groups);

#endif

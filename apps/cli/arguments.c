#include "arguments.h"

#include "version.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys of argp above those of characters: row k of the flattened table is FIRST_KEY + k, or its
 * letter where it has one. */
#define FIRST_KEY   0x200
#define HELP_KEY    '?'
#define VERSION_KEY 'V'

struct row {
	const struct strads_option *option;
	void *settings;
	bool given; /* on the command line */
	char *doc;  /* with the default */
};

/* One parse: the flattened table, and the same as argp wants it. */
struct parse {
	const struct strads_arguments *arguments;
	struct row *rows;
	size_t count;
	struct argp_option *options;
	bool help, version;
	int status;
};

static int
set_defaults(const struct strads_option_group *groups)
{
	for (const struct strads_option_group *g = groups; g->options; g++) {
		for (const struct strads_option *o = g->options; o->name; o++) {
			int status = strads_option_reset(o, g->settings);

			if (status)
				return status;
		}
	}
	return STRADS_OK;
}

/* Whether the environment sets the option; an empty variable counts as absent. */
static const char *
environment_value(const struct strads_option *option, char name[STRADS_OPTION_VARIABLE_MAX])
{
	const char *text = getenv(strads_option_variable(option, name));

	return text && *text ? text : NULL;
}

static int
set_environment(const struct strads_option_group *groups)
{
	char name[STRADS_OPTION_VARIABLE_MAX], other[STRADS_OPTION_VARIABLE_MAX];

	for (const struct strads_option_group *g = groups; g->options; g++) {
		for (const struct strads_option *o = g->options; o->name; o++) {
			const char *text = environment_value(o, name);
			void *settings;
			const struct strads_option *excluded;
			int status;

			if (!text)
				continue;
			status = strads_option_set(o, g->settings, name, text);
			if (status)
				return status;
			excluded =
			    o->excludes ? strads_option_find(groups, o->excludes, &settings) : NULL;
			if (excluded && environment_value(excluded, other))
				return strads_fail(STRADS_ERR_INPUT,
						   "%s and %s cannot both be set: unset one", name,
						   other);
		}
	}
	return STRADS_OK;
}

int
strads_arguments_surroundings(const struct strads_option_group *groups)
{
	int status = set_defaults(groups);

	return status ? status : set_environment(groups);
}

static struct row *
find_row(const struct parse *parse, const char *name)
{
	for (size_t i = 0; i < parse->count; i++) {
		if (strcmp(parse->rows[i].option->name, name) == 0)
			return &parse->rows[i];
	}
	return NULL;
}

/* The row with this key of argp; NULL if there is none. */
static struct row *
keyed_row(const struct parse *parse, int key)
{
	if (key >= FIRST_KEY)
		return (size_t)(key - FIRST_KEY) < parse->count ? &parse->rows[key - FIRST_KEY]
								: NULL;
	for (size_t i = 0; i < parse->count; i++) {
		if (parse->rows[i].option->letter && parse->rows[i].option->letter == key)
			return &parse->rows[i];
	}
	return NULL;
}

/* A row named on the command line takes `text` (NULL: a bare flag), and unsets what it excludes
 * unless that was named too. */
static int
give(const struct parse *parse, struct row *row, const char *text)
{
	const struct strads_option *option = row->option;
	struct row *excluded = option->excludes ? find_row(parse, option->excludes) : NULL;
	char origin[STRADS_OPTION_VARIABLE_MAX];
	int status;

	snprintf(origin, sizeof origin, "--%s", option->name);
	status = strads_option_set(option, row->settings, origin, text ? text : "on");
	if (status)
		return status;
	row->given = true;
	if (excluded && excluded->given)
		return strads_fail(STRADS_ERR_INPUT,
				   "--%s and --%s cannot both be given: leave one out",
				   option->name, option->excludes);
	return excluded ? strads_option_reset(excluded->option, excluded->settings) : STRADS_OK;
}

static int
give_positional(const struct parse *parse, const char *text)
{
	struct row *row =
	    parse->arguments->positional ? find_row(parse, parse->arguments->positional) : NULL;

	if (!row)
		return strads_fail(STRADS_ERR_INPUT, "'%s': this command takes no argument", text);
	if (row->given)
		return strads_fail(STRADS_ERR_INPUT, "'%s': --%s is already given", text,
				   row->option->name);
	return give(parse, row, text);
}

/* Levenshtein's distance between a (m characters) and b, the rows of its matrix one at a time. */
static size_t
distance(const char *a, size_t m, const char *b)
{
	size_t cost[STRADS_OPTION_VARIABLE_MAX], n = strlen(b);

	if (n >= STRADS_OPTION_VARIABLE_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		cost[j] = j;
	for (size_t i = 1; i <= m; i++) {
		size_t diagonal = cost[0];

		cost[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t step = (cost[j] < cost[j - 1] ? cost[j] : cost[j - 1]) + 1;

			diagonal = cost[j];
			cost[j] = change < step ? change : step;
		}
	}
	return cost[n];
}

/* The sentence for an option getopt refused: what is wrong with it and what may have been meant. */
static int
refuse(const struct parse *parse, const char *argument)
{
	const char *name = argument + strspn(argument, "-");
	size_t length = strcspn(name, "="), best = SIZE_MAX;
	const char *nearest = NULL;

	for (size_t i = 0; i < parse->count; i++) {
		const char *candidate = parse->rows[i].option->name;
		size_t d = distance(name, length, candidate);

		if (d == 0) {
			char domain[STRADS_OPTION_DOMAIN_MAX];

			return strads_fail(STRADS_ERR_INPUT, "--%s needs a value: %s", candidate,
					   strads_option_domain(parse->rows[i].option, domain));
		}
		if (strncmp(name, candidate, length) == 0)
			d = 1;
		if (d < best) {
			best = d;
			nearest = candidate;
		}
	}
	if (nearest && length && best <= 2)
		return strads_fail(STRADS_ERR_INPUT, "%.*s: no such option, did you mean --%s",
				   (int)strcspn(argument, "="), argument, nearest);
	return strads_fail(STRADS_ERR_INPUT, "%.*s: no such option", (int)strcspn(argument, "="),
			   argument);
}

/* What was written for the option that argp has just taken, `text` being its value or NULL. */
static const char *
written(const struct argp_state *state, const char *text)
{
	int at = state->next - 1;

	return text && text == state->argv[at] ? state->argv[at - 1] : state->argv[at];
}

/* Whether the option's name is written out, else refuses it: getopt takes --mode for --model where
 * there is no --mode, but another command may have one. */
static bool
is_whole(struct parse *parse, const struct argp_state *state, const char *text, const char *name)
{
	const char *argument = written(state, text);
	size_t length = strlen(name);

	if (strncmp(argument, "--", 2) != 0 ||
	    (strncmp(argument + 2, name, length) == 0 &&
	     (argument[2 + length] == '\0' || argument[2 + length] == '=')))
		return true;
	parse->status = refuse(parse, argument);
	return false;
}

static error_t
parse_key(int key, char *text, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct row *row = keyed_row(parse, key);

	if (key == HELP_KEY) {
		parse->help = is_whole(parse, state, text, "help");
	} else if (key == VERSION_KEY) {
		parse->version = is_whole(parse, state, text, "version");
	} else if (key == ARGP_KEY_ARG) {
		parse->status = give_positional(parse, text);
	} else if (key == ARGP_KEY_ERROR) {
		if (!parse->status)
			parse->status = refuse(parse, state->argv[state->next - 1]);
	} else if (row) {
		if (is_whole(parse, state, text, row->option->name))
			parse->status = give(parse, row, text);
	} else {
		return ARGP_ERR_UNKNOWN;
	}
	return parse->status ? EINVAL : 0;
}

static char *
row_doc(const struct strads_option *option)
{
	const char *fallback = option->kind == STRADS_OPTION_FLAG ? NULL : option->fallback;
	const char *variable = option->variable;
	char *doc = NULL;
	int n;

	n = asprintf(&doc, "%s%s%s%s%s%s%s", option->doc, fallback ? " (default: " : "",
		     fallback ? fallback : "", fallback ? ")" : "", variable ? " [" : "",
		     variable ? variable : "", variable ? "]" : "");
	return n < 0 ? NULL : doc;
}

static size_t
count_rows(const struct strads_option_group *groups, size_t *headers)
{
	size_t count = 0;

	*headers = 0;
	for (const struct strads_option_group *g = groups; g->options; g++) {
		(*headers)++;
		for (const struct strads_option *o = g->options; o->name; o++)
			count++;
	}
	return count;
}

/* Fills parse->rows and parse->options, room for which is there. */
static int
fill_tables(struct parse *parse)
{
	struct argp_option *out = parse->options;
	int number = 0;
	size_t k = 0;

	for (const struct strads_option_group *g = parse->arguments->groups; g->options; g++) {
		*out++ = (struct argp_option){.doc = g->title, .group = ++number};
		for (const struct strads_option *o = g->options; o->name; o++, k++) {
			bool flag = o->kind == STRADS_OPTION_FLAG;

			parse->rows[k] = (struct row){o, g->settings, false, row_doc(o)};
			if (!parse->rows[k].doc)
				return strads_fail(STRADS_ERR_MEMORY, "no memory for the options");
			*out++ = (struct argp_option){
			    .name = o->name,
			    .key = o->letter ? o->letter : FIRST_KEY + (int)k,
			    .arg = flag ? "on|off" : o->value,
			    .flags = flag ? OPTION_ARG_OPTIONAL : 0,
			    .doc = parse->rows[k].doc,
			    .group = number,
			};
		}
	}
	*out++ = (struct argp_option){
	    .name = "help", .key = HELP_KEY, .doc = "Print this and exit", .group = -1};
	*out++ = (struct argp_option){.name = "version",
				      .key = VERSION_KEY,
				      .doc = "Print the version and exit",
				      .group = -1};
	*out = (struct argp_option){0};
	return STRADS_OK;
}

static void
parse_free(struct parse *parse)
{
	for (size_t i = 0; parse->rows && i < parse->count; i++)
		free(parse->rows[i].doc);
	free(parse->rows);
	free(parse->options);
}

static int
parse_new(struct parse *parse, const struct strads_arguments *arguments)
{
	size_t headers;
	int status;

	*parse = (struct parse){.arguments = arguments};
	parse->count = count_rows(arguments->groups, &headers);
	parse->rows = calloc(parse->count + 1, sizeof *parse->rows);
	parse->options = calloc(parse->count + headers + 3, sizeof *parse->options);
	if (parse->rows && parse->options)
		status = fill_tables(parse);
	else
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for the options");
	if (status)
		parse_free(parse);
	return status;
}

static int
print_help(const struct strads_arguments *arguments, const struct argp *argp)
{
	char *name = strdup(arguments->command);

	if (!name)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the help text");
	argp_help(argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK, name);
	free(name);
	return STRADS_AGAIN;
}

static int
parse_arguments(struct parse *parse, int argc, char **argv)
{
	const struct strads_arguments *arguments = parse->arguments;
	char positional[STRADS_OPTION_VARIABLE_MAX] = "";
	struct argp argp = {.options = parse->options, .parser = parse_key};
	char *doc = NULL;
	error_t error;
	int status;

	if (arguments->positional)
		snprintf(positional, sizeof positional, "[%s]",
			 find_row(parse, arguments->positional)->option->value);
	if (asprintf(&doc,
		     "%s\v%s%sAn environment variable STRADS_NAME sets option --name (in capitals, "
		     "underscores for dashes), where brackets name no other; the command line "
		     "overrides it.",
		     arguments->about, arguments->epilog ? arguments->epilog : "",
		     arguments->epilog ? "\n\n" : "") < 0)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the options");
	argp.args_doc = *positional ? positional : NULL;
	argp.doc = doc;
	error =
	    argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP, NULL, parse);
	status = parse->status;
	if (parse->help) {
		status = print_help(arguments, &argp);
	} else if (parse->version) {
		puts("strads " STRADS_VERSION);
		status = STRADS_AGAIN;
	} else if (error && !status) {
		status = strads_fail(STRADS_ERR_INPUT, "the arguments cannot be parsed");
	}
	free(doc);
	return status;
}

int
strads_arguments_parse(const struct strads_arguments *arguments, int argc, char **argv)
{
	struct parse parse;
	int status = strads_arguments_surroundings(arguments->groups);

	if (!status)
		status = parse_new(&parse, arguments);
	if (!status) {
		status = parse_arguments(&parse, argc, argv);
		parse_free(&parse);
	}
	if (status == STRADS_ERR_INPUT)
		return strads_fail(status, "%s; see `%s --help`", strads_error(),
				   arguments->command);
	return status;
}

#include "option.h"

#include "log.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct strads_option *
strads_option_find(const struct strads_option_group *groups, const char *name, void **settings)
{
	for (const struct strads_option_group *g = groups; g->options; g++) {
		for (const struct strads_option *o = g->options; o->name; o++) {
			if (strcmp(o->name, name) != 0)
				continue;
			*settings = g->settings;
			return o;
		}
	}
	return NULL;
}

const char *
strads_option_variable(const struct strads_option *option, char text[STRADS_OPTION_VARIABLE_MAX])
{
	if (option->variable) {
		snprintf(text, STRADS_OPTION_VARIABLE_MAX, "%s", option->variable);
		return text;
	}
	snprintf(text, STRADS_OPTION_VARIABLE_MAX, "STRADS_%s", option->name);
	for (char *c = text; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return text;
}

/* What a value of this kind is called in a sentence. */
static const char *
kind_phrase(enum strads_option_kind kind)
{
	switch (kind) {
	case STRADS_OPTION_FLAG:
		return "on or off";
	case STRADS_OPTION_INT:
	case STRADS_OPTION_UINT:
		return "a whole number";
	case STRADS_OPTION_SIZE:
		return "a size (like 4096, 64K, 2M, 1G)";
	case STRADS_OPTION_DOUBLE:
		return "a number";
	case STRADS_OPTION_STRING:
		return "a non-empty text";
	case STRADS_OPTION_CHOICE:
		return "one of";
	}
	return "a value";
}

static bool
bounded(const struct strads_option *option)
{
	return option->min != 0 || option->max != 0;
}

const char *
strads_option_domain(const struct strads_option *option, char text[STRADS_OPTION_DOMAIN_MAX])
{
	size_t used;

	used = (size_t)snprintf(text, STRADS_OPTION_DOMAIN_MAX, "%s", kind_phrase(option->kind));
	if (option->kind == STRADS_OPTION_CHOICE) {
		for (const char *const *c = option->choices; *c && used < STRADS_OPTION_DOMAIN_MAX;
		     c++)
			used += (size_t)snprintf(text + used, STRADS_OPTION_DOMAIN_MAX - used,
						 "%s %s", c == option->choices ? "" : ",", *c);
	} else if (bounded(option) && isinf(option->max)) {
		snprintf(text + used, STRADS_OPTION_DOMAIN_MAX - used, " of at least %.12g",
			 option->min);
	} else if (bounded(option)) {
		snprintf(text + used, STRADS_OPTION_DOMAIN_MAX - used, " between %.12g and %.12g",
			 option->min, option->max);
	}
	return text;
}

static int
reject(const struct strads_option *option, const char *origin, const char *text)
{
	char domain[STRADS_OPTION_DOMAIN_MAX];

	return strads_fail(STRADS_ERR_INPUT, "%s: '%s' is not %s", origin, text,
			   strads_option_domain(option, domain));
}

static bool
within(const struct strads_option *option, double value)
{
	return !bounded(option) || (value >= option->min && value <= option->max);
}

static bool
parse_flag(const char *text, bool *value)
{
	static const char *const yes[] = {"on", "yes", "true", "1", NULL};
	static const char *const no[] = {"off", "no", "false", "0", NULL};

	for (int i = 0; yes[i]; i++) {
		if (strcmp(text, yes[i]) == 0) {
			*value = true;
			return true;
		}
		if (strcmp(text, no[i]) == 0) {
			*value = false;
			return true;
		}
	}
	return false;
}

static bool
parse_int(const char *text, int *value)
{
	char *end;
	long parsed;

	errno = 0;
	parsed = strtol(text, &end, 10);
	if (end == text || *end || errno || parsed < INT32_MIN || parsed > INT32_MAX)
		return false;
	*value = (int)parsed;
	return true;
}

/* Digits, then with `suffixes` at most one of K, M, G, T, either case. */
static bool
parse_uint(const char *text, bool suffixes, uint64_t *value)
{
	static const char units[] = "KMGT";
	char *end;
	uint64_t parsed;

	if (!isdigit((unsigned char)*text)) /* strtoull would take a sign */
		return false;
	errno = 0;
	parsed = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (suffixes && *end) {
		const char *unit = strchr(units, toupper((unsigned char)*end));

		if (!unit || __builtin_mul_overflow(
				 parsed, UINT64_C(1) << (10 * (unit - units + 1)), &parsed))
			return false;
		end++;
	}
	if (*end)
		return false;
	*value = parsed;
	return true;
}

static bool
parse_double(const char *text, double *value)
{
	char *end;
	double parsed;

	errno = 0;
	parsed = strtod(text, &end);
	if (end == text || *end || !isfinite(parsed))
		return false;
	*value = parsed;
	return true;
}

static bool
parse_choice(const struct strads_option *option, const char *text, int *value)
{
	for (int i = 0; option->choices[i]; i++) {
		if (strcmp(option->choices[i], text) == 0) {
			*value = i;
			return true;
		}
	}
	return false;
}

int
strads_option_set(const struct strads_option *option, void *settings, const char *origin,
		  const char *text)
{
	void *at = (char *)settings + option->offset;
	union {
		bool flag;
		int number;
		uint64_t count;
		double real;
	} value;

	switch (option->kind) {
	case STRADS_OPTION_FLAG:
		if (!parse_flag(text, &value.flag))
			return reject(option, origin, text);
		*(bool *)at = value.flag;
		return STRADS_OK;
	case STRADS_OPTION_INT:
		if (!parse_int(text, &value.number) || !within(option, value.number))
			return reject(option, origin, text);
		*(int *)at = value.number;
		return STRADS_OK;
	case STRADS_OPTION_UINT:
	case STRADS_OPTION_SIZE:
		if (!parse_uint(text, option->kind == STRADS_OPTION_SIZE, &value.count) ||
		    !within(option, (double)value.count))
			return reject(option, origin, text);
		*(uint64_t *)at = value.count;
		return STRADS_OK;
	case STRADS_OPTION_DOUBLE:
		if (!parse_double(text, &value.real) || !within(option, value.real))
			return reject(option, origin, text);
		*(double *)at = value.real;
		return STRADS_OK;
	case STRADS_OPTION_STRING:
		if (!*text)
			return reject(option, origin, text);
		*(const char **)at = text;
		return STRADS_OK;
	case STRADS_OPTION_CHOICE:
		if (!parse_choice(option, text, &value.number))
			return reject(option, origin, text);
		*(int *)at = value.number;
		return STRADS_OK;
	}
	return strads_fail(STRADS_ERR_ARGUMENT, "%s: an option of unknown kind", origin);
}

int
strads_option_reset(const struct strads_option *option, void *settings)
{
	void *at = (char *)settings + option->offset;

	if (option->fallback)
		return strads_option_set(option, settings, option->name, option->fallback);
	switch (option->kind) {
	case STRADS_OPTION_FLAG:
		*(bool *)at = false;
		break;
	case STRADS_OPTION_INT:
	case STRADS_OPTION_CHOICE:
		*(int *)at = 0;
		break;
	case STRADS_OPTION_UINT:
	case STRADS_OPTION_SIZE:
		*(uint64_t *)at = 0;
		break;
	case STRADS_OPTION_DOUBLE:
		*(double *)at = NAN;
		break;
	case STRADS_OPTION_STRING:
		*(const char **)at = NULL;
		break;
	}
	return STRADS_OK;
}

json_t *
strads_option_json(const struct strads_option *option, const void *settings)
{
	const void *at = (const char *)settings + option->offset;

	switch (option->kind) {
	case STRADS_OPTION_FLAG:
		return json_boolean(*(const bool *)at);
	case STRADS_OPTION_INT:
		return json_integer(*(const int *)at);
	case STRADS_OPTION_UINT:
	case STRADS_OPTION_SIZE:
		return strads_log_count(*(const uint64_t *)at);
	case STRADS_OPTION_DOUBLE:
		return isfinite(*(const double *)at) ? json_real(*(const double *)at) : json_null();
	case STRADS_OPTION_STRING:
		return strads_log_text(*(const char *const *)at);
	case STRADS_OPTION_CHOICE:
		return json_string(option->choices[*(const int *)at]);
	}
	return json_null();
}

json_t *
strads_options_json(const struct strads_option_group *groups)
{
	json_t *all = json_object();

	for (const struct strads_option_group *g = groups; all && g->options; g++) {
		for (const struct strads_option *o = g->options; o->name; o++) {
			if (json_object_set_new(all, o->name, strads_option_json(o, g->settings))) {
				json_decref(all);
				return NULL;
			}
		}
	}
	return all;
}

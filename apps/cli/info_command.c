#include "command.h"

#include "about.h"
#include "arguments.h"
#include "lasso_options.h"
#include "log.h"
#include "run.h"

#include <stddef.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

struct info_settings {
	bool json;
};

static const struct strads_option info_options[] = {
    {.name = "json",
     .kind = STRADS_OPTION_FLAG,
     .offset = offsetof(struct info_settings, json),
     .doc = "Print everything as JSON"},
    {0},
};

/* A fabric opened on one rank over one provider: whether that works here. */
struct probe {
	const char *provider;
	bool opened;
	char sentence[512];
};

static int
probe_rank(struct strads_job *job, void *arg)
{
	struct probe *probe = arg;
	const struct strads_fabric_options options = {.fabric = probe->provider};
	struct strads_fabric *fabric = NULL;

	if (strads_fabric_open(job, &options, &fabric)) {
		snprintf(probe->sentence, sizeof probe->sentence, "%s", strads_error());
		return 0;
	}
	probe->opened = true;
	strads_fabric_close(&fabric);
	return 0;
}

/* {"shm": true, "ofi": "why not"}: the providers that were built, and whether each opens here. */
static json_t *
providers(void)
{
	json_t *all = json_object();

	for (const char *const *name = strads_fabric_providers(); all && *name; name++) {
		struct probe probe = {.provider = *name};
		struct strads_job_options options = {.kind = STRADS_JOB_SELF, .ranks = 1};

		if (strcmp(*name, "sim") == 0)
			options.kind = STRADS_JOB_SIM;
		if (strads_job_run(&options, probe_rank, &probe) && !*probe.sentence)
			snprintf(probe.sentence, sizeof probe.sentence, "no job can be started");
		json_object_set_new(all, *name,
				    probe.opened ? json_true() : strads_log_text(probe.sentence));
	}
	return all;
}

static json_t *
option_entry(const struct strads_option *option, const void *settings)
{
	char variable[STRADS_OPTION_VARIABLE_MAX], domain[STRADS_OPTION_DOMAIN_MAX];

	return json_pack("{s:o, s:s, s:s, s:o}", "value", strads_option_json(option, settings),
			 "variable", strads_option_variable(option, variable), "domain",
			 strads_option_domain(option, domain), "default",
			 strads_log_text(option->fallback));
}

static json_t *
option_table(const struct strads_option_group *groups)
{
	json_t *all = json_object();

	for (const struct strads_option_group *g = groups; all && g->options; g++) {
		for (const struct strads_option *o = g->options; o->name; o++)
			json_object_set_new(all, o->name, option_entry(o, g->settings));
	}
	return all;
}

/* ---- For people ----------------------------------------------------------------------------- */

static void
print_object(const char *title, json_t *object)
{
	const char *key;
	json_t *value;

	printf("\n%s\n", title);
	json_object_foreach(object, key, value)
	{
		printf("  %-16s ", key);
		if (json_is_string(value))
			puts(json_string_value(value));
		else if (json_is_integer(value))
			printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
		else
			puts(json_is_true(value) ? "works" : "unlimited");
	}
}

static void
print_value(json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

	if (json_is_string(value))
		printf("%-14s ", json_string_value(value));
	else
		printf("%-14s ", text && !json_is_null(value) ? text : "-");
	free(text);
}

static void
print_options(json_t *options)
{
	const char *key;
	json_t *entry;

	puts("\nOptions of `strads lasso` with the values in force (environment or default)");
	json_object_foreach(options, key, entry)
	{
		printf("  --%-16s ", key);
		print_value(json_object_get(entry, "value"));
		printf("%-22s %s\n", json_string_value(json_object_get(entry, "variable")),
		       json_string_value(json_object_get(entry, "domain")));
	}
}

static int
print(json_t *all, bool json)
{
	if (!all) {
		fprintf(stderr, "strads info: no memory\n");
		return STRADS_EXIT_FAILED;
	}
	if (json) {
		json_dumpf(all, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		printf("strads %s\n", json_string_value(json_object_get(
					  json_object_get(all, "versions"), "strads")));
		print_object("Versions", json_object_get(all, "versions"));
		print_object("Host", json_object_get(all, "host"));
		print_object("Limits", json_object_get(all, "limits"));
		print_object("Providers", json_object_get(all, "providers"));
		print_options(json_object_get(all, "options"));
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "strads info: cannot write to the standard output\n");
		return STRADS_EXIT_FAILED;
	}
	return STRADS_EXIT_DONE;
}

int
strads_command_info(int argc, char **argv)
{
	struct info_settings info;
	struct strads_lasso_settings lasso = {0};
	struct strads_option_group own[] = {{"Output:", info_options, &info}, {0}};
	struct strads_option_group groups[STRADS_LASSO_GROUPS + 1];
	const struct strads_arguments arguments = {
	    .command = argv[0],
	    .about = "Print versions, host, limits, the providers that were built and whether each "
		     "opens here, and every option with the value in force.",
	    .groups = own,
	};
	int status = strads_arguments_parse(&arguments, argc, argv), code;
	json_t *all;

	if (status == STRADS_AGAIN)
		return fflush(stdout) ? STRADS_EXIT_FAILED : STRADS_EXIT_DONE;
	strads_lasso_groups(&lasso, groups);
	if (!status)
		status = strads_arguments_surroundings(groups);
	if (status)
		return strads_run_refuse(argv[0]);
	all = json_pack("{s:o, s:o, s:o, s:o, s:o}", "versions", strads_about_versions(), "host",
			strads_about_host(), "limits", strads_about_limits(), "providers",
			providers(), "options", option_table(groups));
	code = print(all, info.json);
	json_decref(all);
	return code;
}

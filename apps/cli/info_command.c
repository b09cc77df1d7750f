#include "command.h"

#include "about.h"
#include "arguments.h"
#include "info_devices.h"
#include "info_findings.h"
#include "info_paths.h"
#include "fit_options.h"
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

/* What the command has found out. */
struct info {
	struct strads_fit_settings lasso; /* with the launch of every command */
	struct strads_option_group groups[STRADS_FIT_GROUPS + 1];
	struct strads_survey *survey;
	json_t *all;
};

/* {"shm": true, "ofi": "why not"}: the providers that were built, and whether each opens here. */
static json_t *
providers(json_t *paths)
{
	json_t *all = json_object(), *path;
	const char *name;

	json_object_foreach(paths, name, path)
	{
		bool works = json_is_true(json_object_get(path, "works"));

		json_object_set(all, name, works ? json_true() : json_object_get(path, "why"));
	}
	return all;
}

static const char *
path_of(json_t *paths, const char *provider)
{
	return json_string_value(json_object_get(json_object_get(paths, provider), "path"));
}

/* What --fabric auto comes to. */
static json_t *
automatic(const struct info *info, json_t *paths)
{
	bool denied = info->survey->lockable_bytes < info->lasso.launch.engine.memory_bytes;
	const char *within = path_of(paths, "shm");
	const char *between = denied ? NULL : path_of(paths, "verbs");

	if (!between)
		between = path_of(paths, "ofi");
	return json_pack("{s:s?, s:s?}", "within_host", within ? within : between, "between_hosts",
			 between);
}

static json_t *
findings(const struct info *info, json_t *paths)
{
	struct strads_limits limits;
	const struct strads_info_facts facts = {
	    .survey = info->survey,
	    .limits = &limits,
	    .memory_bytes = info->lasso.launch.engine.memory_bytes,
	    .reserved_pages = strads_launch_reserves(&info->lasso.launch),
	    .verbs_works = path_of(paths, "verbs") != NULL,
	};

	strads_limits_read(&limits);
	return strads_info_findings(&facts);
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
			puts("unlimited");
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

static void
print_paths(json_t *paths)
{
	const char *name, *why;
	json_t *path;

	puts("\nPaths");
	json_object_foreach(paths, name, path)
	{
		bool works = json_is_true(json_object_get(path, "works"));

		why = json_string_value(json_object_get(path, "why"));
		printf("  %-16s %s", name, works ? path_of(paths, name) : "does not work here");
		printf("%s%s\n", why ? ": " : "", why ? why : "");
	}
}

static void
print_automatic(json_t *automatic)
{
	const char *key, *const *name;
	static const char *const names[] = {"within_host", "between_hosts", NULL};

	for (name = names; *name; name++) {
		key = json_string_value(json_object_get(automatic, *name));
		printf("  auto, %-10s %s\n", name == names ? "one host" : "hosts",
		       key ? key : "nothing works");
	}
}

static void
print_findings(json_t *findings)
{
	json_t *finding;
	size_t i;

	puts("\nFindings");
	if (json_array_size(findings) == 0)
		puts("  nothing to mend");
	json_array_foreach(findings, i, finding)
	{
		printf("  %s\n    -> %s\n", json_string_value(json_object_get(finding, "what")),
		       json_string_value(json_object_get(finding, "advice")));
	}
}

static void
print_all(const struct info *info)
{
	json_t *all = info->all;

	printf("strads %s\n",
	       json_string_value(json_object_get(json_object_get(all, "versions"), "strads")));
	print_object("Versions", json_object_get(all, "versions"));
	print_object("Host", json_object_get(all, "host"));
	print_object("Limits", json_object_get(all, "limits"));
	strads_info_devices_print(info->survey);
	print_paths(json_object_get(all, "paths"));
	print_automatic(json_object_get(all, "auto"));
	print_findings(json_object_get(all, "findings"));
	print_options(json_object_get(all, "options"));
}

static int
print(const struct info *info, bool json)
{
	if (!info->all) {
		fprintf(stderr, "strads info: no memory\n");
		return STRADS_EXIT_FAILED;
	}
	if (json) {
		json_dumpf(info->all, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		print_all(info);
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "strads info: cannot write to the standard output\n");
		return STRADS_EXIT_FAILED;
	}
	return STRADS_EXIT_DONE;
}

/* ---- The command ---------------------------------------------------------------------------- */

/* Fills info->all, unless memory is short. */
static void
find_out(struct info *info)
{
	json_t *paths = strads_info_paths(&info->lasso.launch);

	info->all =
	    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "versions",
		      strads_about_versions(), "host", strads_about_host(), "limits",
		      strads_about_limits(), "devices", strads_info_devices(info->survey),
		      "providers", providers(paths), "auto", automatic(info, paths), "findings",
		      findings(info, paths), "options", option_table(info->groups), "paths", paths);
}

/* The settings of every command from the environment, those of the paths from the command line
 * too. */
static int
parse(struct info *info, struct info_settings *settings, int argc, char **argv)
{
	struct strads_option_group own[] = {{"Output:", info_options, settings},
					    strads_launch_path_group(&info->lasso.launch),
					    {0}};
	const struct strads_arguments arguments = {
	    .command = argv[0],
	    .about =
		"Print versions, host, limits, RDMA devices, what each path would use here and "
		"why, what is wrong and how to mend it, and every option with the value in "
		"force.",
	    .groups = own,
	};
	int status;

	strads_fit_groups(&info->lasso, info->groups);
	status = strads_arguments_surroundings(info->groups);
	if (!status)
		status = strads_arguments_parse(&arguments, argc, argv);
	return status;
}

int
strads_command_info(int argc, char **argv)
{
	struct info_settings settings = {.json = false};
	struct info info = {.all = NULL};
	int status = parse(&info, &settings, argc, argv), code;

	if (status == STRADS_AGAIN)
		return strads_run_printed(argv[0]);
	if (!status)
		status = strads_survey_new(info.lasso.launch.path_settings, &info.survey);
	if (status)
		return strads_run_refuse(argv[0]);
	find_out(&info);
	code = print(&info, settings.json);
	json_decref(info.all);
	strads_survey_delete(&info.survey);
	return code;
}

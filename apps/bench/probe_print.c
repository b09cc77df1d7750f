#include "probe.h"

#include "environment.h"

#include <errno.h>
#include <string.h>

static const char *const verdicts[] = {
    [STRADS_AS_SAID] = "as said", [STRADS_NOT_AS_SAID] = "NOT SO", [STRADS_UNSAID] = "-"};

static json_t *
finding_json(const struct strads_finding *finding)
{
	json_t *agrees = finding->verdict == STRADS_UNSAID
			     ? json_null()
			     : json_boolean(finding->verdict == STRADS_AS_SAID);

	return json_pack("{s:s, s:s, s:s, s:o}", "experiment", finding->name, "advertised",
			 finding->advertised, "found", finding->found, "agrees", agrees);
}

static int
print_json(const struct strads_probe *probe, json_t *environment)
{
	json_t *findings = json_array();
	json_t *all;

	for (int i = 0; findings && i < probe->count; i++)
		json_array_append_new(findings, finding_json(&probe->finding[i]));
	all = json_pack("{s:s, s:i, s:O, s:o}", "bench", "probe", "ranks", probe->ranks,
			"environment", environment, "findings", findings);
	if (!all)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the findings");
	json_dumpf(all, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(all);
	return STRADS_OK;
}

/* CSV's quoting: double quotes, doubled inside. */
static void
print_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void
print_lines(const struct strads_probe *probe, json_t *environment, bool csv)
{
	printf("# probe: what the provider really does, beside what it says; %d ranks\n",
	       probe->ranks);
	strads_bench_environment_print(stdout, environment);
	if (csv)
		puts("experiment,advertised,found,verdict");
	else
		printf("# %-26s %-9s %s\n", "experiment", "verdict", "advertised: found");
	for (int i = 0; i < probe->count; i++) {
		const struct strads_finding *finding = &probe->finding[i];

		if (!csv) {
			printf("%-28s %-9s %s: %s\n", finding->name, verdicts[finding->verdict],
			       finding->advertised, finding->found);
			continue;
		}
		print_quoted(finding->name);
		putchar(',');
		print_quoted(finding->advertised);
		putchar(',');
		print_quoted(finding->found);
		printf(",%s\n", verdicts[finding->verdict]);
	}
}

int
strads_probe_print(const struct strads_probe *probe, int format)
{
	json_t *environment = json_loads(probe->environment, 0, NULL);
	int status = STRADS_OK;

	if (!environment)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the findings");
	errno = 0;
	if (format == STRADS_BENCH_JSON)
		status = print_json(probe, environment);
	else
		print_lines(probe, environment, format == STRADS_BENCH_CSV);
	json_decref(environment);
	if (!status && (fflush(stdout) || ferror(stdout)))
		status =
		    strads_fail(STRADS_ERR_IO, "cannot write the findings: %s", strerror(errno));
	return status;
}

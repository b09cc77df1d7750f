#include "info_paths.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

/* A fabric opened on one rank over one provider: whether that works here. */
struct probe {
	const struct strads_launch *launch;
	const char *provider;
	bool opened;
	struct strads_fabric_info info;
	char sentence[512];
};

static int
probe_rank(struct strads_job *job, void *arg)
{
	struct probe *probe = arg;
	const struct strads_fabric_options options = {.fabric = probe->provider,
						      .settings = probe->launch->path_settings};
	struct strads_fabric *fabric = NULL;

	if (strads_fabric_open(job, &options, &fabric)) {
		snprintf(probe->sentence, sizeof probe->sentence, "%s", strads_error());
		return 0;
	}
	probe->opened = strads_fabric_query_provider(fabric, probe->provider, &probe->info);
	strads_fabric_close(&fabric);
	return 0;
}

static json_t *
probe_entry(const struct probe *probe)
{
	const struct strads_fabric_info *info = &probe->info;

	if (!probe->opened)
		return json_pack("{s:b, s:o}", "works", false, "why",
				 strads_log_text(probe->sentence));
	return json_pack(
	    "{s:b, s:o, s:o, s:s, s:s, s:b}", "works", true, "path", strads_log_text(info->path),
	    "why", info->why[0] ? strads_log_text(info->why) : json_null(), "signal", info->signal,
	    "completion", info->completion, "fetch_add", info->fetch_add);
}

json_t *
strads_info_paths(const struct strads_launch *launch)
{
	json_t *all = json_object();

	for (const char *const *name = strads_fabric_providers(); all && *name; name++) {
		struct probe probe = {.launch = launch, .provider = *name};
		struct strads_job_options options = {.kind = STRADS_JOB_SELF, .ranks = 1};

		if (strcmp(*name, "sim") == 0)
			options.kind = STRADS_JOB_SIM;
		if (strads_job_run(&options, probe_rank, &probe) && !*probe.sentence)
			snprintf(probe.sentence, sizeof probe.sentence, "no job can be started");
		json_object_set_new(all, *name, probe_entry(&probe));
	}
	return all;
}

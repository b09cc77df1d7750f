#include "fabric.h"

#include "job/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES_MAX 3

/* A provider that the option allows. */
struct candidate {
	const struct strads_provider *provider;
	const char *argument;
	bool optional; /* left out, not failed on, where it does not work */
	char why[512]; /* it was left out; "" otherwise */
};

struct candidates {
	struct candidate list[CANDIDATES_MAX];
	int n;
};

static const struct strads_provider *
find_provider(const char *name, size_t length)
{
	for (int i = 0; strads_providers[i]; i++) {
		const char *have = strads_providers[i]->name;

		if (strlen(have) == length && memcmp(have, name, length) == 0)
			return strads_providers[i];
	}
	return NULL;
}

static void
add_candidate(struct candidates *candidates, const char *name, const char *argument, bool optional)
{
	const struct strads_provider *provider = find_provider(name, strlen(name));

	if (provider)
		candidates->list[candidates->n++] = (struct candidate){
		    .provider = provider, .argument = argument, .optional = optional};
}

static int
unknown_fabric(const char *option)
{
	char known[128] = "auto";
	size_t used = strlen(known);

	for (int i = 0; strads_providers[i] && used < sizeof known; i++)
		used += (size_t)snprintf(known + used, sizeof known - used, ", %s",
					 strads_providers[i]->name);
	return strads_fail(STRADS_ERR_ARGUMENT, "unknown fabric '%s'; this build has: %s", option,
			   known);
}

/* option = "auto" | "auto:N" | NAME | NAME:ARGUMENT */
static int
parse(const struct strads_job *job, const char *option, struct candidates *candidates)
{
	bool simulated = strcmp(strads_job_kind_name(job), "sim") == 0;
	const char *colon = strchr(option, ':');
	const char *argument = colon ? colon + 1 : NULL;
	size_t length = colon ? (size_t)(colon - option) : strlen(option);
	const struct strads_provider *provider = find_provider(option, length);
	bool automatic = length == 4 && memcmp(option, "auto", length) == 0;

	if (!automatic && !provider)
		return unknown_fabric(option);
	if (automatic && simulated) {
		add_candidate(candidates, "sim", NULL, false);
	} else if (automatic) {
		add_candidate(candidates, "shm", argument, true);
		add_candidate(candidates, "verbs", NULL, true);
		add_candidate(candidates, "ofi", NULL, true);
	} else if (simulated != (strcmp(provider->name, "sim") == 0)) {
		return strads_fail(
		    STRADS_ERR_ARGUMENT,
		    "fabric '%s' cannot carry a job of kind %s: simulated ranks use sim, and "
		    "real ones anything else",
		    option, strads_job_kind_name(job));
	} else {
		add_candidate(candidates, provider->name, argument, false);
	}
	return STRADS_OK;
}

/* Every rank must have been given the same option, or they would wait for different things. */
static int
compare_option(struct strads_job *job, const char *option)
{
	uint64_t mine = 0xcbf29ce484222325u; /* FNV-1a, 64 bits */
	const uint64_t *hash;
	void *all;
	int status;

	for (const char *at = option; *at; at++)
		mine = (mine ^ (uint8_t)*at) * 0x100000001b3u;
	status = strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &all);
	if (status)
		return status;
	hash = all;
	for (int rank = 0; rank < job->size && !status; rank++) {
		if (hash[rank] != hash[0])
			status = strads_fail(
			    STRADS_ERR_ARGUMENT,
			    "rank %d was given another --fabric than rank 0; give all the same",
			    rank);
	}
	free(all);
	return status;
}

static uint32_t
longest_of(const uint32_t *lengths, int n)
{
	uint32_t longest = 0;

	for (int i = 0; i < n; i++) {
		if (lengths[i] > longest)
			longest = lengths[i];
	}
	return longest;
}

/* Gathers the addresses of all ranks; only as many bytes travel as the longest has. Collective: it
 * begins with agreement on `status`. */
static int
exchange_addresses(struct strads_job *job, int status, const struct strads_address *mine,
		   struct strads_address *all)
{
	void *lengths, *packed;
	size_t longest;

	status = strads_job_gather(job, status, &mine->bytes, sizeof mine->bytes, &lengths);
	if (status)
		return status;
	longest = longest_of(lengths, job->size);
	if (longest > sizeof mine->data) {
		status =
		    strads_fail(STRADS_ERR_PROTOCOL, "an address of %zu bytes came in", longest);
		goto free_lengths;
	}
	status = strads_job_gather(job, STRADS_OK, mine->data, longest, &packed);
	if (status)
		goto free_lengths;
	for (size_t rank = 0; rank < (size_t)job->size; rank++) {
		all[rank].bytes = ((const uint32_t *)lengths)[rank];
		memcpy(all[rank].data, (const uint8_t *)packed + rank * longest, longest);
	}
	free(packed);
free_lengths:
	free(lengths);
	return status;
}

/* Exchanges addresses and connects the endpoint just opened. */
static int
connect_endpoint(struct strads_fabric *fabric, const struct strads_endpoint *endpoint)
{
	struct strads_address mine = {.bytes = 0};
	struct strads_address *all = calloc((size_t)fabric->size, sizeof *all);
	int status;

	if (!all) /* the others agree in exchange_addresses */
		return strads_job_agree(
		    fabric->job,
		    strads_fail(STRADS_ERR_MEMORY, "no memory for %d addresses", fabric->size));
	status = endpoint->provider->address(endpoint->context, &mine);
	status = exchange_addresses(fabric->job, status, &mine, all);
	if (!status)
		status = strads_job_agree(fabric->job,
					  endpoint->provider->connect(endpoint->context, all));
	free(all);
	return status;
}

static void
adopt(struct strads_fabric *fabric, const struct strads_endpoint *endpoint)
{
	fabric->endpoints[fabric->n_endpoints++] = *endpoint;
	if (endpoint->provider->time) {
		fabric->time = endpoint->provider->time;
		fabric->time_context = endpoint->context;
	}
	for (int peer = 0; peer < fabric->size; peer++) {
		struct strads_path *path = &fabric->paths[peer];

		if (path->provider || !endpoint->provider->reaches(endpoint->context, peer))
			continue;
		path->provider = endpoint->provider;
		path->context = endpoint->context;
		path->stats = &fabric->stats;
		fabric->shared = fabric->shared || endpoint->provider->needs_fd;
	}
}

/* Closes, and leaves strads_error() as it was: it may hold the reason for closing. */
static void
close_endpoint(const struct strads_endpoint *endpoint)
{
	char sentence[512];

	snprintf(sentence, sizeof sentence, "%s", strads_error());
	endpoint->provider->close(endpoint->context);
	(void)strads_fail(STRADS_OK, "%s", sentence);
}

/* Whether this host has devices of the kind that verbs would have taken. */
static bool
has_devices(void)
{
	struct strads_survey *survey;
	bool any;

	if (strads_survey_new(NULL, &survey))
		return false;
	any = survey->n_devices > 0 || survey->without_program[0];
	strads_survey_delete(&survey);
	return any;
}

/* Somebody who has RDMA devices, or asks for one, wants to know why they are not taken. Collective.
 */
static int
tell(struct strads_fabric *fabric, const struct candidate *candidate)
{
	const struct strads_verbs_settings *asked = &fabric->settings.verbs;
	uint8_t mine = 0;
	void *all;
	int status;

	if (candidate->provider->slot != STRADS_SLOT_VERBS)
		return STRADS_OK;
	mine = asked->device[0] || asked->port > 0 || asked->gid >= 0 || has_devices();
	status = strads_job_gather(fabric->job, STRADS_OK, &mine, sizeof mine, &all);
	if (status)
		return status;
	if (memchr(all, 1, (size_t)fabric->size))
		strads_fabric_note(fabric, "RDMA devices are not used: %s", candidate->why);
	free(all);
	return STRADS_OK;
}

/* Opens a provider on all ranks or on none. */
static int
join(struct strads_fabric *fabric, struct candidate *candidate)
{
	struct strads_endpoint endpoint = {.provider = candidate->provider};
	bool opened;
	int status;

	status = endpoint.provider->open(fabric, candidate->argument, &endpoint.context);
	opened = status == STRADS_OK;
	status = strads_job_agree(fabric->job, status);
	if (!status)
		status = connect_endpoint(fabric, &endpoint);
	if (!status) {
		adopt(fabric, &endpoint);
		return STRADS_OK;
	}
	if (opened)
		close_endpoint(&endpoint);
	if (!candidate->optional || status == STRADS_ERR_ARGUMENT || status == STRADS_ERR_PEER ||
	    status == STRADS_ERR_TIMEOUT || status == STRADS_ERR_ABORTED)
		return status;
	snprintf(candidate->why, sizeof candidate->why, "%s", strads_error());
	return tell(fabric, candidate);
}

static int
first_unreached(const struct strads_fabric *fabric)
{
	for (int peer = 0; peer < fabric->size; peer++) {
		if (!fabric->paths[peer].provider)
			return peer;
	}
	return -1;
}

/* Whether every rank reaches every other. Collective. */
static int
gather_complete(struct strads_fabric *fabric, bool *complete)
{
	uint8_t mine = first_unreached(fabric) < 0;
	void *all;
	int status = strads_job_gather(fabric->job, STRADS_OK, &mine, sizeof mine, &all);

	if (status)
		return status;
	*complete = !memchr(all, 0, (size_t)fabric->size);
	free(all);
	return STRADS_OK;
}

/* The sentence about a peer that no candidate reaches. */
static int
fail_unreached(const struct strads_fabric *fabric, const struct candidates *candidates)
{
	int peer = first_unreached(fabric);
	char tried[1000] = "";
	size_t used = 0;

	if (peer < 0)
		return STRADS_OK;
	for (int i = 0; i < candidates->n && used < sizeof tried; i++) {
		const struct candidate *candidate = &candidates->list[i];

		used +=
		    (size_t)snprintf(tried + used, sizeof tried - used, "%s%s: %s", i ? "; " : "",
				     candidate->provider->name,
				     candidate->why[0] ? candidate->why : "does not lead there");
	}
	return strads_fail(STRADS_ERR_UNSUPPORTED, "no path from rank %d to rank %d (%s)",
			   fabric->rank, peer, tried[0] ? tried : "no provider is built in");
}

int
strads_paths_open(struct strads_fabric *fabric, const char *option)
{
	struct candidates candidates = {.n = 0};
	bool complete = false;
	int status = compare_option(fabric->job, option);

	if (status)
		return status;
	status = parse(fabric->job, option, &candidates);
	if (status)
		return status;
	fabric->paths[fabric->rank] = (struct strads_path){
	    .provider = &strads_provider_self, .context = fabric, .stats = &fabric->own_stats};
	if (!candidates.list[0].optional) /* insisted on: it is tried whatever may come */
		fabric->memory_bytes = 0;
	for (int i = 0; i < candidates.n; i++) {
		/* A later candidate costs something even where it is not needed: ask first. */
		if (candidates.list[i].optional) {
			status = gather_complete(fabric, &complete);
			if (status)
				return status;
		}
		if (complete)
			return STRADS_OK;
		status = join(fabric, &candidates.list[i]);
		if (status)
			return status;
	}
	return strads_job_agree(fabric->job, fail_unreached(fabric, &candidates));
}

void
strads_paths_close(struct strads_fabric *fabric)
{
	while (fabric->n_endpoints > 0)
		close_endpoint(&fabric->endpoints[--fabric->n_endpoints]);
}

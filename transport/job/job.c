#include "job/job.h"

#include "job/frame.h"
#include "job/launcher.h"
#include "job/membership.h"
#include "job/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT_MS 60000

typedef int run(const struct strads_job_options *options, strads_rank_main *rank_main, void *arg);

static enum strads_job_kind
resolve(const struct strads_job_options *options)
{
	if (options->kind != STRADS_JOB_AUTO)
		return options->kind;
	if (strads_membership_present())
		return STRADS_JOB_TCP;
	if (strads_launcher_present())
		return STRADS_JOB_MPI;
	return options->ranks > 1 ? STRADS_JOB_LOCAL : STRADS_JOB_SELF;
}

int
strads_job_run(const struct strads_job_options *options, strads_rank_main *rank_main, void *arg)
{
	static run *const runs[] = {
	    [STRADS_JOB_SELF] = strads_job_run_self, [STRADS_JOB_LOCAL] = strads_job_run_local,
	    [STRADS_JOB_MPI] = strads_job_run_mpi,   [STRADS_JOB_TCP] = strads_job_run_tcp,
	    [STRADS_JOB_SIM] = strads_job_run_sim,
	};
	struct strads_job_options resolved = *options;

	resolved.kind = resolve(options);
	if (!resolved.timeout_ms)
		resolved.timeout_ms = TIMEOUT_DEFAULT_MS;
	if ((size_t)resolved.kind >= sizeof runs / sizeof runs[0]) {
		fprintf(stderr, "strads: there is no job of kind %d\n", (int)resolved.kind);
		return 1;
	}
	if ((resolved.kind == STRADS_JOB_LOCAL || resolved.kind == STRADS_JOB_SIM) &&
	    (resolved.ranks < 1 || resolved.ranks > STRADS_JOB_RANKS_MAX)) {
		fprintf(stderr, "strads: cannot start %d ranks: 1 to %d are possible\n",
			resolved.ranks, STRADS_JOB_RANKS_MAX);
		return 1;
	}
	strads_signals_reclaim();
	return runs[resolved.kind](&resolved, rank_main, arg);
}

int
strads_job_rank(const struct strads_job *job)
{
	return job->rank;
}

int
strads_job_size(const struct strads_job *job)
{
	return job->size;
}

const char *
strads_job_kind_name(const struct strads_job *job)
{
	return job->ops->name;
}

int
strads_job_allgather(struct strads_job *job, const void *mine, size_t bytes, void *all)
{
	if (bytes && (!mine || !all))
		return strads_fail(STRADS_ERR_ARGUMENT, "a collective of %zu bytes needs buffers",
				   bytes);
	if (bytes > STRADS_GATHER_MAX || bytes * (size_t)job->size > STRADS_GATHER_ALL_MAX)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "a collective of %zu bytes from each of %d ranks is too large: "
				   "move bulk data through regions",
				   bytes, job->size);
	return job->ops->allgather(job, mine, bytes, all);
}

int
strads_job_barrier(struct strads_job *job)
{
	return job->ops->allgather(job, NULL, 0, NULL);
}

/* The sentence of rank `failing`, given by it to all. */
static int
agree_sentence(struct strads_job *job, int failing, const char *mine, char *sentence, size_t bytes)
{
	char *all = malloc((size_t)job->size * bytes);
	int status;

	/* Without the memory this rank still takes part, by giving up: all see that. */
	if (!all) {
		strads_job_abort(job, strads_fail(STRADS_ERR_MEMORY, "no memory to agree"));
		return STRADS_ERR_MEMORY;
	}
	status = job->ops->allgather(job, mine, bytes, all);
	if (!status)
		memcpy(sentence, all + (size_t)failing * bytes, bytes);
	free(all);
	sentence[bytes - 1] = 0;
	return status;
}

static int
lowest_failing(const int32_t *statuses, int size)
{
	int rank = 0;

	while (rank < size && statuses[rank] == STRADS_OK)
		rank++;
	return rank;
}

int
strads_job_agree(struct strads_job *job, int status)
{
	char mine[STRADS_FRAME_TEXT_MAX] = "", failed[STRADS_FRAME_TEXT_MAX] = "";
	int32_t own = status;
	int32_t *statuses = malloc((size_t)job->size * sizeof *statuses);
	int result;

	if (status)
		snprintf(mine, sizeof mine, "%s", strads_error());
	if (!statuses) {
		strads_job_abort(job, strads_fail(STRADS_ERR_MEMORY, "no memory to agree"));
		return STRADS_ERR_MEMORY;
	}
	result = job->ops->allgather(job, &own, sizeof own, statuses);
	if (!result) {
		int failing = lowest_failing(statuses, job->size);
		if (failing < job->size) {
			result = agree_sentence(job, failing, mine, failed, sizeof failed);
			if (!result && failing == job->rank)
				result = strads_fail(status, "%s", mine);
			else if (!result)
				result =
				    strads_fail(statuses[failing], "rank %d: %s", failing, failed);
		}
	} else if (status) {
		/* The job ended meanwhile: this rank's own failure says more to its user. */
		result = strads_fail(status, "%s", mine);
	}
	free(statuses);
	return result;
}

int
strads_job_gather(struct strads_job *job, int status, const void *mine, size_t bytes, void **all)
{
	/* The 1 makes room for nothing differ from no room. */
	void *room = malloc((size_t)job->size * bytes + 1);

	if (!room && !status)
		status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for %zu bytes from each of %d ranks",
				bytes, job->size);
	status = strads_job_agree(job, status);
	if (!status)
		status = strads_job_allgather(job, mine, bytes, room);
	if (status)
		free(room);
	else
		*all = room;
	return status;
}

void
strads_job_abort(struct strads_job *job, int status)
{
	strads_job_abort_missing(job, status, -1);
}

void
strads_job_abort_missing(struct strads_job *job, int status, int missed)
{
	char reason[STRADS_FRAME_TEXT_MAX];

	snprintf(reason, sizeof reason, "%s",
		 strads_error()[0] ? strads_error() : strads_status_name(status));
	job->ops->abort(job, status, reason, missed);
	/* The job's kind has its own sentence for what ended it; this rank's user wants the reason.
	 */
	strads_fail(status, "%s", reason);
}

bool
strads_job_is_missed(struct strads_job *job)
{
	return job->ops->missed && job->ops->missed(job) == job->rank;
}

int
strads_job_check(struct strads_job *job)
{
	if (job->ops->serve && !atomic_load(&job->attended))
		job->ops->serve(job);
	return job->ops->check(job);
}

void
strads_job_take_mail(struct strads_job *job, strads_mail_taker *taker, void *context)
{
	if (job->ops->take_mail)
		job->ops->take_mail(job, taker, context);
}

int
strads_job_post(struct strads_job *job, int to, const void *bytes, size_t n)
{
	if (!job->ops->post)
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "ranks of a job of kind %s send each other no letters",
				   job->ops->name);
	if (to < 0 || to >= job->size || to == job->rank)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "rank %d of %d cannot send a letter to rank %d", job->rank,
				   job->size, to);
	if (n > STRADS_MAIL_MAX || (n && !bytes))
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "a letter of %zu bytes: at most %d are possible", n,
				   STRADS_MAIL_MAX);
	return job->ops->post(job, to, bytes, n);
}

int
strads_job_serve(struct strads_job *job)
{
	if (job->ops->serve)
		job->ops->serve(job);
	return job->ops->check(job);
}

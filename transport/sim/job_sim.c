#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES  ((size_t)1 << 20) /* of a rank; only what it touches is committed */
#define DELAY_MAX_NS 1e12

/* ---- Collectives ---- */

/* The first rank that has not come to the collective. */
static int
first_absent(const struct strads_sim *sim)
{
	int rank = 0;

	while (sim->ranks[rank].state == STRADS_SIM_GATHER)
		rank++;
	return rank;
}

static void
expire(struct strads_sim_rank *rank)
{
	struct strads_sim *sim = rank->sim;
	char text[160];

	rank->state = STRADS_SIM_GATHER;
	snprintf(text, sizeof text, "rank %d did not come to a collective within %.3g s",
		 first_absent(sim), (double)sim->timeout * 1e-12);
	rank->state = STRADS_SIM_READY;
	strads_sim_tell(sim, rank->clock, STRADS_ERR_TIMEOUT, text);
}

/* The first rank that contributed another number of bytes than rank 0; the size: none. */
static int
first_odd(const struct strads_sim *sim)
{
	int rank = 0;

	while (rank < sim->size && sim->ranks[rank].share.bytes == sim->ranks[0].share.bytes)
		rank++;
	return rank;
}

/* Gives all contributions to all. */
static void
exchange(const struct strads_sim *sim)
{
	const struct strads_sim_share *first = &sim->ranks[0].share;
	size_t bytes = first->bytes;

	if (bytes == 0)
		return;
	for (int i = 0; i < sim->size; i++)
		memmove((uint8_t *)first->all + (size_t)i * bytes, sim->ranks[i].share.mine, bytes);
	for (int i = 1; i < sim->size; i++)
		memcpy(sim->ranks[i].share.all, first->all, (size_t)sim->size * bytes);
}

/* The last rank has come. Returns when all go on: a message from and one to the slowest later. */
static uint64_t
finish_gather(struct strads_sim *sim)
{
	int odd = first_odd(sim);
	uint64_t time = 0;

	if (odd == sim->size)
		exchange(sim);
	for (int i = 0; i < sim->size; i++) {
		if (sim->ranks[i].clock > time)
			time = sim->ranks[i].clock;
	}
	time += 2 * STRADS_SIM_CONTROL_PS;
	sim->gathered = 0;
	for (int i = 0; i < sim->size; i++) {
		struct strads_sim_rank *rank = &sim->ranks[i];

		rank->share.status = odd == sim->size ? STRADS_OK : STRADS_ERR_PROTOCOL;
		rank->share.odd = odd;
		if (rank->state == STRADS_SIM_GATHER)
			strads_sim_resume(rank, time);
	}
	return time;
}

static int
sim_allgather(struct strads_job *job, const void *mine, size_t bytes, void *all)
{
	struct strads_sim_rank *rank = job->context;
	struct strads_sim *sim = rank->sim;
	uint64_t left = STRADS_SIM_NEVER - rank->clock;
	uint64_t until = rank->clock + (sim->timeout < left ? sim->timeout : left);

	if (sim->departed >= 0)
		strads_sim_miss(sim, rank->clock);
	if (sim->trouble.status)
		return strads_sim_check(sim);
	rank->share = (struct strads_sim_share){
	    .mine = mine, .all = all, .bytes = bytes, .status = STRADS_AGAIN};
	if (++sim->gathered == sim->size)
		until = finish_gather(sim);
	strads_sim_block(rank, STRADS_SIM_GATHER, until);
	switch (rank->share.status) {
	case STRADS_OK:
		return STRADS_OK;
	case STRADS_ERR_PROTOCOL:
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "rank %d gave another number of bytes to a collective than "
				   "rank 0",
				   rank->share.odd);
	default:
		if (!sim->trouble.status)
			expire(rank);
		return strads_sim_check(sim);
	}
}

/* ---- The end of a job ---- */

static int
sim_check(struct strads_job *job)
{
	const struct strads_sim_rank *rank = job->context;

	return strads_sim_check(rank->sim);
}

/* Only the first words of a rank are passed on. */
static void
sim_abort(struct strads_job *job, int status, const char *reason, int missed)
{
	struct strads_sim_rank *rank = job->context;

	(void)status;
	if (rank->aborted)
		return;
	rank->aborted = true;
	rank->missed = missed + 1;
	rank->last_words = strdup(reason);
	strads_sim_announce(rank);
}

static int
sim_missed(struct strads_job *job)
{
	const struct strads_sim_rank *rank = job->context;

	return rank->sim->trouble.missed - 1;
}

const struct strads_job_ops strads_job_sim_ops = {
    .name = "sim",
    .allgather = sim_allgather,
    .check = sim_check,
    .abort = sim_abort,
    .missed = sim_missed,
};

/* ---- A run ---- */

static void
rank_entry(void *arg)
{
	struct strads_sim_rank *rank = arg;
	int code = rank->sim->rank_main(&rank->job, rank->sim->arg);

	strads_sim_retire(rank, code < 0 || code > 255 ? 255 : code);
}

static bool
sane(double value, double most)
{
	return value >= 0 && value <= most;
}

static int
check_options(const struct strads_job_options *options)
{
	const struct strads_sim_options *sim = &options->sim;

	if (!sane(sim->latency_ns, DELAY_MAX_NS) || !sane(sim->overhead_ns, DELAY_MAX_NS) ||
	    !sane(sim->receive_ns, DELAY_MAX_NS) || !sane(sim->jitter, 1e3))
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "simulated latency, overhead, receipt (ns) and jitter must be "
				   "0 or more, and below %g resp. 1000",
				   DELAY_MAX_NS);
	if (!sane(sim->bytes_per_ns, 1e9) || !sane(sim->compute_scale, 1e9))
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "simulated bandwidth (bytes/ns) and compute scale must be 0 or "
				   "more, and below 1e9");
	if (sim->kill_at_ns > 0 && (sim->kill_rank < 0 || sim->kill_rank >= options->ranks))
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "cannot kill simulated rank %d: the ranks are 0 to %d",
				   sim->kill_rank, options->ranks - 1);
	return STRADS_OK;
}

static int
prepare_rank(struct strads_sim *sim, int number, uint64_t timeout_ms)
{
	struct strads_sim_rank *rank = &sim->ranks[number];

	rank->sim = sim;
	rank->rank = number;
	sim->places[number] = -1;
	rank->job = (struct strads_job){
	    .ops = &strads_job_sim_ops,
	    .rank = number,
	    .size = sim->size,
	    .timeout_ms = timeout_ms,
	    .cookie = sim->options.seed,
	    .fd = -1,
	    .context = rank,
	};
	return strads_coroutine_new(STACK_BYTES, rank_entry, rank, &rank->coroutine);
}

static void
free_rank(struct strads_sim_rank *rank)
{
	if (rank->state == STRADS_SIM_DONE)
		strads_coroutine_delete(&rank->coroutine);
	else
		strads_coroutine_abandon(&rank->coroutine);
	free(rank->endpoints);
	free(rank->last_words);
}

static void
sim_free(struct strads_sim *sim)
{
	for (int rank = 0; rank < sim->size; rank++)
		free_rank(&sim->ranks[rank]);
	strads_coroutine_delete(&sim->caller);
	strads_sim_network_free(sim);
	strads_events_free(&sim->events);
	free(sim->places);
	free(sim->queue);
	free(sim->ranks);
}

/* On failure, what has been made so far is left for sim_free. */
static int
sim_prepare(struct strads_sim *sim, const struct strads_job_options *options)
{
	size_t ranks = (size_t)options->ranks;
	uint64_t timeout_ms = options->timeout_ms;
	int status;

	sim->options = options->sim;
	sim->timeout =
	    strads_sim_ps(timeout_ms < 1000000000u ? timeout_ms * 1000000u : STRADS_SIM_NEVER);
	sim->overhead = (uint64_t)(options->sim.overhead_ns * STRADS_SIM_PS);
	sim->receive = (uint64_t)(options->sim.receive_ns * STRADS_SIM_PS);
	if (options->sim.bytes_per_ns > 0)
		sim->ps_per_byte = STRADS_SIM_PS / options->sim.bytes_per_ns;
	sim->departed = -1;
	sim->ranks = calloc(ranks, sizeof *sim->ranks);
	sim->queue = calloc(ranks, sizeof *sim->queue);
	sim->places = calloc(ranks, sizeof *sim->places);
	if (!sim->ranks || !sim->queue || !sim->places)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %zu simulated ranks", ranks);
	sim->size = options->ranks;
	sim->unfinished = options->ranks;
	status = strads_events_reserve(&sim->events, strads_sim_news_max(sim));
	if (!status)
		status = strads_coroutine_adopt(&sim->caller);
	for (int rank = 0; rank < sim->size && !status; rank++)
		status = prepare_rank(sim, rank, timeout_ms);
	return status;
}

static int
highest_exit_code(const struct strads_sim *sim)
{
	int highest = 0;

	for (int i = 0; i < sim->size; i++) {
		const struct strads_sim_rank *rank = &sim->ranks[i];
		int code = rank->exit_code;

		if (rank->state != STRADS_SIM_DONE && rank->state != STRADS_SIM_KILLED)
			code = 1; /* stuck in a deadlock */
		if (code > highest)
			highest = code;
	}
	return highest;
}

int
strads_job_run_sim(const struct strads_job_options *options, strads_rank_main *rank_main, void *arg)
{
	struct strads_sim sim = {.rank_main = rank_main, .arg = arg};
	int status = check_options(options);
	int code = 1;

	if (!status)
		status = sim_prepare(&sim, options);
	if (status) {
		fprintf(stderr, "strads: %s\n", strads_error());
	} else {
		strads_sim_plan_death(&sim);
		strads_sim_run(&sim);
		code = highest_exit_code(&sim);
	}
	sim_free(&sim);
	return code;
}

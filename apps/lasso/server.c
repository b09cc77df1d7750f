/*
 * The same Lasso without a schedule, on a parameter server, for comparison. Each rank has a share
 * of the variables, β and whole columns of them; the residual ρ, in rows of `WIDTH` numbers, is
 * what all share. At every clock a rank draws a set of its own variables, gets what it needs of ρ,
 * carries out push, pull and sync of that set by itself, with the code that the scheduled fit uses,
 * and adds −x_jΔβ_j to ρ. Nothing keeps two ranks from updating variables that interfere.
 *
 * Evaluations are those of the scheduled fit, by rows, when all that was added is in.
 */
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "strads/order.h"
#include "strads/server.h"

#define WIDTH 64

struct strads_lasso_server {
	struct strads_lasso *lasso;
	struct strads_lasso worker; /* the same over whole columns and ρ of all rows */
	struct strads_dataset whole;
	struct strads_program program; /* that evaluates */
	struct strads_server *server;
	strads_linear_report *report; /* or NULL */
	void *report_arg;
	int staleness;
	uint64_t max_sets;
	uint64_t evaluate_clocks;
	uint64_t updates_a_clock; /* of all ranks */
	bool final;               /* the next evaluation is the last by the number of sets … */
	bool over;                /* … or was, for whatever reason */

	uint64_t chunks;  /* rows of the server that hold ρ; the next one holds Σρ */
	double *residual; /* [chunks][WIDTH] */
	double *change;   /* [chunks][WIDTH], zero between sets */
	bool *wanted;     /* [chunks] */
	strads_key *rows; /* [chunks + 1] to get … */
	double *got;      /* [chunks + 1][WIDTH] … and what came */
	uint64_t n_rows;
	strads_key *keys; /* [set_size] */
	double *partial;
	void *commit;
};

/* ---- The server ----------------------------------------------------------------------------- */

typedef int server_call(struct strads_lasso_server *s);

static int
get_rows(struct strads_lasso_server *s)
{
	return strads_server_get(s->server, s->rows, s->n_rows, s->got);
}

static int
end_clock(struct strads_lasso_server *s)
{
	return strads_server_clock(s->server);
}

static int
settle(struct strads_lasso_server *s)
{
	return strads_server_settle(s->server);
}

/* Calls until it is done, up to the deadline. */
static int
until_done(struct strads_lasso_server *s, server_call *call)
{
	struct strads_fabric *fabric = s->lasso->fabric;
	uint64_t timeout_ms = s->lasso->options.engine.timeout_ms, end;
	int status;

	timeout_ms = timeout_ms ? timeout_ms : strads_fabric_timeout_ms(fabric);
	end = strads_fabric_clock_ns(fabric) + timeout_ms * 1000000;
	while ((status = call(s)) == STRADS_AGAIN) {
		status = strads_fabric_progress(fabric);
		if (status)
			return status;
		if (strads_fabric_clock_ns(fabric) >= end)
			return strads_fail(
			    STRADS_ERR_TIMEOUT,
			    "rank %d: clock %llu has waited for other ranks for %llu s",
			    s->lasso->rank, (unsigned long long)strads_server_clocks(s->server),
			    (unsigned long long)(timeout_ms / 1000));
		strads_fabric_wait(fabric, end);
	}
	strads_fabric_awake(fabric);
	return status;
}

/* Gets the rows that are wanted, into the residual, and Σρ. */
static int
get_wanted(struct strads_lasso_server *s)
{
	int status;

	s->n_rows = 0;
	for (uint64_t chunk = 0; chunk < s->chunks; chunk++)
		if (s->wanted[chunk])
			s->rows[s->n_rows++] = chunk;
	s->rows[s->n_rows++] = s->chunks;
	status = until_done(s, get_rows);
	if (status)
		return status;
	for (uint64_t i = 0; i + 1 < s->n_rows; i++) {
		memcpy(s->residual + s->rows[i] * WIDTH, s->got + i * WIDTH,
		       WIDTH * sizeof *s->got);
		s->wanted[s->rows[i]] = false;
	}
	s->worker.residual_sum = s->got[(s->n_rows - 1) * WIDTH];
	return STRADS_OK;
}

/* Adds what has changed of ρ, and of Σρ by `sum`. */
static int
add_change(struct strads_lasso_server *s, double sum)
{
	double sums[WIDTH] = {sum};
	int status = sum != 0 ? strads_server_add(s->server, s->chunks, sums) : STRADS_OK;

	for (uint64_t chunk = 0; !status && chunk < s->chunks; chunk++) {
		double *change = s->change + chunk * WIDTH;
		bool any = false;

		for (int i = 0; i < WIDTH; i++)
			any = any || change[i] != 0;
		if (!any)
			continue;
		status = strads_server_add(s->server, chunk, change);
		memset(change, 0, WIDTH * sizeof *change);
	}
	return status;
}

/* ---- A clock -------------------------------------------------------------------------------- */

/* The set of this clock: its keys are this rank's own. */
static struct strads_block
draw_set(struct strads_lasso_server *s)
{
	const struct strads_lasso *lasso = s->lasso;
	uint64_t clock = strads_server_clocks(s->server);
	uint64_t seed = lasso->options.seed + (uint64_t)lasso->rank * UINT64_C(0x9e3779b97f4a7c15);
	struct strads_block block = {
	    .set = clock,
	    .kind = STRADS_LASSO_UPDATE,
	    .arg = lasso->options.set_update == STRADS_SET_UPDATE_GRAM ? STRADS_LASSO_GRAM : 0,
	    .last = true,
	    .keys = s->keys};

	if (lasso->own_keys > 0)
		block.n = strads_order_draw((enum strads_order)lasso->options.scheduler, seed,
					    lasso->own_keys, NULL, lasso->set_size, clock, s->keys);
	for (uint32_t k = 0; k < block.n; k++)
		s->keys[k] += lasso->first_key;
	return block;
}

static void
want_rows(struct strads_lasso_server *s, const struct strads_block *block)
{
	const struct strads_csc *x = &s->worker.train->x;

	for (uint32_t k = 0; k < block->n; k++)
		for (uint64_t i = x->start[block->keys[k]]; i < x->start[block->keys[k] + 1]; i++)
			s->wanted[x->row[i] / WIDTH] = true;
}

/* Push, pull and sync of one set, by this rank alone: sync moves the change instead of ρ. */
static int
update(struct strads_lasso_server *s, const struct strads_block *block)
{
	struct strads_lasso *worker = &s->worker;
	size_t elems = strads_lasso_update_elems(worker, block), bytes;
	int status;

	memset(s->partial, 0, elems * sizeof *s->partial);
	worker->residual = s->residual;
	strads_lasso_update_push(worker, block, s->partial);
	status = strads_lasso_update_pull(worker, block, s->partial, s->commit, &bytes);
	if (status)
		return status;
	worker->residual = s->change;
	worker->residual_sum = 0;
	status = strads_lasso_update_sync(worker, block, s->commit, bytes);
	return status ? status : add_change(s, worker->residual_sum);
}

static int
run_clock(struct strads_lasso_server *s)
{
	struct strads_block block = draw_set(s);
	int status;

	want_rows(s, &block);
	status = get_wanted(s);
	if (!status && block.n > 0)
		status = update(s, &block);
	return status ? status : until_done(s, end_clock);
}

/* ---- Evaluations ---------------------------------------------------------------------------- */

/* Statistics of the columns first, then evaluations, one a run. */
static int
schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	struct strads_lasso *lasso = state;

	if (set < strads_linear_columns_sets(&lasso->columns))
		return strads_lasso_schedule(lasso, set, index, draft);
	if (index == 0 && (lasso->server->final || strads_lasso_time_is_over(lasso)))
		lasso->final_set = set;
	strads_lasso_schedule_rows(lasso, lasso->final_set == set, index, draft);
	return STRADS_OK;
}

static int
finish(void *state, const struct strads_block *last)
{
	struct strads_lasso *lasso = state;
	int status;

	if (last->kind != STRADS_LASSO_EVALUATE)
		return STRADS_OK;
	status = strads_lasso_evaluate_finish(lasso, last);
	lasso->server->over = status == STRADS_STOP;
	return status < 0 ? status : STRADS_STOP;
}

static uint64_t
sets_so_far(const struct strads_lasso_server *s)
{
	/* The first clock only brought the responses. */
	return (strads_server_clocks(s->server) - 1) * (uint64_t)s->lasso->ranks;
}

/* What the evaluation calls sets are those of the engine. */
static void
report(void *arg, const struct strads_linear_progress *progress, bool final)
{
	const struct strads_lasso_server *s = arg;
	struct strads_linear_progress own = *progress;

	own.sets = sets_so_far(s);
	if (s->report)
		s->report(s->report_arg, &own, final);
}

/* This rank's rows of ρ, and the c that makes r = ρ + c have the mean that it must. */
static int
get_own_rows(struct strads_lasso_server *s)
{
	struct strads_lasso *lasso = s->lasso;
	uint64_t first = lasso->train->first_row, rows = lasso->train->x.rows;
	int status;

	for (uint64_t row = first; row < first + rows; row++)
		s->wanted[row / WIDTH] = true;
	status = get_wanted(s);
	if (status)
		return status;
	memcpy(lasso->residual, s->residual + first, rows * sizeof *lasso->residual);
	lasso->residual_sum = 0;
	for (uint64_t i = 0; i < rows; i++)
		lasso->residual_sum += lasso->residual[i];
	lasso->shift = 0;
	if (lasso->columns.mean)
		lasso->shift = lasso->response.r_mean -
			       s->worker.residual_sum / (double)lasso->train->rows_total;
	return STRADS_OK;
}

/* Evaluates when all that was added is in. */
static int
evaluate(struct strads_lasso_server *s)
{
	struct strads_lasso *lasso = s->lasso;
	uint64_t sets = sets_so_far(s);
	int status = until_done(s, settle);

	if (!status)
		status = get_own_rows(s);
	if (status)
		return status;
	s->final = s->max_sets > 0 && sets >= s->max_sets;
	lasso->updates = (strads_server_clocks(s->server) - 1) * s->updates_a_clock;
	lasso->plan.since = s->evaluate_clocks * (uint64_t)lasso->ranks;
	return strads_engine_run(lasso->engine);
}

/* ---- The fit -------------------------------------------------------------------------------- */

static int
check(const struct strads_lasso *lasso)
{
	const struct strads_lasso_options *options = &lasso->options;

	if (options->scheduler != STRADS_LINEAR_CYCLIC &&
	    options->scheduler != STRADS_LINEAR_RANDOM)
		return strads_fail(
		    STRADS_ERR_INPUT,
		    "a parameter server has no scheduler, each rank goes through its "
		    "own variables: choose cyclic or random");
	if (lasso->test)
		return strads_fail(STRADS_ERR_INPUT,
				   "the error on held-out rows is not known to a parameter server: "
				   "leave the test data out");
	if (options->path.count > 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "a parameter server fits one lambda: leave out paths and "
				   "cross-validation");
	if (lasso->unpenalized.count > 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "variables without a penalty are not known to a parameter "
				   "server: give each a weight above 0");
	if (lasso->train->rows_total > UINT32_MAX)
		return strads_fail(
		    STRADS_ERR_INPUT, "%llu rows: a parameter server takes at most %lu",
		    (unsigned long long)lasso->train->rows_total, (unsigned long)UINT32_MAX);
	return STRADS_OK;
}

static int
allocate(struct strads_lasso_server *s)
{
	const struct strads_lasso *lasso = s->lasso;
	size_t n = lasso->set_size, most = strads_gram_packed(n);

	s->chunks = (lasso->train->rows_total + WIDTH - 1) / WIDTH;
	s->residual = calloc(s->chunks * WIDTH, sizeof *s->residual);
	s->change = calloc(s->chunks * WIDTH, sizeof *s->change);
	s->wanted = calloc(s->chunks, sizeof *s->wanted);
	s->rows = calloc(s->chunks + 1, sizeof *s->rows);
	s->got = calloc((s->chunks + 1) * WIDTH, sizeof *s->got);
	s->keys = calloc(n, sizeof *s->keys);
	s->partial = calloc(2 * n + 1 + most, sizeof *s->partial);
	s->commit = calloc(1, strads_lasso_update_commit_max(lasso, lasso->set_size));
	if (!s->residual || !s->change || !s->wanted || !s->rows || !s->got || !s->keys ||
	    !s->partial || !s->commit)
		return strads_fail(STRADS_ERR_MEMORY,
				   "no memory for the residuals of %llu rows and sets of %zu",
				   (unsigned long long)lasso->train->rows_total, n);
	return STRADS_OK;
}

static int
open_server(struct strads_lasso_server *s)
{
	struct strads_lasso *lasso = s->lasso;
	struct strads_server_options options;
	size_t row = ((size_t)lasso->ranks + WIDTH + 8) * 10; /* stored, with versions and room */

	strads_server_defaults(&options);
	options.width = WIDTH;
	options.staleness = s->staleness;
	options.rows_max = (uint32_t)(s->chunks + 1);
	options.shard_rows = (s->chunks + 1) / (uint64_t)lasso->ranks + 1;
	/* Keys fall on the ranks at random: room for many more than their share. */
	options.shard_bytes = (4 * options.shard_rows + 64) * row * 2;
	lasso->memory_bytes +=
	    strads_server_memory(&options, lasso->ranks) + 3 * s->chunks * WIDTH * sizeof(double);
	return strads_server_new(lasso->fabric, &options, &s->server);
}

/* The worker's own view of the fit; what evaluations find out is copied each time. */
static void
renew_worker(struct strads_lasso_server *s)
{
	s->worker = *s->lasso;
	if (s->lasso->ranks > 1)
		s->worker.train = &s->whole;
}

/* ρ = y − offset, by those who have the rows. */
static int
start_residual(struct strads_lasso_server *s)
{
	const struct strads_lasso *lasso = s->lasso;
	double sum = 0;
	int status;

	for (uint32_t i = 0; i < lasso->train->x.rows; i++) {
		s->change[lasso->train->first_row + i] = lasso->residual[i];
		sum += lasso->residual[i];
	}
	status = add_change(s, sum);
	return status ? status : until_done(s, end_clock);
}

static int
run(struct strads_lasso_server *s)
{
	int status = start_residual(s);

	if (!status)
		status = evaluate(s);
	while (!status && !s->over) {
		renew_worker(s);
		for (uint64_t i = 0; !status && i < s->evaluate_clocks; i++)
			status = run_clock(s);
		if (!status)
			status = evaluate(s);
	}
	return status;
}

/* The engine that evaluates: one scheduler, nothing in flight. */
static int
open_engine(struct strads_lasso_server *s)
{
	struct strads_lasso *lasso = s->lasso;
	struct strads_program *program = &s->program;

	lasso->options.engine.schedulers = 1;
	lasso->options.engine.depth = 1;
	lasso->options.engine.staleness = 0;
	strads_lasso_program(lasso, program);
	program->schedule = schedule;
	program->finish = finish;
	lasso->memory_bytes += lasso->own_keys * sizeof *lasso->beta +
			       strads_engine_memory(program, &lasso->options.engine, lasso->ranks);
	return strads_engine_new(lasso->fabric, program, &lasso->options.engine, &lasso->engine);
}

static void
plan(struct strads_lasso_server *s)
{
	struct strads_lasso *lasso = s->lasso;
	uint64_t ranks = (uint64_t)lasso->ranks, sets = lasso->options.evaluate_sets;
	uint64_t share = (lasso->train->x.cols + ranks - 1) / ranks;

	/* As often as said, or after every pass over its variables. */
	s->evaluate_clocks =
	    sets ? (sets + ranks - 1) / ranks : (share + lasso->set_size - 1) / lasso->set_size;
	for (int rank = 0; rank < lasso->ranks; rank++) {
		uint64_t own = strads_table_first(&lasso->table, rank + 1) -
			       strads_table_first(&lasso->table, rank);

		s->updates_a_clock += own < lasso->set_size ? own : lasso->set_size;
	}
	s->max_sets = lasso->options.max_sets;
	lasso->options.max_sets = 0; /* of the engine's sets, which only evaluate */
	s->report = lasso->report;
	s->report_arg = lasso->report_arg;
	lasso->report = report;
	lasso->report_arg = s;
	lasso->server = s;
}

static void
free_all(struct strads_lasso_server *s)
{
	strads_lasso_whole_free(&s->whole);
	free(s->commit);
	free(s->partial);
	free(s->keys);
	free(s->got);
	free(s->rows);
	free(s->wanted);
	free(s->change);
	free(s->residual);
	free(s);
}

int
strads_lasso_server_run(struct strads_lasso *lasso)
{
	struct strads_job *job = strads_fabric_job(lasso->fabric);
	struct strads_lasso_server *s = calloc(1, sizeof *s);
	int status =
	    s ? check(lasso)
	      : strads_fail(STRADS_ERR_MEMORY, "no memory for a parameter server's worker");

	if (s) {
		s->lasso = lasso;
		s->staleness = lasso->options.engine.staleness;
		if (!status)
			status = allocate(s);
	}
	status = strads_job_agree(job, status);
	if (status || !s)
		goto free_all;
	plan(s);
	if (lasso->ranks > 1)
		status = strads_lasso_whole_read(lasso, &s->whole);
	if (!status)
		status = open_server(s);
	if (!status)
		status = open_engine(s);
	if (status)
		goto delete_server;
	lasso->start_ns = strads_fabric_clock_ns(lasso->fabric);
	status = run(s);
	if (status && status != STRADS_ERR_ABORTED)
		strads_job_abort(job, status);
	strads_engine_delete(&lasso->engine);

delete_server:
	strads_server_delete(&s->server);
free_all:
	if (s)
		free_all(s);
	return status;
}

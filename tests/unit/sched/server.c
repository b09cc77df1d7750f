/*
 * The parameter server on several ranks: what a get may lack is bounded, a worker's own additions
 * are never missing, and in the end nothing is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "strads/random.h"
#include "strads/server.h"

#define ROWS   40
#define CLOCKS 30
#define WIDTH  9

static const char *fabric_name = "auto";

struct task {
	const char *fabric;
	int staleness;
	size_t message_bytes;
};

/* One rank. */
struct side {
	struct strads_fabric *fabric;
	struct strads_server *server;
	int rank, ranks, staleness;
	strads_key keys[ROWS];
	double rows[ROWS][WIDTH];
};

static int
wrong(const char *what, uint64_t a, double b)
{
	return strads_fail(STRADS_ERR_PROTOCOL, "%s: %llu, %g", what, (unsigned long long)a, b);
}

/* Whether a worker adds to a row in a clock: 1 to the element that is its own. */
static bool
touches(int worker, uint64_t clock, uint64_t row)
{
	return strads_random(11, (uint64_t)worker << 32 | clock, row) % 3 != 0;
}

/* What a worker added to a row in the clocks before `clock`. */
static double
total(int worker, uint64_t clock, uint64_t row)
{
	double sum = 0;

	for (uint64_t c = 0; c < clock; c++)
		sum += touches(worker, c, row);
	return sum;
}

/* Calls until it is not AGAIN. */
static int
finish(struct side *side, int (*call)(struct side *side))
{
	uint64_t start = strads_fabric_clock_ns(side->fabric);
	int status;

	while ((status = call(side)) == STRADS_AGAIN) {
		status = strads_fabric_progress(side->fabric);
		if (status)
			return status;
		if (strads_fabric_clock_ns(side->fabric) - start > UINT64_C(20000000000))
			return wrong("no end of waiting", strads_server_clocks(side->server), 0);
		strads_fabric_wait(side->fabric, start + UINT64_C(20000000000));
	}
	strads_fabric_awake(side->fabric);
	return status;
}

static int
get(struct side *side)
{
	return strads_server_get(side->server, side->keys, ROWS, side->rows[0]);
}

static int
end_clock(struct side *side)
{
	return strads_server_clock(side->server);
}

static int
settle(struct side *side)
{
	return strads_server_settle(side->server);
}

static int
add(struct side *side)
{
	uint64_t clock = strads_server_clocks(side->server);
	double delta[WIDTH] = {0};
	int status = STRADS_OK;

	delta[side->rank] = 1;
	for (uint64_t row = 0; !status && row < ROWS; row++)
		if (touches(side->rank, clock, row))
			status = strads_server_add(side->server, side->keys[row], delta);
	strads_fabric_charge(side->fabric, 1000.0 * (1 + side->rank % 3));
	return status;
}

/* Of each worker all additions of the clocks before `least`, and of this one those before `own`. */
static int
check(const struct side *side, uint64_t least, uint64_t own)
{
	for (uint64_t row = 0; row < ROWS; row++)
		for (int worker = 0; worker < side->ranks; worker++) {
			double found = side->rows[row][worker];
			double low = total(worker, worker == side->rank ? own : least, row);
			double high = worker == side->rank ? low : total(worker, CLOCKS + 1, row);

			if (found < low || found > high)
				return wrong(found < low ? "too old" : "more than was added",
					     row * 100 + (uint64_t)worker, found);
		}
	return STRADS_OK;
}

static int
work(struct side *side)
{
	int status = STRADS_OK;

	for (uint64_t clock = 0; !status && clock < CLOCKS; clock++) {
		uint64_t least =
		    clock > (uint64_t)side->staleness ? clock - (uint64_t)side->staleness : 0;

		status = finish(side, get);
		if (!status)
			status = check(side, least, clock);
		if (!status)
			status = add(side);
		if (!status && clock % 4 == 0) {
			status = finish(side, get);
			if (!status)
				status = check(side, least, clock + 1);
		}
		if (!status)
			status = finish(side, end_clock);
		if (!status && clock % 11 == 10) {
			status = finish(side, settle);
			if (!status)
				status = finish(side, get);
			if (!status)
				status = check(side, clock + 1, clock + 1);
		}
	}
	if (!status)
		status = finish(side, settle);
	if (!status)
		status = finish(side, get);
	return status ? status : check(side, CLOCKS, CLOCKS);
}

static int
rank_main(struct strads_job *job, void *arg)
{
	const struct task *task = arg;
	const struct strads_fabric_options fabric_options = {.fabric = task->fabric};
	struct side side = {.rank = strads_job_rank(job),
			    .ranks = strads_job_size(job),
			    .staleness = task->staleness};
	struct strads_server_options options;
	int status = strads_fabric_open(job, &fabric_options, &side.fabric);

	for (uint64_t row = 0; row < ROWS; row++)
		side.keys[row] = row * UINT64_C(0x123456789abcdef);
	strads_server_defaults(&options);
	options.width = WIDTH;
	options.staleness = task->staleness;
	options.rows_max = ROWS;
	options.shard_rows = 4;
	options.shard_bytes = (size_t)1 << 20;
	options.message_bytes = task->message_bytes;
	if (!status)
		status = strads_server_new(side.fabric, &options, &side.server);
	if (!status)
		status = strads_job_agree(job, work(&side));
	if (status)
		fprintf(stderr, "rank %d: %s\n", side.rank, strads_error());
	strads_server_delete(&side.server);
	if (!status)
		status = strads_job_barrier(job);
	strads_fabric_close(&side.fabric);
	return status ? 1 : 0;
}

static const int stalenesses[] = {0, 1, 4};

static void
strads_server_get__is_not_too_old(void **state)
{
	struct strads_job_options options = {
	    .kind = STRADS_JOB_LOCAL, .ranks = 3, .timeout_ms = 30000};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct task task = {.fabric = fabric_name,
				    .staleness = stalenesses[i],
				    .message_bytes = i ? 16384 : 8 + 8 * WIDTH};

		assert_int_equal(strads_job_run(&options, rank_main, &task), 0);
	}
}

static void
strads_server_get__alone(void **state)
{
	struct strads_job_options options = {.kind = STRADS_JOB_SELF, .ranks = 1};
	struct task task = {.fabric = "auto", .staleness = 1, .message_bytes = 1000};

	(void)state;
	assert_int_equal(strads_job_run(&options, rank_main, &task), 0);
}

static void
strads_server_get__torn_and_reordered_data(void **state)
{
	struct strads_job_options options = {.kind = STRADS_JOB_SIM, .timeout_ms = 30000};

	(void)state;
	options.sim = (struct strads_sim_options){
	    .latency_ns = 1500, .overhead_ns = 100, .bytes_per_ns = 1, .jitter = 10, .tear = true};
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct task task = {.fabric = "sim",
				    .staleness = stalenesses[seed % 3],
				    .message_bytes = seed % 2 ? 100 : 1000};

		options.ranks = 2 + (int)(seed % 7);
		options.sim.seed = seed;
		assert_int_equal(strads_job_run(&options, rank_main, &task), 0);
	}
}

/* ---- Memory --------------------------------------------------------------------------------- */

/* Rows of one line and of many, few in a shard, so that it is mostly messages and reads. */
static int
registers(struct strads_job *job, void *arg)
{
	const struct strads_fabric_options fabric_options = {.fabric = "auto"};
	struct strads_server_options options;
	struct strads_fabric *fabric = NULL;
	int failures = strads_fabric_open(job, &fabric_options, &fabric) != STRADS_OK;

	(void)arg;
	strads_server_defaults(&options);
	options.rows_max = 1;
	options.shard_bytes = (size_t)1 << 20;
	options.message_bytes = 65536;
	for (options.width = 1; options.width < 8192; options.width *= 20) {
		struct strads_fabric_stats before, with;
		struct strads_server *server = NULL;

		strads_fabric_stats(fabric, &before);
		failures += strads_server_new(fabric, &options, &server) != STRADS_OK;
		strads_fabric_stats(fabric, &with);
		failures += with.registered_bytes - before.registered_bytes >
			    strads_server_memory(&options, strads_job_size(job));
		failures += strads_job_barrier(job) != STRADS_OK;
		strads_server_delete(&server);
	}
	strads_fabric_close(&fabric);
	return failures;
}

static void
strads_server_memory__covers_what_is_registered(void **state)
{
	struct strads_job_options options = {.kind = STRADS_JOB_SIM, .ranks = 2};

	(void)state;
	assert_int_equal(strads_job_run(&options, registers, NULL), 0);
}

/* ---- Refusals ------------------------------------------------------------------------------- */

static int
refused(struct strads_job *job, void *arg)
{
	const struct strads_fabric_options fabric_options = {.fabric = "auto"};
	struct strads_server_options good, bad[4];
	struct strads_server *server = NULL;
	struct strads_fabric *fabric = NULL;
	double row[WIDTH] = {0};
	int failures = strads_fabric_open(job, &fabric_options, &fabric) != STRADS_OK;

	(void)arg;
	strads_server_defaults(&good);
	good.width = WIDTH;
	good.rows_max = 2;
	good.shard_bytes = 1 << 16;
	for (int i = 0; i < 4; i++)
		bad[i] = good;
	bad[0].width = 0;
	bad[1].staleness = -1;
	bad[2].message_bytes = 8 * WIDTH;
	bad[3].shard_bytes = 100;
	for (int i = 0; i < 4; i++)
		failures +=
		    strads_server_new(fabric, &bad[i], &server) != STRADS_ERR_ARGUMENT || server;
	failures += strads_server_new(fabric, &good, &server) != STRADS_OK;
	failures += strads_server_add(server, 7, row) != STRADS_OK;
	failures += strads_server_add(server, 8, row) != STRADS_OK;
	failures += strads_server_add(server, 9, row) != STRADS_ERR_ARGUMENT;
	failures += strads_job_barrier(job) != STRADS_OK;
	strads_server_delete(&server);
	strads_fabric_close(&fabric);
	return failures;
}

static void
strads_server_new__refusals(void **state)
{
	struct strads_job_options options = {.kind = STRADS_JOB_SIM, .ranks = 2};

	(void)state;
	assert_int_equal(strads_job_run(&options, refused, NULL), 0);
}

/* server [FABRIC] */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_server_get__is_not_too_old),
	    cmocka_unit_test(strads_server_get__alone),
	    cmocka_unit_test(strads_server_get__torn_and_reordered_data),
	    cmocka_unit_test(strads_server_memory__covers_what_is_registered),
	    cmocka_unit_test(strads_server_new__refusals),
	};

	if (argc > 1) {
		fabric_name = argv[1];
		if (!strads_fabric_has_provider("ofi")) {
			fprintf(stderr, "skipped: built without the ofi provider\n");
			return 77;
		}
		return cmocka_run_group_tests(((const struct CMUnitTest[]){tests[0]}), NULL, NULL);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

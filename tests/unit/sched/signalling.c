/*
 * Who interacts, beside the columns multiplied out; and the queue of those that were signalled,
 * beside a list that is looked through.
 */
#include "strads/signalling.h"

#include "columns_job.h"
#include "strads/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS COLUMNS_ROWS
#define COLS COLUMNS_COLS

/* ---- The graph ------------------------------------------------------------------------------- */

static double
dense(uint32_t row, strads_key col)
{
	return columns_entry(row, col) ? columns_value(row, col) : 0;
}

/* |x_jᵀx_k|, about the means or 0. */
static double
product(strads_key j, strads_key k, bool centred)
{
	double mean_j = 0, mean_k = 0, sum = 0;

	for (uint32_t i = 0; centred && i < ROWS; i++) {
		mean_j += dense(i, j) / ROWS;
		mean_k += dense(i, k) / ROWS;
	}
	for (uint32_t i = 0; i < ROWS; i++)
		sum += (dense(i, j) - mean_j) * (dense(i, k) - mean_k);
	return fabs(sum);
}

/* The weight of the edge from j to k, 0 if there is none. */
static double
weight(const struct strads_graph *graph, strads_key j, strads_key k)
{
	double found = 0;

	for (uint64_t e = graph->first[j]; e < graph->first[j + 1]; e++)
		if (graph->to[e] == k)
			found += (double)graph->weight[e];
	return found;
}

static int
graph_scene(struct columns_side *side)
{
	for (int centred = 0; centred < 2; centred++) {
		struct strads_graph_options options = {.variables = COLS,
						       .rows = ROWS,
						       .centred = centred,
						       .scheduler = side->rank,
						       .schedulers = side->ranks};
		struct strads_graph *graph = NULL;
		int status = strads_graph_new(side->fabric, side->columns, &options, &graph);

		if (status)
			return status;
		for (strads_key j = 0; j < COLS; j++) {
			for (strads_key k = 0; k < COLS; k++) {
				bool own = k % (strads_key)side->ranks == (strads_key)side->rank;
				double expected = own && j != k ? product(j, k, centred > 0) : 0;

				COLUMNS_CHECK(side, fabs(weight(graph, j, k) - expected) <=
							1e-5 * expected + 1e-9);
			}
		}
		strads_graph_delete(&graph);
	}
	return STRADS_OK;
}

static void
graph__is_the_gram_matrix_on_every_rank(void **state)
{
	struct columns_job job = columns_job_defaults(STRADS_JOB_LOCAL, 3, graph_scene);

	(void)state;
	columns_job_assert(&job, STRADS_OK, NULL);
	for (int ranks = 1; ranks <= 4; ranks++) {
		job = columns_job_defaults(STRADS_JOB_SIM, ranks, graph_scene);
		columns_job_assert(&job, STRADS_OK, NULL);
	}
}

static void
graph__refuses_large_problems(void **state)
{
	(void)state;
	assert_int_equal(strads_graph_check(STRADS_GRAPH_VARIABLES_MAX), STRADS_OK);
	assert_int_equal(strads_graph_check(STRADS_GRAPH_VARIABLES_MAX + 1), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "at most 65536"));
}

/* ---- The queue ------------------------------------------------------------------------------- */

/* A chain: j interacts with j − 1 and j + 1, the weight being j + k. */
#define CHAIN 40

struct chain {
	struct strads_graph graph;
	uint64_t first[CHAIN + 1];
	uint32_t to[2 * CHAIN];
	float weight[2 * CHAIN];
};

static void
connect(struct chain *chain, uint64_t *edges, uint32_t j, uint32_t k)
{
	const struct strads_graph_options *options = &chain->graph.options;

	if (k >= CHAIN || k % (uint32_t)options->schedulers != (uint32_t)options->scheduler)
		return;
	chain->to[*edges] = k;
	chain->weight[(*edges)++] = (float)(j + k);
}

static void
chain_make(struct chain *chain, int scheduler, int schedulers)
{
	uint64_t edges = 0;

	*chain = (struct chain){
	    .graph = {
		.options = {.variables = CHAIN, .scheduler = scheduler, .schedulers = schedulers}}};
	for (uint32_t j = 0; j < CHAIN; j++) {
		connect(chain, &edges, j, j - 1);
		connect(chain, &edges, j, j + 1);
		chain->first[j + 1] = edges;
	}
	chain->graph.first = chain->first;
	chain->graph.to = chain->to;
	chain->graph.weight = chain->weight;
}

static struct strads_signalling *
made(const struct chain *chain, bool joint, uint64_t seed)
{
	struct strads_signalling_options options = {
	    .graph = &chain->graph, .joint = joint, .seed = seed};
	struct strads_signalling *signalling = NULL;

	assert_int_equal(strads_signalling_new(&options, &signalling), STRADS_OK);
	return signalling;
}

/* Draws all and notes that nothing changed: the queue is empty. */
static void
drain(struct strads_signalling *signalling)
{
	static const double nothing[CHAIN];
	strads_key keys[CHAIN];
	uint32_t n = strads_signalling_draw(signalling, CHAIN, keys);

	strads_signalling_note(signalling, keys, nothing, n);
}

static void
draw__all_come_first_in_an_order_of_the_seed(void **state)
{
	struct chain chain;
	strads_key keys[3][CHAIN];

	(void)state;
	chain_make(&chain, 0, 1);
	for (uint64_t run = 0; run < 3; run++) {
		struct strads_signalling *signalling = made(&chain, false, run / 2);
		uint64_t seen = 0;

		for (uint32_t have = 0; have < CHAIN; have += 10)
			assert_int_equal(strads_signalling_draw(signalling, 10, keys[run] + have),
					 10);
		for (uint32_t k = 0; k < CHAIN; k++)
			seen |= UINT64_C(1) << keys[run][k];
		assert_true(seen == (UINT64_C(1) << CHAIN) - 1);
		/* All are in flight. */
		assert_int_equal(strads_signalling_draw(signalling, 10, keys[run]), 0);
		strads_signalling_delete(&signalling);
	}
	assert_memory_equal(keys[0] + 10, keys[1] + 10, (CHAIN - 10) * sizeof(strads_key));
	assert_memory_not_equal(keys[0] + 10, keys[2] + 10, (CHAIN - 10) * sizeof(strads_key));
}

static void
note__neighbours_come_next_the_most_signalled_first(void **state)
{
	const double change = -2;
	strads_key keys[CHAIN], changed = 20;
	struct strads_signalling *signalling;
	struct chain chain;

	(void)state;
	chain_make(&chain, 0, 1);
	signalling = made(&chain, false, 1);
	drain(signalling);
	strads_signalling_note(signalling, &changed, &change, 1);
	assert_int_equal(strads_signalling_draw(signalling, CHAIN, keys), 2);
	assert_int_equal(keys[0], 21);
	assert_int_equal(keys[1], 19);
	strads_signalling_delete(&signalling);
}

static void
note__members_of_a_joint_block_do_not_signal_each_other(void **state)
{
	const strads_key block[2] = {10, 11};
	const double change[2] = {1, 1};
	struct chain chain;

	(void)state;
	chain_make(&chain, 0, 1);
	for (int joint = 0; joint < 2; joint++) {
		struct strads_signalling *signalling = made(&chain, joint > 0, 1);
		strads_key keys[CHAIN];
		uint32_t n;

		drain(signalling);
		strads_signalling_note(signalling, block, change, 2);
		n = strads_signalling_draw(signalling, CHAIN, keys);
		assert_int_equal(n, joint ? 2 : 4);
		/* Of all signals that to 12 weighs most. */
		assert_int_equal(keys[0], 12);
		strads_signalling_delete(&signalling);
	}
}

static void
draw__an_empty_queue_is_filled_anew(void **state)
{
	strads_key keys[CHAIN];
	struct strads_signalling *signalling;
	struct chain chain;

	(void)state;
	chain_make(&chain, 0, 1);
	signalling = made(&chain, false, 1);
	drain(signalling);
	assert_int_equal(strads_signalling_draw(signalling, CHAIN, keys), CHAIN);
	strads_signalling_delete(&signalling);
}

static void
note__what_is_not_finite_signals_nobody(void **state)
{
	const double change[2] = {NAN, INFINITY};
	const strads_key block[2] = {10, 20};
	strads_key keys[CHAIN];
	struct strads_signalling *signalling;
	struct chain chain;

	(void)state;
	chain_make(&chain, 0, 1);
	signalling = made(&chain, false, 1);
	drain(signalling);
	strads_signalling_note(signalling, block, change, 2);
	assert_int_equal(strads_signalling_draw(signalling, CHAIN, keys), CHAIN);
	strads_signalling_delete(&signalling);
}

/* Three schedulers, random sets and changes: each draws what a list would give, and what is in
 * flight is nobody's. */
static void
draw__same_as_from_a_list(void **state)
{
	(void)state;
	for (int scheduler = 0; scheduler < 3; scheduler++) {
		struct chain chain;
		struct strads_signalling *signalling;
		double residual[CHAIN] = {0};
		uint64_t index = 0;

		chain_make(&chain, scheduler, 3);
		signalling = made(&chain, false, 1);
		drain(signalling);
		for (int round = 0; round < 200; round++) {
			strads_key key = strads_random(1, 2, index++) % CHAIN, got[2];
			double change = (double)(strads_random(1, 3, index) % 1000 + 1), best = 0;
			uint32_t n;

			residual[key] = 0;
			for (uint64_t e = chain.first[key]; e < chain.first[key + 1]; e++)
				residual[chain.to[e]] += (double)chain.weight[e] * change;
			strads_signalling_note(signalling, &key, &change, 1);
			for (int k = 0; k < CHAIN; k++)
				best = fmax(best, k % 3 == scheduler ? residual[k] : 0);
			if (best == 0 || round % 2)
				continue;
			n = strads_signalling_draw(signalling, 1, got);
			assert_int_equal(n, 1);
			assert_int_equal(got[0] % 3, scheduler);
			assert_true(residual[got[0]] == best);
			change = 0;
			strads_signalling_note(signalling, got, &change, 1);
			residual[got[0]] = 0;
		}
		strads_signalling_delete(&signalling);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(graph__is_the_gram_matrix_on_every_rank),
	    cmocka_unit_test(graph__refuses_large_problems),
	    cmocka_unit_test(draw__all_come_first_in_an_order_of_the_seed),
	    cmocka_unit_test(note__neighbours_come_next_the_most_signalled_first),
	    cmocka_unit_test(note__members_of_a_joint_block_do_not_signal_each_other),
	    cmocka_unit_test(draw__an_empty_queue_is_filled_anew),
	    cmocka_unit_test(note__what_is_not_finite_signals_nobody),
	    cmocka_unit_test(draw__same_as_from_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

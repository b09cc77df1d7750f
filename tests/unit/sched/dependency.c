/* The dependency check: what it chooses is what going through the candidates one by one chooses. */
#include "strads/dependency.h"
#include "strads/csc.h"
#include "strads/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "columns_job.h"

#define ROWS    40
#define COLS    120
#define DEPTH   3
#define SET_MAX 12

/* A matrix, dense and by columns; column 7 is constant, 8 empty, 10 is 9 doubled and negated. */
struct matrix {
	double dense[COLS][ROWS];
	double mean[COLS];
	struct strads_csc x;
};

struct fixture {
	struct strads_fabric *fabric;
	struct matrix *matrix;
	struct strads_columns *columns;
};

static double
entry(uint64_t row, uint64_t col)
{
	uint64_t bits = strads_random(5, col, row);

	if (col == 7)
		return 2;
	if (col == 8 || bits % 4 > 0)
		return 0;
	return (double)(bits >> 40) / (1 << 22) - 1;
}

static struct matrix *
matrix_new(void)
{
	struct matrix *m = calloc(1, sizeof *m);
	struct strads_csc *x;

	assert_non_null(m);
	x = &m->x;
	*x = (struct strads_csc){.rows = ROWS,
				 .cols = COLS,
				 .start = calloc(COLS + 1, sizeof *x->start),
				 .row = calloc((size_t)ROWS * COLS, sizeof *x->row),
				 .value = calloc((size_t)ROWS * COLS, sizeof *x->value)};
	assert_non_null(x->start);
	assert_non_null(x->row);
	assert_non_null(x->value);
	for (uint64_t j = 0; j < COLS; j++) {
		x->start[j + 1] = x->start[j];
		for (uint32_t i = 0; i < ROWS; i++) {
			double value = j == 10 ? -2 * entry(i, 9) : entry(i, j);

			m->dense[j][i] = value;
			m->mean[j] += value / ROWS;
			if (value == 0)
				continue;
			x->row[x->start[j + 1]] = i;
			x->value[x->start[j + 1]++] = value;
		}
	}
	return m;
}

static void
matrix_free(struct matrix *m)
{
	free(m->x.start);
	free(m->x.row);
	free(m->x.value);
	free(m);
}

/* The correlation of two columns, about their means or 0, from the dense matrix. */
static double
correlation(const struct matrix *m, strads_key j, strads_key k, bool centred)
{
	double jk = 0, jj = 0, kk = 0;

	for (int i = 0; i < ROWS; i++) {
		double a = m->dense[j][i] - (centred ? m->mean[j] : 0);
		double b = m->dense[k][i] - (centred ? m->mean[k] : 0);

		jk += a * b;
		jj += a * a;
		kk += b * b;
	}
	if (j == k)
		return 1;
	return jj > 1e-20 && kk > 1e-20 ? fabs(jk) / sqrt(jj * kk) : 0;
}

/* Chooses among the candidates one by one; returns how many. */
static uint32_t
choose(const struct matrix *m, double rho, bool centred, const strads_key *others,
       uint32_t n_others, const strads_key *candidates, uint32_t n, strads_key *chosen,
       double *worst)
{
	uint32_t count = 0;

	*worst = 0;
	for (uint32_t i = 0; i < n && count < SET_MAX; i++) {
		double largest = 0;

		for (uint32_t k = 0; k < n_others; k++)
			largest = fmax(largest, correlation(m, candidates[i], others[k], centred));
		for (uint32_t k = 0; k < count; k++)
			largest = fmax(largest, correlation(m, candidates[i], chosen[k], centred));
		if (largest >= rho)
			continue;
		chosen[count++] = candidates[i];
		*worst = fmax(*worst, largest);
	}
	return count;
}

/* ---- A fabric of one rank ------------------------------------------------------------------ */

typedef void check(struct fixture *fixture);

static int
rank_main(struct strads_job *job, void *arg)
{
	check *const *run = arg;
	struct fixture fixture = {.matrix = matrix_new()};
	struct strads_fabric_options fabric = {.fabric = "auto"};
	struct strads_columns_options columns;

	strads_columns_defaults(&columns);
	assert_int_equal(strads_fabric_open(job, &fabric, &fixture.fabric), STRADS_OK);
	assert_int_equal(strads_columns_new(fixture.fabric, NULL, &fixture.matrix->x, &columns,
					    &fixture.columns),
			 STRADS_OK);
	(*run)(&fixture);
	strads_columns_delete(&fixture.columns);
	strads_fabric_close(&fixture.fabric);
	matrix_free(fixture.matrix);
	return 0;
}

static void
on_one_rank(check *run)
{
	struct strads_job_options options = {
	    .kind = STRADS_JOB_SELF, .ranks = 1, .timeout_ms = 20000};

	assert_int_equal(strads_job_run(&options, rank_main, &run), 0);
}

static struct strads_dependency_options
defaults(const struct fixture *fixture, bool centred)
{
	return (struct strads_dependency_options){.rho = 0.2,
						  .candidates_max = COLS,
						  .set_max = SET_MAX,
						  .depth = DEPTH,
						  .rows = ROWS,
						  .mean = centred ? fixture->matrix->mean : NULL};
}

/* ---- Tests --------------------------------------------------------------------------------- */

/* Sets one after the other, each in sight of the two before it. */
static void
check_sequence(struct fixture *fixture, double rho, bool centred)
{
	struct strads_dependency_options options = defaults(fixture, centred);
	struct strads_dependency *dependency;
	strads_key flight[DEPTH][SET_MAX], others[DEPTH * SET_MAX];
	uint32_t n_flight[DEPTH] = {0};

	options.rho = rho;
	assert_int_equal(
	    strads_dependency_new(fixture->fabric, fixture->columns, &options, &dependency),
	    STRADS_OK);
	for (uint64_t set = 0; set < 60; set++) {
		strads_key candidates[COLS], chosen[SET_MAX], expected[SET_MAX];
		uint32_t n = 1 + (uint32_t)(strads_random(1, set, 0) % 60), n_others = 0, count;
		double worst, expected_worst;

		for (uint32_t i = 0; i < n; i++)
			candidates[i] = (strads_random(2, set, 0) + i * (2 * set + 1)) % (COLS - 1);
		for (uint64_t t = set > 2 ? set - 2 : 0; t < set; t++)
			for (uint32_t i = 0; i < n_flight[t % DEPTH]; i++)
				others[n_others++] = flight[t % DEPTH][i];
		assert_int_equal(strads_dependency_choose(dependency, set, candidates, n, chosen,
							  &count, &worst),
				 STRADS_OK);
		assert_int_equal(choose(fixture->matrix, rho, centred, others, n_others, candidates,
					n, expected, &expected_worst),
				 count);
		assert_memory_equal(chosen, expected, count * sizeof *chosen);
		assert_true(fabs(worst - expected_worst) < 1e-9);
		assert_true(worst < rho);
		strads_dependency_seen(dependency, set, chosen, count);
		memcpy(flight[set % DEPTH], chosen, sizeof chosen);
		n_flight[set % DEPTH] = count;
	}
	strads_dependency_delete(&dependency);
}

static void
check_sequences(struct fixture *fixture)
{
	for (int i = 0; i < 6; i++)
		check_sequence(fixture, (double[]){0.05, 0.2, 0.5}[i % 3], i / 3 > 0);
}

static void
choose__as_one_by_one(void **state)
{
	(void)state;
	on_one_rank(check_sequences);
}

/* Sets that were not told of, such as those that update nothing, stand in nobody's way. */
static void
check_gaps(struct fixture *fixture)
{
	struct strads_dependency_options options = defaults(fixture, false);
	struct strads_dependency *dependency;
	const strads_key candidates[] = {9, 10};
	strads_key chosen[SET_MAX];
	uint32_t count;
	double worst;

	assert_int_equal(
	    strads_dependency_new(fixture->fabric, fixture->columns, &options, &dependency),
	    STRADS_OK);
	strads_dependency_seen(dependency, 4, candidates, 1);
	for (uint64_t set = 5; set < 9; set++) {
		/* Of the two, which are one but for their lengths, the first is in flight till 7.
		 */
		assert_int_equal(strads_dependency_choose(dependency, set, candidates, 2, chosen,
							  &count, &worst),
				 STRADS_OK);
		assert_int_equal(count, set < 7 ? 0 : 1);
		if (set >= 7)
			assert_int_equal(chosen[0], 9);
	}
	strads_dependency_delete(&dependency);
}

static void
choose__what_is_in_flight_and_no_longer(void **state)
{
	(void)state;
	on_one_rank(check_gaps);
}

/* ---- Ranks whose columns are read --------------------------------------------------------------
 */

/* Of the choice of a larger set, the first. */
#define FEW 3

/* The matrix of the ranks' columns, and all of them in some order. */
static struct matrix *
whole_matrix(void)
{
	struct matrix *m = calloc(1, sizeof *m);

	assert_non_null(m);
	for (strads_key j = 0; j < COLUMNS_COLS; j++)
		for (uint32_t i = 0; i < COLUMNS_ROWS; i++)
			m->dense[j][i] = columns_entry(i, j) ? columns_value(i, j) : 0;
	return m;
}

static void
shuffle(uint64_t seed, uint64_t set, strads_key *candidates)
{
	for (uint32_t i = 0; i < COLUMNS_COLS; i++) {
		uint64_t place = strads_random(seed, set, i) % (i + 1);

		candidates[i] = candidates[place];
		candidates[place] = i;
	}
}

static int
choose_patiently(struct columns_side *side, struct strads_dependency *dependency, uint64_t set,
		 const strads_key *candidates, strads_key *chosen, uint32_t *count)
{
	uint64_t start = strads_fabric_clock_ns(side->fabric);
	double worst;
	int status, waited;

	while ((status = strads_dependency_choose(dependency, set, candidates, COLUMNS_COLS, chosen,
						  count, &worst)) == STRADS_AGAIN) {
		waited = columns_wait(side, start, false);
		if (waited != STRADS_OK)
			return waited;
	}
	return status;
}

static int
choose_in_little_room(struct columns_side *side)
{
	const struct strads_dependency_options options = {.rho = 0.1,
							  .candidates_max = COLUMNS_COLS,
							  .set_max = FEW,
							  .depth = 1,
							  .rows = COLUMNS_ROWS};
	struct matrix *m = whole_matrix();
	struct strads_dependency *dependency;
	int status = strads_dependency_new(side->fabric, side->columns, &options, &dependency);

	for (uint64_t set = 0; set < 20 && status == STRADS_OK; set++) {
		strads_key candidates[COLUMNS_COLS], chosen[FEW], expected[SET_MAX];
		uint32_t count, most;
		double worst;

		shuffle((uint64_t)side->rank, set, candidates);
		status = choose_patiently(side, dependency, set, candidates, chosen, &count);
		if (status != STRADS_OK)
			break;
		most = choose(m, options.rho, false, NULL, 0, candidates, COLUMNS_COLS, expected,
			      &worst);
		COLUMNS_CHECK(side, count == (most < FEW ? most : FEW));
		COLUMNS_CHECK(side, memcmp(chosen, expected, count * sizeof *chosen) == 0);
	}
	strads_dependency_delete(&dependency);
	free(m);
	return status;
}

/* Room for a few columns: what does not fit beside those that are looked at first comes after. */
static void
choose__more_candidates_than_there_is_room_for(void **state)
{
	const struct strads_columns_options little = {
	    .cache_bytes = 2080, .columns_max = 100, .fetches_max = 2, .reads_max = 5};

	(void)state;
	columns_job_with_peers(choose_in_little_room, &little, STRADS_OK);
}

/* ---- Limits ------------------------------------------------------------------------------------
 */

/* Columns without length or, centred, without variance correlate with nothing. */
static void
check_constant(struct fixture *fixture)
{
	struct strads_dependency_options options = defaults(fixture, true);
	struct strads_dependency *dependency;
	struct strads_dependency_stats stats;
	const strads_key candidates[] = {7, 8, 9, 10};
	strads_key chosen[SET_MAX];
	uint32_t count;
	double worst;

	options.rho = 1e-6;
	assert_int_equal(
	    strads_dependency_new(fixture->fabric, fixture->columns, &options, &dependency),
	    STRADS_OK);
	assert_int_equal(
	    strads_dependency_choose(dependency, 0, candidates, 4, chosen, &count, &worst),
	    STRADS_OK);
	assert_int_equal(count, 3);
	assert_memory_equal(chosen, candidates, 3 * sizeof *chosen);
	strads_dependency_stats(dependency, &stats);
	assert_int_equal(stats.candidates, 4);
	assert_int_equal(stats.chosen, 3);
	assert_int_equal(stats.products, 0 + 1 + 2 + 3);
	assert_int_equal(
	    strads_dependency_choose(dependency, 1, candidates, 0, chosen, &count, &worst),
	    STRADS_OK);
	assert_int_equal(count, 0);
	strads_dependency_delete(&dependency);
}

static void
choose__constant_columns_and_none(void **state)
{
	(void)state;
	on_one_rank(check_constant);
}

static void
check_options(struct fixture *fixture)
{
	const struct strads_dependency_options sound = defaults(fixture, false);
	struct strads_dependency_options wrong[] = {sound, sound, sound, sound, sound, sound};
	struct strads_dependency *dependency = NULL;

	wrong[0].rho = 0;
	wrong[1].rho = NAN;
	wrong[2].candidates_max = 0;
	wrong[3].set_max = 0;
	wrong[4].depth = 0;
	wrong[5].rows = UINT64_C(1) << 32;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(strads_dependency_new(fixture->fabric, fixture->columns, &wrong[i],
						       &dependency),
				 STRADS_ERR_ARGUMENT);
	assert_null(dependency);
}

static void
new__refuses_what_makes_no_sense(void **state)
{
	(void)state;
	on_one_rank(check_options);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(choose__as_one_by_one),
	    cmocka_unit_test(choose__what_is_in_flight_and_no_longer),
	    cmocka_unit_test(choose__more_candidates_than_there_is_room_for),
	    cmocka_unit_test(choose__constant_columns_and_none),
	    cmocka_unit_test(new__refuses_what_makes_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A rank's portion of the whole columns, on several ranks: nothing is lost, and what is left out of
 * a pass cannot matter. */
#include "portion.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "strads/random.h"

#define ROWS  40
#define COLS  23
#define RANKS 3

/* The entry of the whole matrix: some columns are empty, some full, all of other sizes. */
static double
entry(uint32_t i, uint64_t j)
{
	uint64_t bits = strads_random(1, j, i);

	if (j % 7 == 3 || (j % 5 != 0 && bits % (1 + j) != 0))
		return 0;
	return (double)(1 + bits % 1000) / (double)(1 + j * j);
}

static void
rows_make(uint32_t first, uint32_t end, struct strads_dataset *dataset)
{
	uint64_t at = 0;

	*dataset = (struct strads_dataset){.x = {.rows = end - first, .cols = COLS}};
	dataset->rows_total = ROWS;
	dataset->x.start = calloc(COLS + 1, sizeof(uint64_t));
	dataset->x.row = calloc(ROWS * COLS, sizeof(uint32_t));
	dataset->x.value = calloc(ROWS * COLS, sizeof(double));
	for (uint64_t j = 0; j < COLS; j++) {
		for (uint32_t i = first; i < end; i++) {
			if (entry(i, j) == 0)
				continue;
			dataset->x.row[at] = i - first;
			dataset->x.value[at++] = entry(i, j);
		}
		dataset->x.start[j + 1] = at;
	}
}

/* Statistics as if the columns were scaled by 1/(j + 1). */
static void
columns_make(double *scale, float *bound)
{
	for (uint64_t j = 0; j < COLS; j++) {
		double sum = 0;

		for (uint32_t i = 0; i < ROWS; i++)
			sum += fabs(entry(i, j));
		scale[j] = 1 / (double)(j + 1);
		bound[j] = (float)(sum * scale[j] * (1 + 1e-6));
	}
}

/* Every own column is there once, whole, scaled, and the reach leaves out none that may matter. */
static bool
portion_is_sound(const struct strads_linear_portion *portion, const double *scale)
{
	double v[ROWS], dot, most = 0.75;
	bool seen[COLS] = {false}, sound = true;
	uint64_t reach, position = 0;

	for (uint32_t i = 0; i < ROWS; i++)
		v[i] = most * (i % 2 ? 1 : -1);
	for (uint64_t k = 0; k < portion->count; k++) {
		strads_key key = strads_linear_portion_key(portion, k);
		double expected = 0;

		for (uint32_t i = 0; i < ROWS; i++)
			expected += entry(i, key) * v[i] * scale[key];
		strads_packed_dot(&portion->x, k, 1, v, &dot);
		sound = sound && !seen[key] && fabs(dot - expected) <= 1e-9 * (1 + fabs(expected));
		sound =
		    sound && strads_linear_portion_find(portion, key, &position) && position == k;
		seen[key] = true;
		for (double lambda = 1e-4; lambda < 1e4; lambda *= 1.7) {
			reach = strads_linear_portion_reach(portion, most, lambda);
			sound = sound && (k < reach || (double)portion->bound[k] * most <= lambda);
		}
	}
	for (uint64_t j = 0; j < COLS; j++)
		sound = sound && seen[j] == (j % RANKS == (uint64_t)portion->rank);
	return sound && strads_linear_portion_reach(portion, most, NAN) == portion->count &&
	       strads_linear_portion_reach(portion, most, 1e30) == 0;
}

static bool
share_out(struct strads_fabric *fabric, const struct strads_dataset *dataset)
{
	double scale[COLS];
	float bound[COLS];
	struct strads_linear_columns columns = {.x = &dataset->x, .scale = scale, .bound = bound};
	struct strads_linear_portion portion;
	bool sound = false;

	columns_make(scale, bound);
	if (strads_linear_portion_open(fabric, dataset, false, &portion) == STRADS_OK) {
		strads_linear_portion_arrange(&portion, &columns);
		sound = portion_is_sound(&portion, scale);
	}
	strads_linear_portion_close(&portion);
	return sound;
}

struct task {
	const char *fabric;
	bool *sound; /* [RANKS] */
};

static int
rank_main(struct strads_job *job, void *arg)
{
	const struct task *task = arg;
	struct strads_fabric_options options = {.fabric = task->fabric};
	struct strads_fabric *fabric = NULL;
	struct strads_dataset dataset;
	uint32_t rank = (uint32_t)strads_job_rank(job);

	rows_make(ROWS * rank / RANKS, ROWS * (rank + 1) / RANKS, &dataset);
	if (strads_fabric_open(job, &options, &fabric) == STRADS_OK)
		task->sound[rank] = share_out(fabric, &dataset);
	if (strads_job_barrier(job) != STRADS_OK)
		task->sound[rank] = false;
	strads_dataset_free(&dataset);
	strads_fabric_close(&fabric);
	return 0;
}

static void
check(enum strads_job_kind kind, const char *fabric)
{
	struct strads_job_options options = {
	    .kind = kind,
	    .ranks = RANKS,
	    .timeout_ms = 60000,
	    .sim = {.seed = 1, .latency_ns = 1500, .overhead_ns = 100, .bytes_per_ns = 12},
	};
	bool *sound = mmap(NULL, RANKS * sizeof *sound, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct task task = {.fabric = fabric, .sound = sound};

	assert_true(sound != MAP_FAILED);
	assert_int_equal(strads_job_run(&options, rank_main, &task), 0);
	for (int rank = 0; rank < RANKS; rank++)
		assert_true(sound[rank]);
	munmap(sound, RANKS * sizeof *sound);
}

static void
portion__over_shared_memory_has_whole_columns(void **state)
{
	(void)state;
	check(STRADS_JOB_LOCAL, "shm");
}

static void
portion__over_tcp_has_whole_columns(void **state)
{
	(void)state;
	check(STRADS_JOB_LOCAL, "ofi");
}

static void
portion__in_the_simulator_has_whole_columns(void **state)
{
	(void)state;
	check(STRADS_JOB_SIM, "auto");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(portion__over_shared_memory_has_whole_columns),
	    cmocka_unit_test(portion__over_tcp_has_whole_columns),
	    cmocka_unit_test(portion__in_the_simulator_has_whole_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * One operation at a time between ranks 0 and 1: put and get until they are complete, put-signal to
 * and fro.
 */
#include "ours.h"
#include "pattern.h"

#include <string.h>

static int
pair_open(struct strads_bench *bench, void **context)
{
	struct strads_ours *ours;
	int status = strads_ours_open(bench, bench->team.rank < 2, &ours);

	if (!status)
		*context = ours;
	return status;
}

/* ---- put and get ---- */

static int
put_once(struct strads_ours *ours, size_t bytes, struct strads_counter *counter)
{
	return strads_put(ours->fabric, 1, ours->inbox, 0, strads_region_base(ours->own), bytes,
			  counter);
}

static int
run_put(void *context, const struct strads_task *task, struct strads_samples *samples,
	struct strads_taken *taken)
{
	struct strads_ours *ours = context;
	bool verify = ours->bench->options->verify;
	int status = strads_mesh_meet(&ours->mesh);

	if (!status && ours->rank == 0) {
		if (verify)
			strads_pattern_fill(strads_region_base(ours->own), task->bytes, task->seed);
		status = strads_ours_repeat(ours, task, put_once, samples, taken);
	}
	if (!status)
		status = strads_mesh_meet(&ours->mesh);
	if (!status && verify && ours->rank == 1)
		status =
		    strads_pattern_check(strads_region_base(ours->inbox), task->bytes, task->seed);
	return status;
}

static int
run_get(void *context, const struct strads_task *task, struct strads_samples *samples,
	struct strads_taken *taken)
{
	struct strads_ours *ours = context;
	bool verify = ours->bench->options->verify;
	int status;

	if (verify && ours->rank == 1)
		strads_pattern_fill(strads_region_base(ours->shelf), task->bytes, task->seed);
	status = strads_mesh_meet(&ours->mesh);
	if (!status && ours->rank == 0) {
		status = strads_ours_repeat(ours, task, strads_ours_get, samples, taken);
		if (!status && verify)
			status = strads_pattern_check(strads_region_base(ours->own), task->bytes,
						      task->seed);
	}
	return status ? status : strads_mesh_meet(&ours->mesh);
}

/* ---- put-signal ---- */

static int
send_word(struct strads_ours *ours, size_t bytes, uint64_t word)
{
	int status;

	while ((status = strads_put_signal(ours->fabric, 1 - ours->rank, ours->inbox, 0,
					   strads_region_base(ours->own), bytes, word, NULL)) ==
	       STRADS_AGAIN) {
		status = strads_fabric_progress(ours->fabric);
		if (status)
			return status;
	}
	return status;
}

static int
ping(struct strads_ours *ours, const struct strads_task *task, uint64_t word, bool verify)
{
	if (verify) {
		int status = strads_mesh_flush(&ours->mesh);

		if (status)
			return status;
		strads_pattern_fill(strads_region_base(ours->own), task->bytes, word);
	}
	return send_word(ours, task->bytes, word);
}

static int
pong(struct strads_ours *ours, const struct strads_task *task, uint64_t word, bool verify)
{
	int status = strads_signal_wait(ours->fabric, ours->inbox, task->bytes, word);

	if (!status && verify)
		status = strads_pattern_check(strads_region_base(ours->inbox), task->bytes, word);
	return status;
}

static int
exchange(struct strads_ours *ours, const struct strads_task *task, struct strads_samples *samples,
	 struct strads_taken *taken)
{
	bool verify = ours->bench->options->verify, first = ours->rank == 0;
	struct strads_lap lap = strads_lap_start(ours->bench, task, samples);

	for (uint64_t k = 0; k < task->count; k++) {
		uint64_t word = ++ours->word;
		int status =
		    first ? ping(ours, task, word, verify) : pong(ours, task, word, verify);

		if (!status)
			status =
			    first ? pong(ours, task, word, verify) : ping(ours, task, word, verify);
		if (status)
			return status;
		if (first)
			strads_lap_done(&lap);
	}
	if (first)
		taken->elapsed_ns = strads_lap_elapsed(&lap);
	return STRADS_OK;
}

static int
run_put_signal(void *context, const struct strads_task *task, struct strads_samples *samples,
	       struct strads_taken *taken)
{
	struct strads_ours *ours = context;
	int status;

	if (ours->rank < 2) /* the word's place depends on the size: nothing is there yet */
		memset((uint8_t *)strads_region_base(ours->inbox) + task->bytes, 0,
		       sizeof(uint64_t));
	status = strads_mesh_meet(&ours->mesh);
	if (!status && ours->rank < 2)
		status = exchange(ours, task, samples, taken);
	return status ? status : strads_mesh_meet(&ours->mesh);
}

const struct strads_side strads_ours_latency[] = {
    {.what = STRADS_BENCH_PUT,
     .name = "strads",
     .open = pair_open,
     .run = run_put,
     .close = strads_ours_delete},
    {.what = STRADS_BENCH_GET,
     .name = "strads",
     .open = pair_open,
     .run = run_get,
     .close = strads_ours_delete},
    {.what = STRADS_BENCH_PUT_SIGNAL,
     .name = "strads",
     .open = pair_open,
     .run = run_put_signal,
     .close = strads_ours_delete},
    {0},
};

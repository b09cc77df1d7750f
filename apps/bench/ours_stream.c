/*
 * Many operations under way: bandwidth and rate between two ranks, in one direction or both, of all
 * ranks to one, and of one to all. An operation counts once it is complete, which is when the
 * target has it.
 */
#include "ours.h"
#include "pattern.h"

#include <string.h>

/* The peers a rank sends to or reads from, first … last; none if last < first. */
struct targets {
	int first, last;
};

static struct targets
targets_of(const struct strads_ours *ours)
{
	const struct strads_bench *bench = ours->bench;
	const struct targets none = {.first = 1, .last = 0}, zero = {.first = 0, .last = 0};

	switch (bench->options->what) {
	case STRADS_BENCH_FAN_IN:
		return ours->rank > 0 ? zero : none;
	case STRADS_BENCH_FAN_OUT:
		return ours->rank == 0 ? (struct targets){1, ours->size - 1} : none;
	default:
		if (ours->rank == 0)
			return (struct targets){1, 1};
		return ours->rank == 1 && bench->options->bidirectional ? zero : none;
	}
}

static int
stream_open(struct strads_bench *bench, void **context)
{
	bool fan_in = bench->options->what == STRADS_BENCH_FAN_IN;
	int writers = bench->team.rank == 0 && fan_in ? bench->team.size - 1 : 1;
	struct strads_ours *ours;
	int status = strads_ours_open(bench, writers, &ours);

	if (!status)
		*context = ours;
	return status;
}

/* Where in a peer's inbox this rank's bytes go. */
static size_t
place(const struct strads_ours *ours)
{
	bool fan_in = ours->bench->options->what == STRADS_BENCH_FAN_IN;

	return fan_in ? (size_t)(ours->rank - 1) * ours->stride : 0;
}

static int
start(struct strads_ours *ours, int peer, size_t bytes, struct strads_counter *counter)
{
	void *own = strads_region_base(ours->own);

	if (ours->bench->options->what == STRADS_BENCH_GET_BW)
		return strads_get(ours->fabric, peer, ours->shelf, 0, own, bytes, counter);
	return strads_put(ours->fabric, peer, ours->inbox, place(ours), own, bytes, counter);
}

/* `count` operations to each of the targets in turn, at most tx_depth under way. */
static int
stream(struct strads_ours *ours, struct targets to, const struct strads_task *task)
{
	uint64_t depth = ours->bench->options->tx_depth;
	uint64_t left = task->count * (uint64_t)(to.last - to.first + 1);
	struct strads_counter counter = {0};
	int peer = to.first;

	while (left > 0) {
		int status = start(ours, peer, task->bytes, &counter);

		if (status == STRADS_OK) {
			left--;
			peer = peer < to.last ? peer + 1 : to.first;
		} else if (status != STRADS_AGAIN) {
			return status;
		}
		if (status == STRADS_AGAIN) {
			status = strads_fabric_progress(ours->fabric);
			if (status)
				return status;
		}
		if (counter.posted - counter.done >= depth) {
			status = strads_mesh_complete(ours->fabric, &counter,
						      counter.posted - depth + 1);
			if (status)
				return status;
		}
	}
	return strads_mesh_complete(ours->fabric, &counter, counter.posted);
}

static void
prepare(struct strads_ours *ours, const struct strads_task *task)
{
	bool get = ours->bench->options->what == STRADS_BENCH_GET_BW;

	strads_pattern_fill(strads_region_base(get ? ours->shelf : ours->own), task->bytes,
			    task->seed + (uint64_t)ours->rank);
}

/* The rank whose bytes this one was sent into its only piece, −1: none. */
static int
writer_of(const struct strads_ours *ours)
{
	switch (ours->bench->options->what) {
	case STRADS_BENCH_FAN_OUT:
		return ours->rank > 0 ? 0 : -1;
	case STRADS_BENCH_PUT_BW:
	case STRADS_BENCH_RATE:
		if (ours->rank == 0)
			return ours->bench->options->bidirectional ? 1 : -1;
		return ours->rank == 1 ? 0 : -1;
	default:
		return -1;
	}
}

/* After everything was sent: what this rank got holds what the others sent. */
static int
check(struct strads_ours *ours, const struct strads_task *task, struct targets to)
{
	const uint8_t *inbox = strads_region_base(ours->inbox);
	int what = ours->bench->options->what, writer = writer_of(ours), status = STRADS_OK;

	if (what == STRADS_BENCH_GET_BW && to.first <= to.last)
		status = strads_pattern_check(strads_region_base(ours->own), task->bytes,
					      task->seed + (uint64_t)to.first);
	if (writer >= 0)
		status = strads_pattern_check(inbox, task->bytes, task->seed + (uint64_t)writer);
	if (what != STRADS_BENCH_FAN_IN || ours->rank > 0)
		return status;
	for (int rank = 1; rank < ours->size && !status; rank++)
		status = strads_pattern_check(inbox + (size_t)(rank - 1) * ours->stride,
					      task->bytes, task->seed + (uint64_t)rank);
	return status;
}

/* The clock is rank 0's, from when it lets all begin until all have said that they are done. */
static int
run_stream(void *context, const struct strads_task *task, struct strads_samples *samples,
	   struct strads_taken *taken)
{
	struct strads_ours *ours = context;
	struct targets to = targets_of(ours);
	bool verify = ours->bench->options->verify;
	uint64_t start_ns;
	int status;

	(void)samples;
	if (verify)
		prepare(ours, task);
	status = strads_mesh_meet(&ours->mesh);
	start_ns = strads_bench_now(ours->bench);
	if (!status)
		status = strads_mesh_meet(&ours->mesh);
	if (!status && to.first <= to.last)
		status = stream(ours, to, task);
	if (!status)
		status = strads_mesh_meet(&ours->mesh);
	if (!status && ours->rank == 0)
		taken->elapsed_ns = strads_bench_now(ours->bench) - start_ns;
	if (!status && verify)
		status = check(ours, task, to);
	return status;
}

#define STREAM(case)                                                                               \
	{                                                                                          \
		.what = (case), .name = "strads", .open = stream_open, .run = run_stream,          \
		.close = strads_ours_delete                                                        \
	}

const struct strads_side strads_ours_stream[] = {
    STREAM(STRADS_BENCH_PUT_BW), STREAM(STRADS_BENCH_GET_BW),  STREAM(STRADS_BENCH_RATE),
    STREAM(STRADS_BENCH_FAN_IN), STREAM(STRADS_BENCH_FAN_OUT), {0},
};

/*
 * A side: one way of doing what a case measures, behind one table of operations. What the driver
 * asks of strads, of bare means and of MPI alike.
 */
#ifndef STRADS_BENCH_SIDE_H
#define STRADS_BENCH_SIDE_H

#include "bench.h"
#include "samples.h"
#include "strads/ticks.h"

/* The ranks that measure together: those of a strads job, or MPI's own. */
struct strads_team {
	int rank;
	int size;
	void *context;
	/* As strads_job_allgather and strads_fabric_clock_ns. */
	int (*share)(void *context, const void *mine, size_t bytes, void *all);
	uint64_t (*now_ns)(void *context);
	/* As strads_job_abort. */
	void (*give_up)(void *context, int status);
};

/* One rank of a run. */
struct strads_bench {
	const struct strads_bench_options *options;
	const struct strads_bench_case *what;
	struct strads_team team;
	struct strads_fabric *fabric; /* NULL on MPI's side */
	char path[64];                /* of the fabric, to rank 1 (from that, to rank 0) */
	char mpi[64];                 /* MPI's library, once its side has run */
	size_t bytes_max;             /* the largest size of the run */
	double clock_ns;              /* what reading the clock costs rank 0 */
	uint64_t origin;              /* of this rank's clock, in ticks … */
	double ns_a_tick;             /* … of so many nanoseconds; 0: it is the team's */
	uint64_t tasks;               /* begun so far */
};

/* What a side does at one go; the same on all ranks. */
struct strads_task {
	size_t bytes;
	uint64_t count; /* operations of each rank that has any to do; a multiple of `batch` */
	uint64_t batch; /* operations to a sample */
	uint64_t seed;  /* differs from task to task */
};

/* What it took. */
struct strads_taken {
	uint64_t elapsed_ns; /* of this rank; 0: it had nothing to do */
	double share;        /* STRADS_BENCH_SHARE: the part of a core that was used */
};

struct strads_side {
	enum strads_bench_what what;
	bool one_way;     /* not where both ranks send */
	const char *name; /* "strads", "memcpy", "libfabric", "MPI" */
	const char *path; /* only beside a fabric whose path begins so; NULL: any */

	/* Collective, before the first run; the pieces are as large as bench->bytes_max. */
	int (*open)(struct strads_bench *bench, void **context);

	/* Collective. The rank that clocks adds to *samples, unless that is NULL; the ranks have
	 * met when it returns, and nothing is under way. */
	int (*run)(void *context, const struct strads_task *task, struct strads_samples *samples,
		   struct strads_taken *taken);
	void (*close)(void *context);
};

/* ---- Of the sides --------------------------------------------------------------------------- */

/* Every list of sides that is built, NULL-terminated; a list ends with a side without a name. The
 * lists of strads come first. */
extern const struct strads_side *const strads_sides[];

/* ---- Inline, because they stand between two stamps ------------------------------------------ */

static inline uint64_t
strads_bench_now(const struct strads_bench *bench)
{
	if (bench->ns_a_tick > 0)
		return (uint64_t)((double)(strads_ticks() - bench->origin) * bench->ns_a_tick);
	return bench->team.now_ns(bench->team.context);
}

/* A stopwatch that is read every `batch` operations. */
struct strads_lap {
	const struct strads_bench *bench;
	struct strads_samples *samples;
	uint64_t batch, left;
	uint64_t divisor; /* operations in a lap, twice as many where half of the time counts */
	uint64_t start_ns, last_ns;
};

static inline struct strads_lap
strads_lap_start(const struct strads_bench *bench, const struct strads_task *task,
		 struct strads_samples *samples)
{
	uint64_t now = strads_bench_now(bench);

	return (struct strads_lap){.bench = bench,
				   .samples = samples,
				   .batch = task->batch,
				   .left = task->batch,
				   .divisor = task->batch * (bench->what->half ? 2 : 1),
				   .start_ns = now,
				   .last_ns = now};
}

/* After each operation. */
static inline void
strads_lap_done(struct strads_lap *lap)
{
	uint64_t now;

	if (--lap->left > 0)
		return;
	now = strads_bench_now(lap->bench);
	if (lap->samples)
		strads_samples_add(lap->samples, (now - lap->last_ns) * 1000 / lap->divisor, 1);
	lap->last_ns = now;
	lap->left = lap->batch;
}

static inline uint64_t
strads_lap_elapsed(const struct strads_lap *lap)
{
	return strads_bench_now(lap->bench) - lap->start_ns;
}

#endif

/*
 * What is asked of a target that does something else: gets from one that computes and from one that
 * waits, and the processor time of ranks that wait for nothing.
 */
#include "ours.h"

#include <sys/resource.h>

#define COMPUTING_NS 1000      /* of a computation without a look at the clock, roughly */
#define SETTLING_NS  100000000 /* a waiting rank may take so long to come to rest */
#define IDLE_LEAST_S 1.0       /* a shorter rest says little */

/* ---- overlap ---- */

static int
target_open(struct strads_bench *bench, void **context)
{
	struct strads_ours *ours;
	int status = strads_ours_open(bench, 0, &ours);

	if (!status)
		*context = ours;
	return status;
}

/* Computes, and calls nothing of the fabric but its clock, until rank 0 has told that it is done or
 * has had all the time it may take. */
static void
compute(struct strads_ours *ours)
{
	uint64_t until =
	    strads_fabric_clock_ns(ours->fabric) + strads_fabric_timeout_ms(ours->fabric) * 1000000;

	while (!strads_mesh_told(&ours->mesh, 0) && strads_fabric_clock_ns(ours->fabric) < until) {
		for (int i = 0; i < COMPUTING_NS; i++)
			__asm__ volatile("" : : "g"(1.0 / (i + 1)));
		strads_fabric_charge(ours->fabric, COMPUTING_NS);
	}
}

static int
run_target(struct strads_ours *ours, const struct strads_task *task, bool busy,
	   struct strads_samples *samples, struct strads_taken *taken)
{
	int status = strads_mesh_meet(&ours->mesh);

	if (!status && ours->rank == 1) {
		if (busy)
			compute(ours);
		status = strads_mesh_hear(&ours->mesh, 0);
	}
	if (!status && ours->rank == 0) {
		status = strads_ours_repeat(ours, task, strads_ours_get, samples, taken);
		if (!status)
			status = strads_mesh_tell(&ours->mesh, 1);
	}
	return status ? status : strads_mesh_meet(&ours->mesh);
}

static int
run_busy(void *context, const struct strads_task *task, struct strads_samples *samples,
	 struct strads_taken *taken)
{
	return run_target(context, task, true, samples, taken);
}

static int
run_waiting(void *context, const struct strads_task *task, struct strads_samples *samples,
	    struct strads_taken *taken)
{
	return run_target(context, task, false, samples, taken);
}

/* ---- idle ---- */

/* Processor time of this process, all of its threads. */
static double
used_ns(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		return 0;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

/* Waits for a signal that does not come. */
static int
rest(struct strads_ours *ours, uint64_t ns)
{
	uint64_t until = strads_fabric_clock_ns(ours->fabric) + ns;
	int status = STRADS_OK;

	while (!status && strads_fabric_clock_ns(ours->fabric) < until) {
		status = strads_fabric_progress(ours->fabric);
		strads_fabric_wait(ours->fabric, until);
	}
	return status;
}

static int
run_idle(void *context, const struct strads_task *task, struct strads_samples *samples,
	 struct strads_taken *taken)
{
	struct strads_ours *ours = context;
	double seconds = ours->bench->options->duration_s, used;
	uint64_t start_ns;
	int status = strads_mesh_meet(&ours->mesh);

	(void)task;
	(void)samples;
	if (!status)
		status = rest(ours, SETTLING_NS);
	start_ns = strads_bench_now(ours->bench);
	used = used_ns();
	if (!status)
		status =
		    rest(ours, (uint64_t)((seconds < IDLE_LEAST_S ? IDLE_LEAST_S : seconds) * 1e9));
	taken->elapsed_ns = strads_bench_now(ours->bench) - start_ns;
	taken->share = (used_ns() - used) / (double)taken->elapsed_ns;
	strads_fabric_awake(ours->fabric);
	return status ? status : strads_mesh_meet(&ours->mesh);
}

const struct strads_side strads_ours_target[] = {
    {.what = STRADS_BENCH_OVERLAP,
     .name = "strads busy",
     .open = target_open,
     .run = run_busy,
     .close = strads_ours_delete},
    {.what = STRADS_BENCH_OVERLAP,
     .name = "strads waiting",
     .open = target_open,
     .run = run_waiting,
     .close = strads_ours_delete},
    {.what = STRADS_BENCH_IDLE,
     .name = "strads",
     .open = target_open,
     .run = run_idle,
     .close = strads_ours_delete},
    {0},
};

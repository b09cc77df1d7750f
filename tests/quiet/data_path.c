/*
 * data_path FABRIC: nothing on the data path of this fabric blocks, allocates or takes a lock. Two
 * ranks put, get, signal, flush and make progress; once all is warm, both watch themselves.
 */
#include "quiet.h"

#include "strads/transport.h"

#include <stdio.h>

#define WARM   100
#define ROUNDS 700 /* more signals than can be on the way */
#define BYTES  (64 * 1024)
#define SKIP   77

static const struct quiet_exception exceptions[] = {
    {"write at once", "quiet_data_path", "shm's doorbell: a peer that sleeps is woken"},
    {"epoll_wait at once", "quiet_data_path", "shm looks every few milliseconds who has died"},
    /* What a soft-RoCE adapter's library does for want of hardware. An adapter's queues lie in
     * memory that it shares with the process, and its doorbell is a store to a mapped register. */
    {"write", "librxe", "soft-RoCE's doorbell: a system call hands the queue to the kernel"},
    {"pthread_spin_lock", "librxe", "soft-RoCE's queues: held while an entry is copied"},
};

struct bench {
	struct strads_fabric *fabric;
	struct strads_region *open;
	struct strads_region *own;
	int peer;
};

/* A pass of a loop that waits, as every loop of a rank does. */
#define UNTIL(bench, condition)                                                                    \
	while (!(condition)) {                                                                     \
		if (strads_fabric_progress((bench)->fabric))                                       \
			return -1;                                                                 \
		if (condition)                                                                     \
			break;                                                                     \
		strads_fabric_wait((bench)->fabric,                                                \
				   strads_fabric_clock_ns((bench)->fabric) + 1000000);             \
	}                                                                                          \
	strads_fabric_awake((bench)->fabric)

/* Starts an operation as soon as the fabric takes it. */
#define START(bench, call)                                                                         \
	do {                                                                                       \
		int started;                                                                       \
		UNTIL(bench, (started = (call)) != STRADS_AGAIN);                                  \
		if (started)                                                                       \
			return -1;                                                                 \
	} while (0)

static int
turn(struct bench *bench, uint64_t k)
{
	uint8_t *own = strads_region_base(bench->own);
	size_t bytes = 8 << k % 12;
	struct strads_counter counter = {0};

	START(bench, strads_put(bench->fabric, bench->peer, bench->open, 64, own, bytes, &counter));
	START(bench, strads_get(bench->fabric, bench->peer, bench->open, 64, own + BYTES / 2, bytes,
				&counter));
	UNTIL(bench, counter.done == counter.posted);
	START(bench,
	      strads_put_signal(bench->fabric, bench->peer, bench->open, 0, own, 8, k, &counter));
	UNTIL(bench, strads_signal_load(bench->open, 8) >= k);
	UNTIL(bench, counter.done == counter.posted);
	UNTIL(bench, strads_flush(bench->fabric, bench->peer) == STRADS_OK);
	return counter.status;
}

static int
run(struct bench *bench, const char *fabric)
{
	char title[64];
	int failed = 0;

	for (uint64_t k = 1; k <= WARM && !failed; k++)
		failed = turn(bench, k);
	quiet_begin();
	for (uint64_t k = WARM + 1; k <= WARM + ROUNDS && !failed; k++)
		failed = turn(bench, k);
	quiet_end();
	if (failed)
		return failed;
	snprintf(title, sizeof title, "%s, rank %d", fabric, 1 - bench->peer);
	if (!quiet_report(title, exceptions, sizeof exceptions / sizeof exceptions[0]))
		return strads_fail(STRADS_ERR_FABRIC, "the data path is not quiet");
	return 0;
}

static int
run_rank(struct strads_job *job, void *arg)
{
	struct strads_fabric_options options = {.fabric = arg};
	struct bench bench = {.peer = 1 - strads_job_rank(job)};
	int status = strads_fabric_open(job, &options, &bench.fabric);

	if (status == STRADS_ERR_UNSUPPORTED) {
		fprintf(stderr, "skipped: %s\n", strads_error());
		return SKIP;
	}
	if (!status)
		status = strads_region_new(bench.fabric, STRADS_REMOTE_READ | STRADS_REMOTE_WRITE,
					   BYTES, &bench.open);
	if (!status)
		status = strads_region_new(bench.fabric, STRADS_LOCAL, BYTES, &bench.own);
	if (!status)
		status = strads_fabric_wire(bench.fabric);
	if (!status)
		status = run(&bench, arg);
	if (status)
		fprintf(stderr, "rank %d: %s\n", 1 - bench.peer, strads_error());
	if (status || strads_job_barrier(job))
		strads_job_abort(job, STRADS_ERR_FABRIC);
	strads_region_delete(&bench.own);
	strads_region_delete(&bench.open);
	strads_fabric_close(&bench.fabric);
	return status ? 1 : 0;
}

int
main(int argc, char **argv)
{
	struct strads_job_options job = {.kind = STRADS_JOB_LOCAL, .ranks = 2, .timeout_ms = 60000};

	if (argc != 2) {
		fprintf(stderr, "usage: data_path FABRIC\n");
		return 64;
	}
	if (!quiet_works()) {
		fprintf(stderr, "the watch sees nothing\n");
		return 1;
	}
	return strads_job_run(&job, run_rank, argv[1]);
}

/* A rank gives up while both write to and read from each other: both must end by their own exit
 * code, and not be killed inside libfabric by what had come in part. */
#include "strads/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* after its requirements */
#include <cmocka.h>

#define BYTES   ((size_t)4 << 20)
#define SKIP    77
#define GAVE_UP 3 /* exit code of both ranks */

enum traffic { LONG_SIGNALS, SHORT_SIGNALS, GETS };

struct end {
	struct strads_fabric *fabric;
	struct strads_region *open;
	struct strads_region *own;
	int peer;
	uint64_t sent;
	struct strads_counter counter;
};

static int
start_one(struct end *end, enum traffic traffic)
{
	size_t bytes = traffic == SHORT_SIGNALS ? 8000 : BYTES;
	void *own = strads_region_base(end->own);
	int status;

	if (traffic == GETS)
		return strads_get(end->fabric, end->peer, end->open, 0, own, bytes, &end->counter);
	status = strads_put_signal(end->fabric, end->peer, end->open, 0, own, bytes, end->sent + 1,
				   &end->counter);
	end->sent += status == STRADS_OK;
	return status;
}

/* Keeps the network full: rank 0 for a while, rank 1 until it hears of the end. */
static int
run_traffic(struct end *end, enum traffic traffic)
{
	uint64_t now = strads_fabric_clock_ns(end->fabric);
	uint64_t until = now + (end->peer == 1 ? 200000000u : 20000000000u);
	int status = STRADS_OK;

	while (status >= 0 && strads_fabric_clock_ns(end->fabric) < until) {
		status = start_one(end, traffic);
		if (status >= 0)
			status = strads_fabric_progress(end->fabric);
	}
	return status;
}

static int
open_end(struct strads_job *job, struct end *end)
{
	struct strads_fabric_options options = {.fabric = "ofi"};
	int status = strads_fabric_open(job, &options, &end->fabric);

	if (!status)
		status = strads_region_new(end->fabric, STRADS_REMOTE_READ | STRADS_REMOTE_WRITE,
					   BYTES + sizeof(uint64_t), &end->open);
	if (!status)
		status = strads_region_new(end->fabric, STRADS_LOCAL, BYTES, &end->own);
	return status ? status : strads_fabric_wire(end->fabric);
}

static int
rank_main(struct strads_job *job, void *arg)
{
	const enum traffic *traffic = arg;
	struct end end = {.peer = 1 - strads_job_rank(job)};
	int status = open_end(job, &end);
	int code = status == STRADS_ERR_UNSUPPORTED ? SKIP : 1;

	if (!status) {
		status = run_traffic(&end, *traffic);
		if (end.peer == 1 && status == STRADS_OK)
			strads_job_abort(job, strads_fail(STRADS_ERR_INPUT, "bad input"));
		code = end.peer == 1 || status < 0 ? GAVE_UP : 1;
	}
	strads_region_delete(&end.own);
	strads_region_delete(&end.open);
	strads_fabric_close(&end.fabric);
	return code;
}

static void
run(enum traffic traffic)
{
	struct strads_job_options job = {.kind = STRADS_JOB_LOCAL, .ranks = 2, .timeout_ms = 20000};
	int code = 0;

	for (int turn = 0; turn < 3; turn++) {
		code = strads_job_run(&job, rank_main, &traffic);
		if (code == SKIP)
			skip();
		assert_int_equal(code, GAVE_UP);
	}
}

static void
close__with_long_signals_on_the_way(void **state)
{
	(void)state;
	run(LONG_SIGNALS);
}

static void
close__with_short_signals_on_the_way(void **state)
{
	(void)state;
	run(SHORT_SIGNALS);
}

static void
close__with_reads_on_the_way(void **state)
{
	(void)state;
	run(GETS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(close__with_long_signals_on_the_way),
	    cmocka_unit_test(close__with_short_signals_on_the_way),
	    cmocka_unit_test(close__with_reads_on_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

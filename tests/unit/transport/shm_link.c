/* How neighbours find each other over shared memory, whom they turn away, and how they part. Every
 * test is a job of two forked ranks; a rank whose check fails says so and exits with 1. */
#include "fabric.h"
#include "shm/shm.h"

#include "job/job.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: rank %d: %s does not hold (%s)\n", __FILE__,       \
				__LINE__, strads_job_rank(job), #condition, strads_error());       \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int
run(strads_rank_main *rank_main)
{
	struct strads_job_options options = {
	    .kind = STRADS_JOB_LOCAL, .ranks = 2, .timeout_ms = 20000};

	return strads_job_run(&options, rank_main, NULL);
}

/* ---- At the provider ---- */

/* A provider of this rank before it connects, and the addresses of both ranks. */
struct half {
	struct strads_fabric fabric;
	void *context;
	struct strads_address all[2];
};

static int
half_open(struct strads_job *job, struct half *half)
{
	struct strads_address mine;

	*half = (struct half){.fabric = {.job = job,
					 .rank = strads_job_rank(job),
					 .size = strads_job_size(job),
					 .timeout_ms = 20000}};
	EXPECT(strads_provider_shm.open(&half->fabric, NULL, &half->context) == STRADS_OK);
	memset(&mine, 0, sizeof mine);
	EXPECT(strads_provider_shm.address(half->context, &mine) == STRADS_OK);
	EXPECT(strads_job_allgather(job, &mine, sizeof mine, half->all) == STRADS_OK);
	return 0;
}

/* A socket that has dialled rank 0. */
static int
dial(const struct half *half)
{
	struct strads_shm_address address;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int used = 0;
	int dialled = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	memcpy(&address, half->all[0].data, sizeof address);
	used = snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "strads-");
	for (int i = 0; i < 16; i++)
		used += snprintf(at.sun_path + 1 + used, 3, "%02x", address.name[i]);
	if (connect(dialled, (struct sockaddr *)&at,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)used)))
		return -1;
	return dialled;
}

/* Whether the other end has hung up on a socket. */
static bool
hung_up_on(int dialled)
{
	char byte;
	ssize_t got = recv(dialled, &byte, 1, MSG_DONTWAIT);

	return got == 0 || (got < 0 && errno == ECONNRESET);
}

static int
strangers_among_neighbours(struct strads_job *job, void *arg)
{
	struct strads_shm_message greeting = {
	    .kind = STRADS_SHM_GREETING, .rank = 1, .cookie = job->cookie + 1};
	struct half half;
	int fds[2] = {0, 1};
	int strangers[4];

	(void)arg;
	EXPECT(half_open(job, &half) == 0);
	if (strads_job_rank(job) == 1) {
		for (int i = 0; i < 4; i++)
			EXPECT((strangers[i] = dial(&half)) >= 0);
		/* strangers[0] never says a word */
		EXPECT(send(strangers[1], "mangled", 7, 0) == 7);
		EXPECT(strads_shm_send(strangers[2], &greeting, fds, 2) == STRADS_OK);
		greeting.cookie = job->cookie;
		greeting.rank = 2;
		EXPECT(strads_shm_send(strangers[3], &greeting, fds, 2) == STRADS_OK);
	}
	EXPECT(strads_job_barrier(job) == STRADS_OK);
	EXPECT(strads_provider_shm.connect(half.context, half.all) == STRADS_OK);
	EXPECT(strads_provider_shm.reaches(half.context, 1 - half.fabric.rank));
	EXPECT(strads_job_barrier(job) == STRADS_OK);
	for (int i = 0; half.fabric.rank == 1 && i < 4; i++) {
		EXPECT(hung_up_on(strangers[i]));
		close(strangers[i]);
	}
	strads_provider_shm.close(half.context);
	return 0;
}

static void
connect__strangers_are_hung_up_on(void **state)
{
	(void)state;
	assert_int_equal(run(strangers_among_neighbours), 0);
}

static int
proof_of_another(struct strads_job *job, void *arg)
{
	struct strads_shm_address address;
	struct half half;

	(void)arg;
	EXPECT(half_open(job, &half) == 0);
	if (half.fabric.rank == 1) {
		memcpy(&address, half.all[0].data, sizeof address);
		address.proof[5] ^= 1;
		memcpy(half.all[0].data, &address, sizeof address);
	}
	EXPECT(strads_provider_shm.connect(half.context, half.all) == STRADS_OK);
	EXPECT(!strads_provider_shm.reaches(half.context, 1 - half.fabric.rank));
	strads_provider_shm.close(half.context);
	return 0;
}

static void
connect__wrong_proof_is_no_path_for_either(void **state)
{
	(void)state;
	assert_int_equal(run(proof_of_another), 0);
}

static int
nobody_listens(struct strads_job *job, void *arg)
{
	struct strads_shm_address address;
	struct half half;

	(void)arg;
	EXPECT(half_open(job, &half) == 0);
	memcpy(&address, half.all[0].data, sizeof address);
	address.name[5] ^= 1; /* as on another host */
	memcpy(half.all[0].data, &address, sizeof address);
	EXPECT(strads_provider_shm.connect(half.context, half.all) == STRADS_OK);
	EXPECT(!strads_provider_shm.reaches(half.context, 1 - half.fabric.rank));
	strads_provider_shm.close(half.context);
	return 0;
}

static void
connect__unknown_name_is_no_path(void **state)
{
	(void)state;
	assert_int_equal(run(nobody_listens), 0);
}

/* Rank 1 gives up while rank 0 waits for its part of a region, and is gone before its reason comes.
 */
static int
gone_before_its_reason(struct strads_job *job, void *arg)
{
	struct strads_region_key keys[2] = {{.bytes = 64}, {.bytes = 64}};
	struct strads_region region = {.access = STRADS_REMOTE_WRITE, .bytes = 64};
	struct timespec pause = {.tv_nsec = 100000000};
	struct half half;

	(void)arg;
	EXPECT(half_open(job, &half) == 0);
	EXPECT(strads_provider_shm.connect(half.context, half.all) == STRADS_OK);
	EXPECT(strads_job_barrier(job) == STRADS_OK);
	if (half.fabric.rank == 1) {
		strads_provider_shm.close(half.context);
		nanosleep(&pause, NULL);
		strads_job_abort(job, strads_fail(STRADS_ERR_INPUT, "line 7 is no good"));
		return 0;
	}
	EXPECT(strads_segment_map(64, true, true, STRADS_HUGE_NONE, &region.segment) == STRADS_OK);
	EXPECT(strads_provider_shm.region_attach(half.context, &region, keys) ==
	       STRADS_ERR_ABORTED);
	EXPECT(strstr(strads_error(), "rank 1 gave up: line 7 is no good"));
	strads_provider_shm.region_release(half.context, &region);
	strads_segment_unmap(&region.segment);
	strads_provider_shm.close(half.context);
	return 0;
}

static void
region_attach__from_one_that_gives_up_is_known_as_that(void **state)
{
	(void)state;
	assert_int_equal(run(gone_before_its_reason), 0);
}

/* ---- At the fabric ---- */

static int
no_shared_host(struct strads_job *job, void *arg)
{
	struct strads_fabric_options options = {.fabric = "shm:1"};
	struct strads_fabric *fabric = NULL;

	(void)arg;
	EXPECT(strads_fabric_open(job, &options, &fabric) == STRADS_ERR_UNSUPPORTED);
	EXPECT(fabric == NULL);
	EXPECT(strstr(strads_error(), "no path from rank 0 to rank 1"));
	return 0;
}

static void
fabric_open__without_a_path_names_the_ranks(void **state)
{
	(void)state;
	assert_int_equal(run(no_shared_host), 0);
}

static int
options_that_differ(struct strads_job *job, void *arg)
{
	struct strads_fabric_options options = {.fabric = strads_job_rank(job) ? "shm" : "auto"};
	struct strads_fabric *fabric = NULL;

	(void)arg;
	EXPECT(strads_fabric_open(job, &options, &fabric) == STRADS_ERR_ARGUMENT);
	EXPECT(strstr(strads_error(), "rank 1"));
	options.fabric = "sim";
	EXPECT(strads_fabric_open(job, &options, &fabric) == STRADS_ERR_ARGUMENT);
	options.fabric = "shm:many";
	EXPECT(strads_fabric_open(job, &options, &fabric) == STRADS_ERR_ARGUMENT);
	return 0;
}

static void
fabric_open__options_that_differ_or_mean_nothing_are_refused(void **state)
{
	(void)state;
	assert_int_equal(run(options_that_differ), 0);
}

/* Progress of rank 0 for a while, however it ends. */
static int
progress_for_ms(struct strads_fabric *fabric, uint64_t ms)
{
	uint64_t until = strads_fabric_clock_ns(fabric) + ms * 1000000u;
	int status = STRADS_OK;

	while (!status && strads_fabric_clock_ns(fabric) < until) {
		status = strads_fabric_progress(fabric);
		strads_fabric_wait(fabric, until);
	}
	strads_fabric_awake(fabric);
	return status;
}

static int
one_leaves(struct strads_job *job, void *arg)
{
	struct strads_fabric_options options = {.fabric = "shm"};
	struct strads_fabric *fabric = NULL;
	struct strads_region *region = NULL;

	(void)arg;
	EXPECT(strads_fabric_open(job, &options, &fabric) == STRADS_OK);
	EXPECT(strads_region_new(fabric, STRADS_REMOTE_WRITE, 64, &region) == STRADS_OK);
	EXPECT(strads_fabric_wire(fabric) == STRADS_OK);
	if (strads_job_rank(job) == 1) {
		strads_region_delete(&region);
		strads_fabric_close(&fabric);
	}
	EXPECT(strads_job_barrier(job) == STRADS_OK);
	if (strads_job_rank(job) == 0) {
		EXPECT(progress_for_ms(fabric, 50) == STRADS_OK);
		EXPECT(strads_put_signal(fabric, 1, region, 0, NULL, 0, 1, NULL) ==
		       STRADS_ERR_PEER);
		EXPECT(strstr(strads_error(), "rank 1 has closed its fabric"));
		strads_region_delete(&region);
		strads_fabric_close(&fabric);
	}
	EXPECT(strads_job_barrier(job) == STRADS_OK);
	return 0;
}

static void
fabric_close__is_no_death_to_the_others(void **state)
{
	(void)state;
	assert_int_equal(run(one_leaves), 0);
}

static const struct strads_job_ops *true_ops;

/* The job of this rank, whose news take a tenth of a second. */
static int
check_late(struct strads_job *job)
{
	static uint64_t known_ns;
	int status = true_ops->check(job);

	if (status && known_ns == 0)
		known_ns = strads_monotone_ns();
	return strads_monotone_ns() < known_ns + 100000000 ? STRADS_OK : status;
}

/* Rank 1 gives up and closes its fabric, which rank 0 notices before it has heard why. */
static int
one_gives_up(struct strads_job *job, void *arg)
{
	struct strads_fabric_options options = {.fabric = "shm"};
	struct strads_fabric *fabric = NULL;
	struct strads_region *region = NULL;
	struct strads_job_ops late_ops = *job->ops;
	int status = STRADS_OK;

	EXPECT(strads_fabric_open(job, &options, &fabric) == STRADS_OK);
	EXPECT(strads_region_new(fabric, STRADS_REMOTE_WRITE, 64, &region) == STRADS_OK);
	EXPECT(strads_fabric_wire(fabric) == STRADS_OK);
	if (strads_job_rank(job) == 1) {
		strads_job_abort(job, strads_fail(STRADS_ERR_INPUT, "line 7 is no good"));
	} else {
		true_ops = job->ops;
		late_ops.check = check_late;
		job->ops = &late_ops;
		while (!status) {
			status = strads_fabric_progress(fabric);
			if (!status)
				status = strads_put_signal(fabric, 1, region, 0, NULL, 0, 1, NULL);
		}
		job->ops = true_ops;
		EXPECT(status == STRADS_ERR_ABORTED);
		EXPECT(strstr(strads_error(), "rank 1 gave up: line 7 is no good"));
	}
	(void)arg;
	strads_region_delete(&region);
	strads_fabric_close(&fabric);
	return 0;
}

static void
fabric_close__after_giving_up_is_known_as_that(void **state)
{
	(void)state;
	assert_int_equal(run(one_gives_up), 0);
}

/* Many signals into one sleep: one doorbell. */
static int
signals_to_a_sleeper(struct strads_job *job, void *arg)
{
	struct strads_fabric_options options = {.fabric = "shm"};
	struct strads_fabric *fabric = NULL;
	struct strads_region *region = NULL;
	struct strads_fabric_stats stats;
	struct timespec pause = {.tv_nsec = 100000000};

	(void)arg;
	EXPECT(strads_fabric_open(job, &options, &fabric) == STRADS_OK);
	EXPECT(strads_region_new(fabric, STRADS_REMOTE_WRITE, 64, &region) == STRADS_OK);
	EXPECT(strads_fabric_wire(fabric) == STRADS_OK);
	if (strads_job_rank(job) == 0) {
		nanosleep(&pause, NULL);
		for (uint64_t value = 1; value <= 1000; value++)
			EXPECT(strads_put_signal(fabric, 1, region, 0, NULL, 0, value, NULL) ==
			       STRADS_OK);
		strads_fabric_stats(fabric, &stats);
		EXPECT(stats.operations[STRADS_OP_PUT_SIGNAL] == 1000);
		EXPECT(stats.bytes[STRADS_OP_PUT_SIGNAL] == 8000);
		EXPECT(stats.doorbells < 1000);
	} else {
		while (strads_signal_load(region, 0) < 1000) {
			EXPECT(strads_fabric_progress(fabric) == STRADS_OK);
			strads_fabric_wait(fabric, UINT64_MAX);
		}
		strads_fabric_awake(fabric);
	}
	EXPECT(strads_job_barrier(job) == STRADS_OK);
	strads_region_delete(&region);
	strads_fabric_close(&fabric);
	return 0;
}

static void
put_signal__rings_a_sleeper_once(void **state)
{
	(void)state;
	assert_int_equal(run(signals_to_a_sleeper), 0);
}

/* Rank 1's signal comes when rank 0 has said that it will sleep, and before rank 0 last looks after
 * its peers: the sleep ends at once. */
static int
signal_before_the_sleep(struct strads_job *job, void *arg)
{
	struct strads_fabric_options options = {.fabric = "shm"};
	struct strads_fabric *fabric = NULL;
	struct strads_region *region = NULL;
	uint64_t begin, until;

	(void)arg;
	EXPECT(strads_fabric_open(job, &options, &fabric) == STRADS_OK);
	EXPECT(strads_region_new(fabric, STRADS_REMOTE_WRITE, 64, &region) == STRADS_OK);
	EXPECT(strads_fabric_wire(fabric) == STRADS_OK);
	while (strads_job_rank(job) == 0 && !fabric->wait.armed)
		strads_fabric_wait(fabric, UINT64_MAX);
	EXPECT(strads_job_barrier(job) == STRADS_OK);
	if (strads_job_rank(job) == 1)
		EXPECT(strads_put_signal(fabric, 0, region, 0, NULL, 0, 1, NULL) == STRADS_OK);
	EXPECT(strads_job_barrier(job) == STRADS_OK);
	if (strads_job_rank(job) == 0) {
		begin = strads_monotone_ns();
		while (strads_monotone_ns() < begin + 50000000)
			EXPECT(strads_fabric_progress(fabric) == STRADS_OK);
		until = strads_monotone_ns() + 10000000000u;
		strads_fabric_wait(fabric, until);
		EXPECT(strads_monotone_ns() < until);
		strads_fabric_awake(fabric);
	}
	EXPECT(strads_job_barrier(job) == STRADS_OK);
	strads_region_delete(&region);
	strads_fabric_close(&fabric);
	return 0;
}

static void
fabric_wait__signal_before_the_sleep_ends_it(void **state)
{
	(void)state;
	assert_int_equal(run(signal_before_the_sleep), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(connect__strangers_are_hung_up_on),
	    cmocka_unit_test(connect__wrong_proof_is_no_path_for_either),
	    cmocka_unit_test(connect__unknown_name_is_no_path),
	    cmocka_unit_test(region_attach__from_one_that_gives_up_is_known_as_that),
	    cmocka_unit_test(fabric_open__without_a_path_names_the_ranks),
	    cmocka_unit_test(fabric_open__options_that_differ_or_mean_nothing_are_refused),
	    cmocka_unit_test(fabric_close__is_no_death_to_the_others),
	    cmocka_unit_test(fabric_close__after_giving_up_is_known_as_that),
	    cmocka_unit_test(put_signal__rings_a_sleeper_once),
	    cmocka_unit_test(fabric_wait__signal_before_the_sleep_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

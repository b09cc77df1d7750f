#include "ofi_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

struct run {
	pair_test *test;
	atomic_int passed;
	atomic_int skipped;
};

static int
open_pair(struct pair *pair)
{
	struct strads_fabric_options options = {.fabric = "ofi"};
	int status = strads_fabric_open(pair->job, &options, &pair->fabric);

	if (status)
		return status;
	pair->ofi = pair->fabric->endpoints[0].context;
	status = strads_region_new(pair->fabric, STRADS_REMOTE_READ | STRADS_REMOTE_WRITE,
				   PAIR_BYTES, &pair->open);
	if (!status)
		status = strads_region_new(pair->fabric, STRADS_LOCAL, PAIR_BYTES, &pair->own);
	return status ? status : strads_fabric_wire(pair->fabric);
}

static int
rank_main(struct strads_job *job, void *arg)
{
	struct run *run = arg;
	struct pair pair = {
	    .job = job, .rank = strads_job_rank(job), .peer = 1 - strads_job_rank(job)};
	int status = open_pair(&pair);

	if (status == STRADS_ERR_UNSUPPORTED) {
		fprintf(stderr, "skipped: %s\n", strads_error());
		run->skipped++;
	} else if (status) {
		fprintf(stderr, "rank %d: %s\n", pair.rank, strads_error());
	} else if (run->test(&pair) == 0) {
		run->passed++;
		if (strads_job_barrier(job) != STRADS_OK) /* the other may be dead */
			fprintf(stderr, "rank %d is alone\n", pair.rank);
	} else {
		strads_job_abort(job, STRADS_ERR_PROTOCOL);
	}
	strads_region_delete(&pair.own);
	strads_region_delete(&pair.open);
	strads_fabric_close(&pair.fabric);
	return status ? 1 : 0;
}

bool
pair_run(pair_test *test, bool dies)
{
	struct strads_job_options options = {
	    .kind = STRADS_JOB_LOCAL, .ranks = 2, .timeout_ms = 20000};
	struct run *run =
	    mmap(NULL, sizeof *run, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool passed;

	if (run == MAP_FAILED)
		return false;
	run->test = test;
	(void)strads_job_run(&options, rank_main, run);
	if (run->skipped > 0)
		exit(77);
	passed = run->passed == (dies ? 1 : 2);
	munmap(run, sizeof *run);
	return passed;
}

bool
pair_until(struct pair *pair, bool (*condition)(struct pair *, void *), void *arg)
{
	uint64_t deadline = strads_monotone_ns() + PAIR_DEADLINE_NS;

	while (!condition(pair, arg)) {
		if (strads_provider_ofi.progress(pair->ofi) < 0 || strads_monotone_ns() > deadline)
			return false;
	}
	return true;
}

static bool
is_complete(struct pair *pair, void *arg)
{
	const struct strads_counter *counter = arg;

	(void)pair;
	return counter->done == counter->posted;
}

bool
pair_complete(struct pair *pair, struct strads_counter *counter)
{
	return pair_until(pair, is_complete, counter);
}

struct word {
	size_t offset;
	uint64_t value;
};

static bool
has_come(struct pair *pair, void *arg)
{
	const struct word *word = arg;
	bool told;

	strads_baton_wait(&pair->ofi->baton);
	told = !pair->ofi->first_telling;
	strads_baton_pass(&pair->ofi->baton);
	return told && strads_signal_load(pair->open, word->offset) >= word->value;
}

bool
pair_await(struct pair *pair, size_t offset, uint64_t value)
{
	struct word word = {offset, value};

	return pair_until(pair, has_come, &word);
}

int
pair_signal(struct pair *pair, size_t offset, size_t bytes, uint64_t value,
	    struct strads_counter *counter)
{
	return PAIR_RETRY(pair,
			  strads_put_signal(pair->fabric, pair->peer, pair->open, offset,
					    strads_region_base(pair->own), bytes, value, counter));
}

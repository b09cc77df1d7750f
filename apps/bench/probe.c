#include "probe.h"

#include "environment.h"
#include "mesh.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE       4096
#define AWAY_NS     200000000 /* that the target calls nothing */
#define WITHIN_NS   100000000 /* what comes in this time came without the target's help */
#define PATIENCE_NS UINT64_C(2000000000)
#define TRIES       200
#define PUTS        32 /* before a signal */

/* Both ranks of an experiment. */
struct lab {
	struct strads_fabric *fabric;
	struct strads_job *job;
	struct strads_probe *probe;
	int rank;
	struct strads_fabric_info info;
	struct strads_mesh mesh;
	struct strads_region *open;   /* peers write: PUTS lines, then a word */
	struct strads_region *closed; /* peers may only read */
	struct strads_region *own;
};

/* What rank 1 tells of an experiment. */
struct sight {
	bool seen;
	uint64_t count;
};

STRADS_PRINTF(5, 6)
static void
note(struct lab *lab, const char *name, const char *advertised, int verdict, const char *format,
     ...)
{
	struct strads_probe *probe = lab->probe;
	struct strads_finding *finding = &probe->finding[probe->count];
	va_list values;

	if (lab->rank != 0 || probe->count == STRADS_FINDINGS_MAX)
		return;
	probe->count++;
	snprintf(finding->name, sizeof finding->name, "%s", name);
	snprintf(finding->advertised, sizeof finding->advertised, "%s", advertised);
	finding->verdict = verdict;
	va_start(values, format);
	vsnprintf(finding->found, sizeof finding->found, format, values);
	va_end(values);
}

/* ---- Regions and turns ---- */

static _Atomic uint64_t *
word_at(struct strads_region *region, size_t offset)
{
	return (_Atomic uint64_t *)(void *)((uint8_t *)strads_region_base(region) + offset);
}

static uint64_t
now_ns(struct lab *lab)
{
	return strads_fabric_clock_ns(lab->fabric);
}

/* Rank 1 tells rank 0 what it saw, over the control channel, and so they meet. What was not
 * complete in time is then, so that its counter may go. */
static int
compare(struct lab *lab, struct sight *sight)
{
	void *all;
	int status = strads_job_gather(lab->job, STRADS_OK, sight, sizeof *sight, &all);

	if (status)
		return status;
	*sight = ((const struct sight *)all)[1];
	free(all);
	return strads_mesh_flush(&lab->mesh);
}

static int
put_word(struct lab *lab, size_t offset, uint64_t value, struct strads_counter *counter)
{
	int status;

	atomic_store(word_at(lab->own, offset), value);
	while ((status = strads_put(lab->fabric, 1, lab->open, offset,
				    (uint8_t *)strads_region_base(lab->own) + offset, sizeof value,
				    counter)) == STRADS_AGAIN) {
		status = strads_fabric_progress(lab->fabric);
		if (status)
			return status;
	}
	return status;
}

/* How long it takes until the counter's operations are done; at most PATIENCE_NS. */
static int
time_counter(struct lab *lab, const struct strads_counter *counter, uint64_t *ns)
{
	uint64_t start = now_ns(lab);
	int status = STRADS_OK;

	while (!status && counter->done < counter->posted && now_ns(lab) - start < PATIENCE_NS) {
		status = strads_fabric_progress(lab->fabric);
		if (!status && counter->done < counter->posted)
			strads_fabric_wait(lab->fabric, start + PATIENCE_NS);
	}
	strads_fabric_awake(lab->fabric);
	*ns = now_ns(lab) - start;
	return status ? status : counter->status;
}

/* Rank 1: calls nothing of the fabric that moves anything, and looks at a word, until it is there
 * or the time is up. */
static bool
stare(struct lab *lab, struct strads_region *region, size_t offset, uint64_t value)
{
	uint64_t until = now_ns(lab) + AWAY_NS;
	bool seen = false;

	while (now_ns(lab) < until) {
		seen = seen || strads_signal_load(region, offset) == value;
		strads_fabric_charge(lab->fabric, 1000);
	}
	return seen;
}

/* ---- A target that is away ---- */

static const char *
advertised_passive(const struct lab *lab)
{
	return lab->info.passive_target ? "the target need not call"
					: "only while the target calls";
}

static int
verdict_passive(const struct lab *lab, bool alone)
{
	return alone == lab->info.passive_target ? STRADS_AS_SAID : STRADS_NOT_AS_SAID;
}

static int
passive_put(struct lab *lab)
{
	struct strads_counter counter = {0};
	struct sight sight = {0};
	uint64_t ns = 0;
	int status = strads_mesh_meet(&lab->mesh);

	if (!status && lab->rank == 0) {
		status = put_word(lab, 0, 1, &counter);
		if (!status)
			status = time_counter(lab, &counter, &ns);
	}
	if (!status && lab->rank == 1)
		sight.seen = stare(lab, lab->open, 0, 1);
	if (!status)
		status = compare(lab, &sight);
	if (!status)
		note(lab, "put, target away", advertised_passive(lab),
		     verdict_passive(lab, sight.seen && ns < WITHIN_NS),
		     "complete after %.1f us; in memory before the target called: %s",
		     (double)ns * 1e-3, sight.seen ? "yes" : "no");
	return status;
}

static int
passive_signal(struct lab *lab)
{
	struct strads_counter counter = {0};
	struct sight sight = {0};
	uint64_t ns = 0;
	int status = strads_mesh_meet(&lab->mesh);

	if (!status && lab->rank == 0) {
		status = strads_put_signal(lab->fabric, 1, lab->open, PUTS * sizeof(uint64_t), NULL,
					   0, 1, &counter);
		if (!status)
			status = time_counter(lab, &counter, &ns);
	}
	if (!status && lab->rank == 1)
		sight.seen = stare(lab, lab->open, PUTS * sizeof(uint64_t), 1);
	if (!status)
		status = compare(lab, &sight);
	if (!status)
		note(lab, "signal, target away", advertised_passive(lab),
		     verdict_passive(lab, sight.seen),
		     "complete after %.1f us; seen by a target that only looks: %s",
		     (double)ns * 1e-3, sight.seen ? "yes" : "no");
	return status;
}

static int
passive_get(struct lab *lab)
{
	struct strads_counter counter = {0};
	struct sight sight = {0};
	uint64_t ns = 0;
	int status = strads_mesh_meet(&lab->mesh);

	if (!status && lab->rank == 0) {
		status = strads_get(lab->fabric, 1, lab->closed, 0, strads_region_base(lab->own),
				    sizeof(uint64_t), &counter);
		if (!status)
			status = time_counter(lab, &counter, &ns);
	}
	if (!status && lab->rank == 1)
		sight.seen = stare(lab, lab->closed, 0, 0);
	if (!status)
		status = compare(lab, &sight);
	if (!status)
		note(lab, "get, target away", advertised_passive(lab),
		     verdict_passive(lab, ns < WITHIN_NS), "complete after %.1f us, %s",
		     (double)ns * 1e-3,
		     ns < WITHIN_NS ? "the target still away" : "once the target was back");
	return status;
}

/* ---- What a completion means ---- */

/* Rank 0 tells over the control channel that its put is complete; rank 1 looks before it calls
 * anything of the fabric. */
static int
completion(struct lab *lab)
{
	struct sight sight = {0};
	int status = strads_mesh_meet(&lab->mesh);

	for (uint64_t k = 1; k <= TRIES && !status; k++) {
		struct strads_counter counter = {0};

		if (lab->rank == 0) {
			status = put_word(lab, 8, k, &counter);
			if (!status)
				status = strads_counter_wait(lab->fabric, &counter);
		}
		if (!status)
			status = strads_job_barrier(lab->job);
		if (!status && lab->rank == 1)
			sight.count += strads_signal_load(lab->open, 8) == k;
		if (!status)
			status = strads_job_barrier(lab->job);
	}
	if (!status)
		status = compare(lab, &sight);
	if (!status)
		note(lab, "completed put", lab->info.completion,
		     sight.count == TRIES ? STRADS_AS_SAID : STRADS_NOT_AS_SAID,
		     "in the target's memory at once: %llu of %d times",
		     (unsigned long long)sight.count, TRIES);
	return status;
}

/* ---- Order ---- */

/* PUTS words, then the signal; rank 1 looks at the words when it sees the signal. */
static int
signal_order(struct lab *lab)
{
	const size_t word = PUTS * sizeof(uint64_t);
	struct sight sight = {0};
	int status = strads_mesh_meet(&lab->mesh);

	for (uint64_t k = 2; k < TRIES + 2 && !status; k++) {
		struct strads_counter counter = {0};
		bool all = true;

		for (size_t i = 0; lab->rank == 0 && i < PUTS && !status; i++)
			status = put_word(lab, i * sizeof k, k, &counter);
		if (!status && lab->rank == 0) {
			while ((status = strads_put_signal(lab->fabric, 1, lab->open, word, NULL, 0,
							   k, &counter)) == STRADS_AGAIN)
				if (strads_fabric_progress(lab->fabric))
					break;
			if (!status)
				status = strads_counter_wait(lab->fabric, &counter);
		} else if (!status && lab->rank == 1) {
			status = strads_signal_wait(lab->fabric, lab->open, word, k);
			for (size_t i = 0; i < PUTS; i++)
				all = all && strads_signal_load(lab->open, i * sizeof k) >= k;
			sight.count += all;
		}
	}
	if (!status)
		status = compare(lab, &sight);
	if (!status)
		note(lab, "signal behind puts", "what was put before is seen with it",
		     sight.count == TRIES ? STRADS_AS_SAID : STRADS_NOT_AS_SAID,
		     "all of %d puts there when the signal was: %llu of %d times", PUTS,
		     (unsigned long long)sight.count, TRIES);
	return status;
}

/* Two puts in a row; rank 1 watches whether the second is ever there without the first. */
static int
put_order(struct lab *lab)
{
	struct sight sight = {0};
	int status = strads_mesh_meet(&lab->mesh);

	for (uint64_t k = 1000; k < 1000 + TRIES && !status; k++) {
		struct strads_counter counter = {0};

		if (lab->rank == 0) {
			status = put_word(lab, 0, k, &counter);
			if (!status)
				status = put_word(lab, 128, k, &counter);
			if (!status)
				status = strads_counter_wait(lab->fabric, &counter);
		} else if (lab->rank == 1) {
			status = strads_signal_wait(lab->fabric, lab->open, 128, k);
			sight.count += strads_signal_load(lab->open, 0) < k;
		}
	}
	if (!status)
		status = compare(lab, &sight);
	if (!status)
		note(lab, "put behind put", "no order without a signal", STRADS_UNSAID,
		     "the second was seen without the first: %llu of %d times",
		     (unsigned long long)sight.count, TRIES);
	return status;
}

/* ---- What is refused ---- */

static int
refusals(struct lab *lab)
{
	struct strads_counter counter = {0};
	void *from = strads_region_base(lab->own);
	struct sight sight = {0};
	int beyond = STRADS_OK, forbidden = STRADS_OK, status;

	if (lab->rank == 0) {
		beyond = strads_put(lab->fabric, 1, lab->open, PIECE - 4, from, 8, &counter);
		forbidden = strads_put(lab->fabric, 1, lab->closed, 0, from, 8, &counter);
	}
	note(lab, "put beyond the region", "refused",
	     beyond == STRADS_ERR_BOUNDS ? STRADS_AS_SAID : STRADS_NOT_AS_SAID,
	     "%s, before anything was sent", strads_status_name(beyond));
	note(lab, "put where peers only read", "refused",
	     forbidden == STRADS_ERR_ACCESS ? STRADS_AS_SAID : STRADS_NOT_AS_SAID,
	     "%s, before anything was sent", strads_status_name(forbidden));
	status = strads_mesh_meet(&lab->mesh);
	return status ? status : compare(lab, &sight);
}

static int
atomics(struct lab *lab)
{
	struct strads_counter counter = {0};
	uint64_t *old = strads_region_base(lab->own);
	int first = STRADS_OK, status = strads_mesh_meet(&lab->mesh);
	struct sight sight = {0};

	*old = 7;
	if (!status && lab->rank == 0) {
		first = strads_fetch_add(lab->fabric, 1, lab->open, 2048, 5, old, &counter);
		if (first == STRADS_OK)
			status = strads_counter_wait(lab->fabric, &counter);
	}
	if (!status)
		status = strads_mesh_meet(&lab->mesh);
	if (!status) {
		sight.count = strads_signal_load(lab->open, 2048);
		status = compare(lab, &sight);
	}
	if (status)
		return status;
	if (first)
		note(lab, "fetch and add", lab->info.fetch_add ? "there is one" : "none",
		     lab->info.fetch_add ? STRADS_NOT_AS_SAID : STRADS_AS_SAID, "%s",
		     strads_status_name(first));
	else
		note(lab, "fetch and add", lab->info.fetch_add ? "there is one" : "none",
		     *old == 0 && sight.count == 5 ? STRADS_AS_SAID : STRADS_NOT_AS_SAID,
		     "0 + 5: told %llu, left %llu", (unsigned long long)*old,
		     (unsigned long long)sight.count);
	return STRADS_OK;
}

/* ---- The whole ---- */

static int
lab_open(struct lab *lab)
{
	int status = strads_mesh_open(&lab->mesh, lab->fabric);

	if (!status)
		status = strads_region_new(lab->fabric, STRADS_REMOTE_WRITE, PIECE, &lab->open);
	if (!status)
		status = strads_region_new(lab->fabric, STRADS_REMOTE_READ, PIECE, &lab->closed);
	if (!status)
		status = strads_region_new(lab->fabric, STRADS_LOCAL, PIECE, &lab->own);
	status = strads_job_agree(lab->job, status);
	return status ? status : strads_fabric_wire(lab->fabric);
}

static void
lab_close(struct lab *lab)
{
	strads_region_delete(&lab->own);
	strads_region_delete(&lab->closed);
	strads_region_delete(&lab->open);
	strads_mesh_close(&lab->mesh);
}

static struct lab
lab_of(struct strads_fabric *fabric, struct strads_probe *probe)
{
	struct lab lab = {.fabric = fabric,
			  .job = strads_fabric_job(fabric),
			  .probe = probe,
			  .rank = strads_job_rank(strads_fabric_job(fabric))};

	strads_fabric_query(fabric, lab.rank == 0, &lab.info);
	return lab;
}

static void
keep_environment(struct lab *lab, json_t *about)
{
	struct strads_bench bench = {.team = {.rank = 0, .size = strads_job_size(lab->job)},
				     .fabric = lab->fabric};
	json_t *all = strads_bench_environment(&bench, "off", about);
	char *text = all ? json_dumps(all, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	snprintf(lab->probe->environment, sizeof lab->probe->environment, "%s", text ? text : "{}");
	free(text);
	json_decref(all);
}

int
strads_probe_run(struct strads_fabric *fabric, json_t *about, struct strads_probe *probe)
{
	static int (*const experiments[])(struct lab *) = {passive_put, passive_signal, passive_get,
							   completion,  signal_order,   put_order,
							   refusals,    atomics};
	struct lab lab = lab_of(fabric, probe);
	int status = STRADS_OK;

	if (strads_job_size(lab.job) < 2)
		return strads_fail(STRADS_ERR_INPUT, "probe takes at least 2 ranks: give --ranks "
						     "2, or start it with mpirun or srun");
	status = lab_open(&lab);
	for (size_t i = 0; i < sizeof experiments / sizeof *experiments && !status; i++)
		status = experiments[i](&lab);
	if (!status && lab.rank == 0) {
		keep_environment(&lab, about);
		probe->ranks = strads_job_size(lab.job);
		probe->local = strcmp(strads_job_kind_name(lab.job), "local") == 0;
		probe->filled = true;
	}
	if (!status)
		status = strads_job_barrier(lab.job);
	else
		strads_job_abort(lab.job, status);
	lab_close(&lab);
	return status;
}

/* Puts until one fails: what rank 0 sees of the other's end. */
static int
put_until_failure(struct lab *lab, uint64_t *ns)
{
	uint64_t start = now_ns(lab), patience_ns = 10 * PATIENCE_NS;
	int status = STRADS_OK;

	while (!status && now_ns(lab) - start < patience_ns) {
		struct strads_counter counter = {0};

		status = put_word(lab, 0, 1, &counter);
		if (!status)
			status = strads_counter_wait(lab->fabric, &counter);
		if (!status)
			status = strads_fabric_progress(lab->fabric);
	}
	*ns = now_ns(lab) - start;
	return status;
}

void
strads_probe_death(struct strads_fabric *fabric, struct strads_probe *probe)
{
	struct lab lab = lab_of(fabric, probe);
	uint64_t ns = 0;
	int status = lab_open(&lab);

	if (!status)
		status = strads_mesh_meet(&lab.mesh);
	if (!status && lab.rank == 1)
		kill(getpid(), SIGKILL);
	if (!status && lab.rank == 0) {
		status = put_until_failure(&lab, &ns);
		note(&lab, "rank 1 killed", "an error within a deadline",
		     status == STRADS_ERR_PEER ? STRADS_AS_SAID : STRADS_NOT_AS_SAID,
		     "%s after %.1f ms: %s", strads_status_name(status), (double)ns * 1e-6,
		     status ? strads_error() : "puts went on completing");
	}
	lab_close(&lab);
}

/* ---- Its memory ---- */

int
strads_probe_new(struct strads_probe **probe)
{
	void *at =
	    mmap(NULL, sizeof **probe, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the probe's findings");
	*probe = at;
	return STRADS_OK;
}

void
strads_probe_delete(struct strads_probe **probe)
{
	if (*probe)
		munmap(*probe, sizeof **probe);
	*probe = NULL;
}

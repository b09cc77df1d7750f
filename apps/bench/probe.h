/*
 * `strads bench probe`: what a provider really does, found by experiment and set beside what it
 * advertises. Every experiment has a deadline.
 */
#ifndef STRADS_BENCH_PROBE_H
#define STRADS_BENCH_PROBE_H

#include "bench.h"

#define STRADS_FINDINGS_MAX 16

enum strads_verdict {
	STRADS_AS_SAID,     /* as advertised */
	STRADS_NOT_AS_SAID, /* otherwise */
	STRADS_UNSAID,      /* nothing is advertised, or nothing was found out */
};

struct strads_finding {
	char name[32];
	char advertised[96];
	char found[224];
	int verdict; /* enum strads_verdict */
};

/* What came of the experiments. Lies in memory that the ranks of a local job share with the process
 * that started them. */
struct strads_probe {
	bool filled; /* by rank 0 */
	bool local;  /* the job's processes are children of the one that started it */
	int ranks;
	int count;
	struct strads_finding finding[STRADS_FINDINGS_MAX];
	char environment[8192]; /* an object of JSON */
};

/* Maps an empty one. Returns STRADS_OK, ERR_MEMORY. Thread: main, before there are ranks. */
STRADS_MUST_CHECK int strads_probe_new(struct strads_probe **probe);
void strads_probe_delete(struct strads_probe **probe);

/* The experiments that a job survives, between ranks 0 and 1; collective. Returns STRADS_OK
 * whatever they show, ERR_INPUT (fewer than 2 ranks), or why they could not be made. `about` as of
 * strads_bench_run. Thread: owner. */
STRADS_MUST_CHECK int strads_probe_run(struct strads_fabric *fabric, json_t *about,
				       struct strads_probe *probe);

/* The experiment that a job does not survive: rank 1 kills itself, rank 0 notes what it sees of it.
 * Never returns on rank 1. Thread: owner. */
void strads_probe_death(struct strads_fabric *fabric, struct strads_probe *probe);

/* Prints on stdout. Returns STRADS_OK, ERR_IO, ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_probe_print(const struct strads_probe *probe, int format);

#endif

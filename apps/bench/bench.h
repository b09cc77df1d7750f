/*
 * `strads bench`: what one operation, one step of a round, and one whole round cost, beside other
 * ways to do the same. A *case* is what is measured; a *side* is a way of doing it: strads, a bare
 * means, MPI. In a run the sides take turns, repetition by repetition, at the same sizes.
 */
#ifndef STRADS_BENCH_H
#define STRADS_BENCH_H

#include "strads/engine.h"
#include "strads/transport.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

enum strads_bench_what {
	STRADS_BENCH_PUT,
	STRADS_BENCH_GET,
	STRADS_BENCH_PUT_SIGNAL,
	STRADS_BENCH_PUT_BW,
	STRADS_BENCH_GET_BW,
	STRADS_BENCH_RATE,
	STRADS_BENCH_FAN_IN,
	STRADS_BENCH_FAN_OUT,
	STRADS_BENCH_DISPATCH,
	STRADS_BENCH_PULL,
	STRADS_BENCH_COMMIT,
	STRADS_BENCH_ROUND,
	STRADS_BENCH_OVERLAP,
	STRADS_BENCH_IDLE,
	STRADS_BENCH_PROBE, /* see probe.h */
	STRADS_BENCH_CASES
};

/* What the lines of a case hold. */
enum strads_bench_kind {
	STRADS_BENCH_LATENCY,   /* percentiles of the time of one operation */
	STRADS_BENCH_BANDWIDTH, /* bytes and messages a second */
	STRADS_BENCH_SHARE,     /* the part of a core that is used */
};

struct strads_bench_case {
	const char *name;
	const char *summary; /* a clause for --help and the heading */
	const char *counted; /* what one time or one byte in the table is */
	enum strads_bench_kind kind;
	bool half;   /* the time is half of what is clocked */
	bool pair;   /* ranks 0 and 1 only; the others wait */
	bool paced;  /* operations overlap: a repetition's figure is the mean, not the median */
	size_t step; /* sizes are multiples of this many bytes */
	size_t least, most;   /* of the sweep, in bytes */
	const char *quantity; /* what a size counts: "bytes"; "variables" */
};

/* The case `what`, 0 … STRADS_BENCH_CASES − 1. Thread: any. */
const struct strads_bench_case *strads_bench_case(enum strads_bench_what what);

enum strads_bench_against {
	STRADS_BENCH_ALONE,
	STRADS_BENCH_RAW,
	STRADS_BENCH_MPI,
	STRADS_BENCH_ALL,
};

enum strads_bench_format { STRADS_BENCH_TABLE, STRADS_BENCH_JSON, STRADS_BENCH_CSV };

struct strads_bench_options {
	int what;            /* enum strads_bench_what */
	uint64_t size;       /* the only size; 0: a sweep of powers of two */
	bool all;            /* the sweep goes on to 8 MiB */
	uint64_t iterations; /* of a repetition; 0: as many as fit the duration */
	double duration_s;   /* of a repetition at one size of one side; typically 0.1 */
	uint64_t warmup;     /* iterations before each repetition; 0: a fifth of the duration */
	uint64_t batch;      /* operations in one sample; 0: as many as hide the clock's own cost */
	int repetitions;     /* 0: 7 beside other sides, else 1 */
	uint64_t tx_depth;   /* operations under way, of the bandwidth cases */
	bool bidirectional;  /* both ranks of a bandwidth case send */
	bool verify;         /* what arrives is compared with what was sent */
	int pin;             /* 1: each rank to a core of its own, where there are enough */
	bool histogram;      /* JSON holds the whole distributions */
	bool only_mpi;       /* measure MPI's side alone: this process is one of MPI's */
	int against;         /* enum strads_bench_against */
	int format;          /* enum strads_bench_format */
	const char *plot;    /* a picture, or NULL */
	const char *mpirun;  /* the command that starts MPI's side */
	const char *fabric;  /* as asked for, to be said in the results */
	struct strads_engine_options engine;
};

/* What no single option can tell. Returns STRADS_OK, ERR_INPUT. Thread: any. */
STRADS_MUST_CHECK int strads_bench_check(const struct strads_bench_options *options);

/* Measures on every rank of the fabric's job; collective. Rank 0 prints on stdout. `about` is put
 * into the results as it is ({"versions": …, "host": …}), borrowed, may be NULL. Returns STRADS_OK,
 * ERR_INPUT (the case needs other ranks or another fabric), ERR_PROTOCOL (--verify found a wrong
 * byte), or as the operations do. Thread: owner. */
STRADS_MUST_CHECK int strads_bench_run(struct strads_fabric *fabric,
				       const struct strads_bench_options *options, json_t *about);

/* The same for MPI's side alone, in processes of mpirun (options->only_mpi). Returns STRADS_OK,
 * ERR_UNSUPPORTED (no MPI in this binary, or no such pattern in MPI), as strads_bench_run. Thread:
 * main. */
STRADS_MUST_CHECK int strads_bench_run_mpi(const struct strads_bench_options *options,
					   json_t *about);

#ifdef __cplusplus
}
#endif

#endif

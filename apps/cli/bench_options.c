#include "bench_options.h"

#include "arguments.h"
#include "../gnuplot/gnuplot.h"
#include "file.h"

#include <math.h>
#include <stddef.h>

#define AT(field) .offset = offsetof(struct strads_bench_settings, field)

static const char *const cases[] = {
    [STRADS_BENCH_PUT] = "put",
    [STRADS_BENCH_GET] = "get",
    [STRADS_BENCH_PUT_SIGNAL] = "put-signal",
    [STRADS_BENCH_PUT_BW] = "put-bw",
    [STRADS_BENCH_GET_BW] = "get-bw",
    [STRADS_BENCH_RATE] = "rate",
    [STRADS_BENCH_FAN_IN] = "fan-in",
    [STRADS_BENCH_FAN_OUT] = "fan-out",
    [STRADS_BENCH_DISPATCH] = "dispatch",
    [STRADS_BENCH_PULL] = "pull",
    [STRADS_BENCH_COMMIT] = "commit",
    [STRADS_BENCH_ROUND] = "round",
    [STRADS_BENCH_OVERLAP] = "overlap",
    [STRADS_BENCH_IDLE] = "idle",
    [STRADS_BENCH_PROBE] = "probe",
    NULL,
};
static const char *const rivals[] = {
    [STRADS_BENCH_ALONE] = "none",
    [STRADS_BENCH_RAW] = "raw",
    [STRADS_BENCH_MPI] = "mpi",
    [STRADS_BENCH_ALL] = "all",
    NULL,
};
static const char *const switches[] = {"off", "on", NULL};

static const struct strads_option what_options[] = {
    {.name = "what",
     .value = "WHAT",
     .kind = STRADS_OPTION_CHOICE,
     .choices = cases,
     .fallback = "put-signal",
     AT(bench.what),
     .doc = "What to measure; stands without --what. One operation: put, get, put-signal; many: "
	    "put-bw, get-bw, rate, fan-in, fan-out; the engine's steps: dispatch, pull, commit, "
	    "round; a busy target and a waiting rank: overlap, idle; what the provider really "
	    "does: probe"},
    {.name = "size",
     .variable = "STRADS_BENCH_SIZE", /* STRADS_SIZE is how many ranks there are */
     .letter = 's',
     .value = "N",
     .kind = STRADS_OPTION_SIZE,
     .fallback = "0",
     .max = 1 << 30,
     AT(bench.size),
     .doc = "Bytes (of round: variables) of an operation; 0: powers of two, from 8 to 1 MiB; as "
	    "a variable STRADS_BENCH_SIZE"},
    {.name = "all",
     .letter = 'a',
     .kind = STRADS_OPTION_FLAG,
     AT(bench.all),
     .doc = "Powers of two from the smallest to 8 MiB"},
    {.name = "iters",
     .letter = 'n',
     .value = "N",
     .kind = STRADS_OPTION_UINT,
     .fallback = "0",
     .max = 1e12,
     AT(bench.iterations),
     .doc = "Operations of a repetition; 0: as many as fit --duration"},
    {.name = "duration",
     .letter = 'D',
     .value = "SECONDS",
     .kind = STRADS_OPTION_DOUBLE,
     .fallback = "0.1",
     .min = 1e-6,
     .max = 86400,
     AT(bench.duration_s),
     .doc = "Length of a repetition, at one size of one side"},
    {.name = "warmup",
     .letter = 'w',
     .value = "N",
     .kind = STRADS_OPTION_UINT,
     .fallback = "0",
     .max = 1e12,
     AT(bench.warmup),
     .doc = "Operations before each repetition; 0: a fifth of --duration"},
    {.name = "repetitions",
     .letter = 'r',
     .value = "N",
     .kind = STRADS_OPTION_INT,
     .fallback = "0",
     .max = 99,
     AT(bench.repetitions),
     .doc = "Turns that each side takes; 0: 7 with --against, else 1"},
    {.name = "batch",
     .value = "N",
     .kind = STRADS_OPTION_UINT,
     .fallback = "0",
     .max = 1e6,
     AT(bench.batch),
     .doc = "Operations to a sample of a latency, which is their mean; 0: as many as make the "
	    "clock's cost 2 % of a sample; 1: each operation"},
    {.name = "tx-depth",
     .letter = 't',
     .value = "N",
     .kind = STRADS_OPTION_UINT,
     .fallback = "128",
     .min = 1,
     .max = 65536,
     AT(bench.tx_depth),
     .doc = "Operations under way, of put-bw, get-bw, rate, fan-in and fan-out"},
    {.name = "bidirectional",
     .letter = 'b',
     .kind = STRADS_OPTION_FLAG,
     AT(bench.bidirectional),
     .doc = "Both ranks of put-bw, get-bw and rate send"},
    {.name = "verify",
     .kind = STRADS_OPTION_FLAG,
     AT(bench.verify),
     .doc = "Compare what arrives with what was sent; of put-signal that takes time between the "
	    "stamps"},
    {.name = "pin",
     .value = "on|off",
     .kind = STRADS_OPTION_CHOICE,
     .fallback = "on",
     .choices = switches,
     AT(bench.pin),
     .doc = "Bind each rank to a processor of its own, where there are enough and no launcher has "
	    "bound it"},
    {0},
};

static const struct strads_option against_options[] = {
    {.name = "against",
     .value = "WHOM",
     .kind = STRADS_OPTION_CHOICE,
     .fallback = "none",
     .choices = rivals,
     AT(bench.against),
     .doc = "Measure in turn with others that do the same, with the ratio: bare means of this "
	    "path (raw), MPI (mpi), both (all)"},
    {.name = "mpirun",
     .value = "COMMAND",
     .kind = STRADS_OPTION_STRING,
     .fallback = "mpirun",
     AT(bench.mpirun),
     .doc = "How MPI's side is started: the launcher, and what it needs, separated by blanks"},
    {.name = "only-mpi",
     .kind = STRADS_OPTION_FLAG,
     AT(bench.only_mpi),
     .doc = "Measure MPI's side alone: this process is one of MPI's, under mpirun"},
    {0},
};

static const struct strads_option output_options[] = {
    {.name = "json", .kind = STRADS_OPTION_FLAG, AT(json), .doc = "Print one JSON object"},
    {.name = "csv",
     .kind = STRADS_OPTION_FLAG,
     AT(csv),
     .doc = "Print comma-separated values, the circumstances as # lines before them"},
    {.name = "report-histogram",
     .letter = 'H',
     .kind = STRADS_OPTION_FLAG,
     AT(bench.histogram),
     .doc = "With --json: the whole distributions"},
    {.name = "plot",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(bench.plot),
     .doc = "Draw latency or bandwidth against size with gnuplot: .svg or .png"},
    {0},
};

static int
check(const struct strads_bench_settings *settings)
{
	if (settings->json && settings->csv)
		return strads_fail(STRADS_ERR_INPUT,
				   "--json and --csv cannot both be given: leave one out");
	if (settings->bench.plot) {
		int status = strads_gnuplot_check(settings->bench.plot);

		if (!status)
			status = strads_file_writable(settings->bench.plot, "plot");
		if (status)
			return status;
	}
	return strads_bench_check(&settings->bench);
}

int
strads_bench_settings_parse(struct strads_bench_settings *settings, int argc, char **argv)
{
	const struct strads_option_group groups[] = {
	    {"What is measured, and how:", what_options, settings},
	    {"Beside what:", against_options, settings},
	    {"Output:", output_options, settings},
	    {"Ranks:", strads_launch_rank_options, &settings->launch},
	    strads_launch_path_group(&settings->launch),
	    {"Engine (dispatch, pull, commit, round):", strads_launch_engine_options,
	     &settings->launch},
	    {"Simulated network (--fabric sim):", strads_launch_sim_options, &settings->launch},
	    {0},
	};
	const struct strads_arguments arguments = {
	    .command = argv[0],
	    .about =
		"Measure operations, steps of a round and whole rounds between ranks: latency by "
		"percentiles, bandwidth that the target has acknowledged.",
	    .epilog = "Letters are those of perftest where it has the option.",
	    .positional = "what",
	    .groups = groups,
	};
	int status = strads_arguments_parse(&arguments, argc, argv);

	if (!status)
		status = strads_launch_settle(&settings->launch);
	if (!status)
		status = check(settings);
	if (status)
		return status;
	settings->bench.format = settings->json  ? STRADS_BENCH_JSON
				 : settings->csv ? STRADS_BENCH_CSV
						 : STRADS_BENCH_TABLE;
	settings->bench.fabric = settings->launch.fabric;
	settings->bench.engine = settings->launch.engine;
	return STRADS_OK;
}

/*
 * The engine's rounds, and steps of them: the same engine and the same program, whose sets carry
 * keys, partials, commits, or all three. A time is that from one set's finish to the next's.
 */
#include "ours.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_LEAST UINT32_C(1024)  /* variables below which a block is not cut … */
#define BLOCK_MOST  UINT32_C(16384) /* … and above which it is, whatever the number of ranks */

/* What the sets of a case carry. */
struct cargo {
	bool keys, partials, commits;
};

static const struct cargo cargo_of[STRADS_BENCH_CASES] = {
    [STRADS_BENCH_DISPATCH] = {.keys = true},
    [STRADS_BENCH_PULL] = {.partials = true},
    [STRADS_BENCH_COMMIT] = {.commits = true},
    [STRADS_BENCH_ROUND] = {.keys = true, .partials = true, .commits = true},
};

/* The measured program. */
struct rounds {
	struct strads_bench *bench;
	struct cargo cargo;
	uint32_t variables; /* of a set */
	uint32_t block;     /* of a block, the last of a set may have fewer */
	uint32_t blocks;    /* in a set */
	struct strads_program program;
	struct strads_engine *engine; /* for this number of variables; NULL: none yet */
	const struct strads_task *task;
	struct strads_samples *samples; /* NULL: not kept */
	struct strads_lap lap;          /* from the finish of the task's first set */
	uint64_t finished;              /* sets of the task */
};

/* ---- The program ---- */

/* Variable i of a set. */
static strads_key
key_of(const struct rounds *rounds, const struct strads_block *block, uint32_t i)
{
	return block->set + (uint64_t)block->index * rounds->block + i;
}

/* Declared costs, for the simulator's clock: of writing a key, of copying a sum. */
#define VALUE_NS 0.25

static void
write_keys(strads_key *restrict keys, strads_key first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		keys[i] = first + i;
}

static int
schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	const struct rounds *rounds = state;
	uint32_t done = index * rounds->block;

	draft->n =
	    rounds->variables - done < rounds->block ? rounds->variables - done : rounds->block;
	draft->last = index + 1 == rounds->blocks;
	draft->range = !rounds->cargo.keys;
	draft->first = set + done;
	if (draft->range)
		return STRADS_OK;
	write_keys(draft->keys, draft->first, draft->n);
	strads_fabric_charge(rounds->bench->fabric, VALUE_NS * draft->n);
	return STRADS_OK;
}

static size_t
partial_elems(void *state, const struct strads_block *block)
{
	const struct rounds *rounds = state;

	return rounds->cargo.partials ? block->n : 0;
}

/* Without --verify the partials are zeros: no time is spent on anything but their way. */
static int
push(void *state, const struct strads_block *block, double *partial)
{
	const struct rounds *rounds = state;

	if (!rounds->bench->options->verify)
		return STRADS_OK;
	for (uint32_t i = 0; block->keys && i < block->n; i++) {
		if (block->keys[i] != key_of(rounds, block, i))
			return strads_fail(STRADS_ERR_PROTOCOL,
					   "--verify: variable %u of set %llu is %llu instead of "
					   "%llu: the data that arrived are not those that were "
					   "sent",
					   i, (unsigned long long)block->set,
					   (unsigned long long)block->keys[i],
					   (unsigned long long)key_of(rounds, block, i));
	}
	for (uint32_t i = 0; rounds->cargo.partials && i < block->n; i++)
		partial[i] =
		    (double)(key_of(rounds, block, i) + (uint64_t)rounds->bench->team.rank);
	return STRADS_OK;
}

/* What --verify expects in a commit: the sum over ranks r of key + r; of a case without partials,
 * the key. */
static double
value_of(const struct rounds *rounds, const struct strads_block *block, uint32_t i)
{
	double key = (double)key_of(rounds, block, i), ranks = rounds->bench->team.size;

	return rounds->cargo.partials ? ranks * key + ranks * (ranks - 1) / 2 : key;
}

static int
pull(void *state, const struct strads_block *block, const double *sum, void *commit,
     size_t *commit_bytes)
{
	const struct rounds *rounds = state;
	double *values = commit;
	bool verify = rounds->bench->options->verify;

	for (uint32_t i = 0; verify && rounds->cargo.partials && i < block->n; i++) {
		if (sum[i] != value_of(rounds, block, i))
			return strads_fail(STRADS_ERR_PROTOCOL,
					   "--verify: sum %u of set %llu is %.17g instead of %.17g",
					   i, (unsigned long long)block->set, sum[i],
					   value_of(rounds, block, i));
	}
	*commit_bytes = rounds->cargo.commits ? block->n * sizeof *values : 0;
	if (rounds->cargo.commits && rounds->cargo.partials)
		memcpy(values, sum, *commit_bytes);
	for (uint32_t i = 0; verify && rounds->cargo.commits && i < block->n; i++)
		values[i] = value_of(rounds, block, i);
	return STRADS_OK;
}

static double
pull_cost_ns(void *state, const struct strads_block *block)
{
	const struct rounds *rounds = state;

	return rounds->cargo.commits ? VALUE_NS * block->n : 0;
}

static int
sync_block(void *state, const struct strads_block *block, const void *commit, size_t commit_bytes)
{
	const struct rounds *rounds = state;
	const double *values = commit;

	for (uint32_t i = 0; rounds->bench->options->verify && i < commit_bytes / sizeof *values;
	     i++) {
		if (values[i] != value_of(rounds, block, i))
			return strads_fail(STRADS_ERR_PROTOCOL,
					   "--verify: value %u of set %llu is %.17g instead of "
					   "%.17g",
					   i, (unsigned long long)block->set, values[i],
					   value_of(rounds, block, i));
	}
	return STRADS_OK;
}

/* The first set starts the clock: it is one more than the task counts. */
static int
finish(void *state, const struct strads_block *last)
{
	struct rounds *rounds = state;

	(void)last;
	if (rounds->finished++ == 0)
		rounds->lap = strads_lap_start(rounds->bench, rounds->task, rounds->samples);
	else
		strads_lap_done(&rounds->lap);
	return rounds->finished > rounds->task->count ? STRADS_STOP : STRADS_OK;
}

/* ---- The side ---- */

static int
rounds_open(struct strads_bench *bench, void **context)
{
	struct rounds *rounds = calloc(1, sizeof *rounds);
	int status = rounds ? STRADS_OK : strads_fail(STRADS_ERR_MEMORY, "no memory for rounds");

	status = strads_job_agree(strads_fabric_job(bench->fabric), status);
	if (status || !rounds) {
		free(rounds);
		return status;
	}
	rounds->bench = bench;
	rounds->cargo = cargo_of[bench->options->what];
	*context = rounds;
	return STRADS_OK;
}

static uint32_t
ceil_div(uint32_t a, uint32_t b)
{
	return a / b + (a % b != 0);
}

/* Cuts a set so that every rank has a block to sum, of a large one several. */
static void
cut(struct rounds *rounds, uint32_t variables)
{
	uint32_t even = ceil_div(variables, (uint32_t)rounds->bench->team.size);

	rounds->variables = variables;
	rounds->block = even < BLOCK_LEAST ? BLOCK_LEAST : even > BLOCK_MOST ? BLOCK_MOST : even;
	if (rounds->block > variables)
		rounds->block = variables;
	rounds->blocks = ceil_div(variables, rounds->block);
}

static int
build(struct rounds *rounds, uint32_t variables)
{
	const struct strads_bench *bench = rounds->bench;
	size_t elems;

	if (rounds->engine && rounds->variables == variables)
		return STRADS_OK;
	strads_engine_delete(&rounds->engine);
	cut(rounds, variables);
	elems = rounds->cargo.partials ? rounds->block : 0;
	rounds->program = (struct strads_program){
	    .name = bench->what->name,
	    .state = rounds,
	    .block_max = rounds->block,
	    .set_blocks_max = rounds->blocks,
	    .partial_max = elems,
	    .commit_max = rounds->cargo.commits ? rounds->block * sizeof(double) : 0,
	    .schedule = schedule,
	    .partial_elems = partial_elems,
	    .push = push,
	    .pull = pull,
	    .sync = sync_block,
	    .finish = finish,
	    .pull_cost_ns = pull_cost_ns,
	};
	return strads_engine_new(bench->fabric, &rounds->program, &bench->options->engine,
				 &rounds->engine);
}

static int
run_rounds(void *context, const struct strads_task *task, struct strads_samples *samples,
	   struct strads_taken *taken)
{
	struct rounds *rounds = context;
	struct strads_bench *bench = rounds->bench;
	bool bytes = strcmp(bench->what->quantity, "bytes") == 0;
	uint32_t variables = (uint32_t)(bytes ? task->bytes / sizeof(double) : task->bytes);
	int status = build(rounds, variables);

	if (status)
		return status;
	rounds->task = task;
	rounds->samples = bench->team.rank == 0 ? samples : NULL;
	rounds->finished = 0;
	status = strads_engine_run(rounds->engine);
	taken->elapsed_ns = rounds->lap.last_ns - rounds->lap.start_ns;
	return status;
}

static void
rounds_close(void *context)
{
	struct rounds *rounds = context;

	strads_engine_delete(&rounds->engine);
	free(rounds);
}

#define ROUNDS(case)                                                                               \
	{                                                                                          \
		.what = (case), .name = "strads", .open = rounds_open, .run = run_rounds,          \
		.close = rounds_close                                                              \
	}

const struct strads_side strads_ours_round[] = {
    ROUNDS(STRADS_BENCH_DISPATCH),
    ROUNDS(STRADS_BENCH_PULL),
    ROUNDS(STRADS_BENCH_COMMIT),
    ROUNDS(STRADS_BENCH_ROUND),
    {0},
};

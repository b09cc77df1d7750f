/*
 * The engine: carries a program's rounds over the ranks of a job.
 */
#ifndef STRADS_ENGINE_H
#define STRADS_ENGINE_H

#include "strads/program.h"
#include "strads/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

struct strads_engine_options {
	int schedulers; /* S: ranks 0 … S−1 schedule; 1 … ranks */
	int depth;      /* D: sets in flight; 1: set t is scheduled after set t−1 is synced */
	int staleness; /* s: set t is pushed against the state after set t−1−s; 0: BSP; < depth, as
			* a set is scheduled before it is pushed */
	size_t eager_bytes; /* partials up to this travel with their signal; 0: always read */
	size_t chunk_bytes; /* largest message slot and largest read; ≥ 256 */
	size_t
	    memory_bytes; /* budget of rings and staging per rank; the ring slots derive from it */
	int fan_out; /* arity of the trees by which sets and commits go to all ranks and partials
		      * come back as sums; with as many as there are other ranks, or more, all goes
		      * directly; 0: what suits the ranks and the program's sizes */
	uint64_t timeout_ms; /* longest wait for one peer's message; 0: the fabric's default */
};

/* Options with the defaults documented in `strads lasso --help`: S 1, D 2, s 0 (BSP), eager 65536,
 * chunk 65536, memory 256 MiB, fan-out by the number of ranks. */
void strads_engine_defaults(struct strads_engine_options *options);

enum strads_stage { STRADS_SCHEDULE, STRADS_PUSH, STRADS_PULL, STRADS_SYNC, STRADS_STAGES };

/* What this rank spent and sent, by stage. Bytes and messages are those it initiated to peers:
 * schedule: sets sent; push: partials sent or announced; pull: partials read, commits sent;
 * sync: credits returned. */
struct strads_stage_stats {
	uint64_t busy_ns; /* inside the program's primitive, summing, copying, posting */
	uint64_t
	    stall_ns; /* nothing to do but wait for: a set, room for a partial, partials, commits */
	uint64_t bytes;
	uint64_t messages;
};

struct strads_engine_stats {
	uint64_t sets; /* finished */
	uint64_t blocks;
	uint64_t variables; /* variables in those blocks */
	uint64_t wall_ns;   /* inside strads_engine_run */
	struct strads_stage_stats stage[STRADS_STAGES];
};

struct strads_engine;

/* Bytes of registered and private memory that an engine of this program will take per rank, from
 * sizes alone: nothing is allocated. More than options->memory_bytes: the least that would do; 0:
 * an option or size is out of range, see strads_error(). Thread: any. */
size_t strads_engine_memory(const struct strads_program *program,
			    const struct strads_engine_options *options, int ranks);

/* Allocates and wires. Collective; `program` is borrowed until deletion. Returns STRADS_OK,
 * ERR_ARGUMENT (an option out of range), ERR_MEMORY (the budget cannot hold what the program
 * needs: says how much would), or as strads_fabric_wire. Thread: owner. */
STRADS_MUST_CHECK int strads_engine_new(struct strads_fabric *fabric,
					const struct strads_program *program,
					const struct strads_engine_options *options,
					struct strads_engine **engine);
void strads_engine_delete(struct strads_engine **engine);

/* Runs sets until finish says stop; collective, and when it returns STRADS_OK the ranks have met.
 * Can be called again: set numbers go on, and the up to D − 1 sets that were scheduled before the
 * stop are carried out first, so that a run in parts gives the bits of a run in one. After a
 * failure the engine can only be deleted. Returns STRADS_OK or the first failure of a primitive
 * (passed on to all ranks as an abort), ERR_PEER, ERR_TIMEOUT (naming the rank and message waited
 * for), ERR_PROTOCOL, ERR_ABORTED (another rank failed, and why). Thread: owner. */
STRADS_MUST_CHECK int strads_engine_run(struct strads_engine *engine);

void strads_engine_stats(const struct strads_engine *engine, struct strads_engine_stats *stats);

/* "schedule", "push", "pull" or "sync". */
const char *strads_stage_name(enum strads_stage stage);

#ifdef __cplusplus
}
#endif

#endif

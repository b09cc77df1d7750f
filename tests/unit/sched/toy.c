#include "toy.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "strads/random.h"

#define EARLY 1u

struct toy_options
toy_defaults(void)
{
	return (struct toy_options){.block_max = 16,
				    .blocks = 3,
				    .early_blocks = 0,
				    .stretch = 1,
				    .floating = true,
				    .stop_every = 1000000,
				    .depth = 2,
				    .slow_rank = -1,
				    .fail_rank = -1,
				    .kill_rank = -1,
				    .sleep_rank = -1};
}

static uint64_t
mix(uint64_t digest, uint64_t value)
{
	return (digest ^ value) * UINT64_C(0x100000001b3) + (digest >> 29);
}

static uint64_t
bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

/* Integers small enough for exact sums, or numbers of very different magnitudes. */
static double
number(const struct toy *toy, uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t bits = strads_random(seed, a, b);

	if (!toy->options.floating)
		return (double)(bits % 1000);
	return ((double)(bits >> 12) + 0.5) / (double)(UINT64_C(1) << (bits & 31));
}

static bool
fails(const struct toy *toy, const char *primitive, uint64_t set)
{
	const struct toy_options *options = &toy->options;

	return toy->fabric && toy->rank == options->fail_rank && set == options->fail_set &&
	       strcmp(options->fail_in, primitive) == 0;
}

static int
failure(const char *primitive)
{
	return strads_fail(STRADS_ERR_INPUT, "the toy was told to fail in %s", primitive);
}

static int
broken(const char *promise, uint64_t set, uint32_t index)
{
	return strads_fail(STRADS_ERR_PROTOCOL, "set %llu block %u: %s", (unsigned long long)set,
			   index, promise);
}

static strads_key
key_of(const struct strads_block *block, uint32_t i)
{
	return block->keys ? block->keys[i] : block->first + i;
}

/* ---- schedule ---------------------------------------------------------------------------- */

/* What a set is to be, fixed at its first block. */
static bool
is_early(const struct toy *toy, uint64_t set)
{
	return toy->options.early_blocks > 0 && set % 3 == 2;
}

/* Sets that are finished when set `set` is pushed: all but the last `staleness`, and all up to the
 * last early one; all before, if it is early itself. */
static uint64_t
base_of(const struct toy *toy, uint64_t set)
{
	uint64_t staleness = (uint64_t)toy->options.staleness;
	uint64_t base = set > staleness ? set - staleness : 0;

	if (is_early(toy, set))
		return set;
	for (uint64_t t = base; t < set; t++)
		base = is_early(toy, t) ? t + 1 : base;
	return base;
}

static uint32_t
blocks_of(const struct toy *toy, uint64_t set, uint64_t snapshot)
{
	if (is_early(toy, set))
		return toy->options.early_blocks;
	return 1 + (uint32_t)(strads_random(snapshot, set, 0) % toy->options.blocks);
}

static int
check_schedule(struct toy *toy, uint64_t set, uint32_t index)
{
	uint64_t depth = (uint64_t)toy->options.depth;
	uint64_t before = set >= depth ? set - depth + 1 : 0;
	uint64_t *next = &toy->schedule_next[set % TOY_SNAPSHOTS];

	if (index == 0)
		*next = 0;
	if (*next != index)
		return broken("schedule was not called in order of index", set, index);
	++*next;
	if (toy->options.in_turn && toy->begun <= set)
		return broken("schedule came before begin", set, index);
	if (toy->options.in_turn || (index > 0 && is_early(toy, set)))
		return STRADS_OK;
	if (toy->finished != before || toy->synced != 0)
		return broken("schedule saw another state than of set − depth", set, index);
	return STRADS_OK;
}

static int
begin(void *state, uint64_t set)
{
	struct toy *toy = state;
	uint64_t depth = (uint64_t)toy->options.depth;

	if (toy->finished != (set >= depth ? set - depth + 1 : 0) || toy->synced != 0)
		return broken("begin saw another state than of set − depth", set, 0);
	if (fails(toy, "begin", set))
		return failure("begin");
	toy->begun = set + 1;
	toy->snapshot[set % TOY_SNAPSHOTS] = toy->digest;
	toy->put_off[set % TOY_SNAPSHOTS] = 0;
	return STRADS_OK;
}

static int
seen(void *state, const struct strads_block *block)
{
	struct toy *toy = state;

	if (block->set != toy->seen_set || block->index != toy->seen_index)
		return broken("seen came out of order", block->set, block->index);
	if (block->index == 0)
		toy->seen[block->set % TOY_SNAPSHOTS] =
		    mix(mix(block->n, block->arg), block->n ? key_of(block, 0) : 0);
	toy->seen_index = block->last ? 0 : block->index + 1;
	toy->seen_set += block->last;
	return STRADS_OK;
}

/* Whether set `set` can be scheduled: all in flight are known, and it was put off a while. What is
 * in flight becomes part of what it follows from. */
static bool
is_ready(struct toy *toy, uint64_t set)
{
	uint64_t depth = (uint64_t)toy->options.depth;
	uint64_t *snapshot = &toy->snapshot[set % TOY_SNAPSHOTS];

	if (fails(toy, "endless wait", set) ||
	    (toy->fabric && toy->put_off[set % TOY_SNAPSHOTS]++ < toy->options.put_offs))
		return false;
	if (set > 0 && toy->seen_set + (toy->seen_index > 0) < set)
		return false;
	for (uint64_t t = set >= depth ? set - depth + 1 : 0; t < set; t++)
		*snapshot = mix(*snapshot, toy->seen[t % TOY_SNAPSHOTS]);
	return true;
}

/* Distinct keys: members of an early set touch different keys in different blocks. */
static void
write_keys(const struct toy *toy, uint64_t set, uint32_t index, uint64_t snapshot,
	   struct strads_block_draft *draft)
{
	uint64_t start = strads_random(snapshot, set, 1) % TOY_KEYS;
	uint64_t step = 2 * (strads_random(snapshot, set, 2) % (TOY_KEYS / 2)) + 1; /* odd */

	for (uint32_t i = 0; i < draft->n; i++) {
		uint64_t place = (uint64_t)index * toy->options.block_max + i;

		draft->keys[i] = (start + place * step) % TOY_KEYS;
	}
}

static int
schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	struct toy *toy = state;
	uint64_t *snapshot = &toy->snapshot[set % TOY_SNAPSHOTS];
	int status = check_schedule(toy, set, index);
	uint64_t choice;

	if (status != STRADS_OK)
		return status;
	if (fails(toy, "schedule", set))
		return failure("schedule");
	if (index == 0 && toy->options.in_turn && !is_ready(toy, set))
		return STRADS_AGAIN;
	if (index == 0 && !toy->options.in_turn)
		*snapshot = toy->digest;
	choice = strads_random(*snapshot, set, 16 + index);
	draft->kind = is_early(toy, set) ? EARLY : 0;
	draft->arg = choice >> 32;
	draft->n = (uint32_t)(choice % (toy->options.block_max + 1)); /* also none */
	draft->last = index + 1 == blocks_of(toy, set, *snapshot);
	draft->range = !is_early(toy, set) && choice % 5 == 0;
	if (draft->range)
		draft->first = (choice >> 8) % (TOY_KEYS - draft->n + 1);
	else
		write_keys(toy, set, index, *snapshot, draft);
	if (fails(toy, "schedule-oversize", set))
		draft->n = toy->options.block_max + 1;
	if (fails(toy, "schedule-endless", set))
		draft->last = false;
	if (toy->options.one_reducer)
		draft->reducer = toy->ranks - 1;
	else if (choice % 7 == 0)
		draft->reducer = (int)(choice % (uint64_t)toy->ranks);
	return STRADS_OK;
}

/* ---- push, pull, sync -------------------------------------------------------------------- */

static size_t
partial_elems(void *state, const struct strads_block *block)
{
	const struct toy *toy = state;

	if (fails(toy, "partial-oversize", block->set))
		return (size_t)toy->options.block_max * toy->options.stretch + 1;
	return block->arg % 11 == 0 ? 0 : (size_t)block->n * toy->options.stretch;
}

static void
partial_of(const struct toy *toy, const struct strads_block *block, int rank, double *partial)
{
	size_t elems = partial_elems((void *)(uintptr_t)toy, block);
	uint64_t seed = bits_of(elems ? toy->table[key_of(block, 0)] : 0);

	for (size_t i = 0; i < elems; i++)
		partial[i] += number(toy, seed + key_of(block, (uint32_t)(i % block->n)),
				     (uint64_t)rank, block->set + i);
}

/* The partial at once, or a part of its numbers; those of the parts before must still be there. */
static int
push_part(struct toy *toy, const struct strads_block *block, double *partial)
{
	size_t elems = partial_elems(toy, block), parts = toy->options.push_parts;
	size_t first = parts ? elems * toy->parts / parts : 0;

	if (!parts) {
		partial_of(toy, block, toy->rank, partial);
		return STRADS_OK;
	}
	for (size_t i = first; i < elems * (toy->parts + 1) / parts; i++)
		partial[i]++;
	if (++toy->parts < parts)
		return STRADS_AGAIN;
	toy->parts = 0;
	for (size_t i = 0; i < elems; i++)
		if (partial[i]-- != 1.0)
			return broken("a put off push lost its partial", block->set, block->index);
	partial_of(toy, block, toy->rank, partial);
	return STRADS_OK;
}

static int
push(void *state, const struct strads_block *block, double *partial)
{
	struct toy *toy = state;
	const struct toy_options *options = &toy->options;

	if (toy->finished != base_of(toy, block->set))
		return broken("push saw another state than is due", block->set, block->index);
	if (toy->synced > 0 && block->kind != EARLY)
		return broken("push saw a set half synced", block->set, block->index);
	if (fails(toy, "push", block->set))
		return failure("push");
	if (toy->rank == options->kill_rank && block->set == options->kill_set)
		raise(SIGKILL);
	if (toy->rank == options->sleep_rank && block->set == options->sleep_set) {
		strads_fabric_charge(toy->fabric, 3e9);
		if (options->push_cost_ns == 0)
			sleep(3);
	}
	if (fails(toy, "endless push", block->set))
		return STRADS_AGAIN;
	return push_part(toy, block, partial);
}

/* New values: of each variable the sum of its elements, kept in range. */
static int
pull(void *state, const struct strads_block *block, const double *sum, void *commit,
     size_t *commit_bytes)
{
	const struct toy *toy = state;
	size_t elems = partial_elems(state, block);
	double *values = commit;

	if (fails(toy, "pull", block->set))
		return failure("pull");
	for (uint32_t i = 0; i < block->n; i++) {
		double value = 0;

		for (size_t j = i; j < elems; j += block->n)
			value += sum[j];
		values[i] = toy->options.floating ? value : (double)((uint64_t)value % 1000003);
	}
	/* An odd byte at the end, so that commits are no multiple of 8; and sometimes nothing. */
	*commit_bytes = 0;
	if (block->n > 0) {
		((uint8_t *)commit)[block->n * sizeof(double)] = (uint8_t)block->set;
		*commit_bytes = block->n * sizeof(double) + 1;
	}
	if (fails(toy, "pull-oversize", block->set))
		*commit_bytes = toy->options.block_max * sizeof(double) + 2;
	return STRADS_OK;
}

static int
sync_block(void *state, const struct strads_block *block, const void *commit, size_t commit_bytes)
{
	struct toy *toy = state;
	const uint8_t *bytes = commit;

	if (toy->finished != block->set || toy->synced != block->index)
		return broken("sync came out of order", block->set, block->index);
	if (commit_bytes != (block->n ? block->n * sizeof(double) + 1 : 0) ||
	    (block->n && bytes[commit_bytes - 1] != (uint8_t)block->set))
		return broken("the commit is not what pull wrote", block->set, block->index);
	if (fails(toy, "sync", block->set))
		return failure("sync");
	toy->synced++;
	toy->digest = mix(mix(mix(toy->digest, block->n), block->arg), (uint64_t)block->reducer);
	for (uint32_t i = 0; i < block->n; i++) {
		double value;

		memcpy(&value, bytes + i * sizeof value, sizeof value);
		toy->table[key_of(block, i)] = value;
		toy->digest = mix(toy->digest, bits_of(value) + key_of(block, i));
	}
	return STRADS_OK;
}

static int
finish(void *state, const struct strads_block *last)
{
	struct toy *toy = state;

	if (toy->synced != last->index + 1 || !last->last)
		return broken("finish came before all blocks were synced", last->set, last->index);
	if (fails(toy, "finish", last->set))
		return failure("finish");
	toy->finished++;
	toy->synced = 0;
	toy->digest = mix(toy->digest, last->set);
	return toy->finished % toy->options.stop_every == 0 ? STRADS_STOP : STRADS_OK;
}

static bool
early(void *state, uint32_t kind)
{
	(void)state;
	return kind == EARLY;
}

static double
push_cost_ns(void *state, const struct strads_block *block)
{
	const struct toy *toy = state;

	return toy->options.push_cost_ns * block->n *
	       (toy->rank == toy->options.slow_rank ? 1.1 : 1);
}

static double
pull_cost_ns(void *state, const struct strads_block *block)
{
	const struct toy *toy = state;

	return block->kind == EARLY ? toy->options.pull_cost_ns * block->n : 0;
}

/* ---- The program, with and without an engine --------------------------------------------- */

void
toy_init(struct toy *toy, const struct toy_options *options, int rank, int ranks,
	 struct strads_fabric *fabric)
{
	*toy = (struct toy){.options = *options, .rank = rank, .ranks = ranks, .fabric = fabric};
	for (uint64_t key = 0; key < TOY_KEYS; key++)
		toy->table[key] = number(toy, 99, 0, key);
}

struct strads_program
toy_program(struct toy *toy)
{
	const struct toy_options *options = &toy->options;

	return (struct strads_program){
	    .name = "toy",
	    .state = toy,
	    .block_max = options->block_max,
	    .set_blocks_max = options->blocks,
	    .partial_max = (size_t)options->block_max * options->stretch,
	    .commit_max = options->block_max * sizeof(double) + 1,
	    .schedule = schedule,
	    .partial_elems = partial_elems,
	    .push = push,
	    .pull = pull,
	    .sync = sync_block,
	    .finish = finish,
	    .early = early,
	    .push_cost_ns = push_cost_ns,
	    .pull_cost_ns = pull_cost_ns,
	    .begin = options->in_turn ? begin : NULL,
	    .seen = options->in_turn ? seen : NULL,
	};
}

/* A set as scheduled: blocks and their keys. */
struct reference_set {
	uint32_t blocks;
	struct strads_block *block;
	strads_key *keys;
	uint8_t *commits; /* once pushed: [blocks][commit_room] */
	size_t *bytes;    /* [blocks] */
};

static void
reference_schedule(struct toy *toy, uint64_t set, struct reference_set *drafted)
{
	uint32_t most = toy->options.blocks > toy->options.early_blocks ? toy->options.blocks
									: toy->options.early_blocks;
	bool last = false;

	drafted->block = calloc(most, sizeof *drafted->block);
	drafted->keys = calloc((size_t)most * toy->options.block_max, sizeof *drafted->keys);
	drafted->blocks = 0;
	if (toy->options.in_turn && begin(toy, set) != STRADS_OK)
		abort();
	while (!last) {
		uint32_t index = drafted->blocks++;
		strads_key *keys = drafted->keys + (size_t)index * toy->options.block_max;
		struct strads_block_draft draft = {.keys = keys, .reducer = -1};

		if (schedule(toy, set, index, &draft) != STRADS_OK)
			abort();
		last = draft.last;
		drafted->block[index] = (struct strads_block){
		    .set = set,
		    .index = index,
		    .kind = draft.kind,
		    .arg = draft.arg,
		    .n = draft.n,
		    .last = draft.last,
		    .reducer = draft.reducer >= 0 ? draft.reducer
						  : (int)((set + index) % (uint64_t)toy->ranks),
		    .keys = draft.range ? NULL : keys,
		    .first = draft.first};
		if (toy->options.in_turn && seen(toy, &drafted->block[index]) != STRADS_OK)
			abort();
	}
}

/* Adds the partial of the rank at a place, the ranks counted from 0, or by a tree from the reducer;
 * and then what is below it there, each summed first. */
static void
reference_sum(const struct toy *toy, const struct strads_block *block, int place, double *sum)
{
	int arity = toy->options.arity;
	size_t elems = partial_elems((void *)(uintptr_t)toy, block);
	double *below = arity > 0 ? calloc(elems + 1, sizeof *below) : NULL;

	partial_of(toy, block, arity > 0 ? (block->reducer + place) % toy->ranks : place, sum);
	for (int i = 1; i <= arity && place * arity + i < toy->ranks; i++) {
		memset(below, 0, elems * sizeof *below);
		reference_sum(toy, block, place * arity + i, below);
		for (size_t j = 0; j < elems; j++)
			sum[j] += below[j];
	}
	free(below);
}

/* Sum over ranks, in their order, and pull: the commit of one block. */
static void
reference_commit(struct toy *toy, const struct strads_block *block, double *scratch, void *commit,
		 size_t *commit_bytes)
{
	size_t most = (size_t)toy->options.block_max * toy->options.stretch;
	double *sum = scratch + most;
	size_t elems = partial_elems(toy, block);

	for (int place = 0; place < toy->ranks; place++) {
		memset(scratch, 0, elems * sizeof *scratch);
		reference_sum(toy, block, place, scratch);
		for (size_t i = 0; i < elems; i++)
			sum[i] = place == 0 ? scratch[i] : sum[i] + scratch[i];
		if (toy->options.arity > 0)
			break;
	}
	if (pull(toy, block, sum, commit, commit_bytes) != STRADS_OK)
		abort();
}

static size_t
commit_room(const struct toy *toy)
{
	return toy->options.block_max * sizeof(double) + 8;
}

/* All commits of a set, from the state as it is. */
static void
reference_push(struct toy *toy, struct reference_set *set, double *scratch)
{
	size_t room = commit_room(toy);

	set->commits = calloc(set->blocks, room);
	set->bytes = calloc(set->blocks, sizeof *set->bytes);
	for (uint32_t i = 0; i < set->blocks; i++)
		reference_commit(toy, &set->block[i], scratch, set->commits + i * room,
				 &set->bytes[i]);
}

static void
reference_free(struct reference_set *set)
{
	free(set->bytes);
	free(set->commits);
	free(set->keys);
	free(set->block);
	*set = (struct reference_set){0};
}

/* All syncs of a set. */
static void
reference_sync(struct toy *toy, struct reference_set *set)
{
	size_t room = commit_room(toy);

	for (uint32_t i = 0; i < set->blocks; i++)
		if (sync_block(toy, &set->block[i], set->commits + i * room, set->bytes[i]) !=
		    STRADS_OK)
			abort();
	if (finish(toy, &set->block[set->blocks - 1]) < 0)
		abort();
	reference_free(set);
}

uint64_t
toy_reference(const struct toy_options *options, int ranks, uint64_t sets)
{
	uint64_t depth = (uint64_t)options->depth;
	struct reference_set *queue = calloc(depth, sizeof *queue);
	double *scratch =
	    calloc((size_t)options->block_max * options->stretch, 2 * sizeof *scratch);
	struct toy *toy = malloc(sizeof *toy);
	uint64_t digest, pushed = 0;

	toy_init(toy, options, 0, ranks, NULL);
	for (uint64_t t = 0; t < depth; t++)
		reference_schedule(toy, t, &queue[t]);
	for (uint64_t t = 0; t < sets; t++) {
		for (; pushed < t + depth && base_of(toy, pushed) == t; pushed++)
			reference_push(toy, &queue[pushed % depth], scratch);
		reference_sync(toy, &queue[t % depth]);
		reference_schedule(toy, t + depth, &queue[t % depth]);
	}
	digest = toy->digest;
	for (uint64_t t = 0; t < depth; t++)
		reference_free(&queue[t]);
	free(toy);
	free(scratch);
	free(queue);
	return digest;
}

#include "search.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Candidates that one block of a set can name, the ranks together. */
#define FOUND_MAX 1024

/* What a multiply-add costs, in nanoseconds. */
#define NS_PRODUCT 2.0

/* A rank's part of a block's partial, which the others leave 0: the head, then its candidates,
 * three numbers each: a, b and the gradient. */
enum head { GRADIENT_MAX, SECONDS, COUNT, HEAD };

#define ENTRY 3

/* The commit of a block: the header, then the candidates. */
struct block_commit {
	double gradient_max;
	double seconds;
	uint64_t count;
};

struct block_entry {
	uint64_t key;
	double gradient;
};

static_assert(sizeof(struct block_commit) == 24, "block_commit has holes");
static_assert(sizeof(struct block_entry) == 16, "block_entry has holes");

/* Candidates that a rank can name in a block. */
static uint32_t
found_max(int ranks)
{
	return ranks < FOUND_MAX ? FOUND_MAX / (uint32_t)ranks : 1;
}

/* Doubles of a rank in a block's partial. */
static size_t
part_elems(int ranks)
{
	return HEAD + (size_t)ENTRY * found_max(ranks);
}

/* Most candidates in a commit. */
static uint64_t
commit_entries(int ranks)
{
	return (uint64_t)found_max(ranks) * (uint64_t)ranks;
}

/* Blocks of a set: each has a block of the scan for every rank. */
static uint32_t
set_blocks(const struct strads_pairs_search *search)
{
	uint32_t ranks = (uint32_t)search->ranks;

	return search->scan.blocks / ranks + (search->scan.blocks % ranks != 0);
}

/* A block's one variable is its number. */
static int
schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	const struct strads_pairs_search *search = state;

	(void)set;
	draft->range = true;
	draft->first = index;
	draft->n = index < set_blocks(search);
	draft->last = index + 1 >= set_blocks(search);
	return STRADS_OK;
}

static size_t
partial_elems(void *state, const struct strads_block *block)
{
	const struct strads_pairs_search *search = state;

	return block->n > 0 ? (size_t)search->ranks * part_elems(search->ranks) : 0;
}

/* The block of the scan that is this rank's in a block of the set; false if there is none. */
static bool
own_block(const struct strads_pairs_search *search, const struct strads_block *block, uint32_t *own)
{
	uint64_t number = block->first * (uint64_t)search->ranks + (uint64_t)search->rank;

	*own = (uint32_t)number;
	return block->n > 0 && number < search->scan.blocks;
}

static int
push(void *state, const struct strads_block *block, double *partial)
{
	struct strads_pairs_search *search = state;
	struct strads_candidates *found = &search->found;
	uint64_t start = strads_fabric_clock_ns(search->fabric);
	uint64_t cols = search->scan.products->base->cols;
	double *part = partial + (size_t)search->rank * part_elems(search->ranks);
	uint32_t own;

	if (block->n > 0 && (block->keys || block->first >= set_blocks(search)))
		return strads_fail(STRADS_ERR_PROTOCOL, "block %llu of %u of a search",
				   (unsigned long long)block->first, set_blocks(search));
	if (!own_block(search, block, &own))
		return STRADS_OK;
	strads_candidates_clear(found, search->violators ? search->violators->violators.room : 0);
	part[GRADIENT_MAX] = strads_pairs_scan_block(&search->scan, own, search->least,
						     search->known, search->n_known, found);
	part[COUNT] = (double)found->count;
	for (uint64_t k = 0; k < found->count; k++) {
		double *entry = part + HEAD + ENTRY * k;
		uint64_t a = found->entry[k].key / cols, b = found->entry[k].key % cols;

		entry[0] = (double)a;
		entry[1] = (double)b;
		entry[2] = (double)found->entry[k].gradient;
	}
	part[SECONDS] = (double)(strads_fabric_clock_ns(search->fabric) - start) * 1e-9;
	return STRADS_OK;
}

static int
pull(void *state, const struct strads_block *block, const double *sum, void *commit, size_t *bytes)
{
	const struct strads_pairs_search *search = state;
	struct block_commit *header = commit;
	struct block_entry *entry = (struct block_entry *)(header + 1);
	uint64_t cols = search->scan.products->base->cols;

	*header = (struct block_commit){0};
	for (int rank = 0; rank < search->ranks && block->n > 0; rank++) {
		const double *part = sum + (size_t)rank * part_elems(search->ranks);
		uint64_t count = (uint64_t)part[COUNT];

		header->gradient_max = fmax(header->gradient_max, part[GRADIENT_MAX]);
		header->seconds += part[SECONDS];
		for (uint64_t k = 0; k < count && k < found_max(search->ranks); k++) {
			const double *from = part + HEAD + ENTRY * k;

			entry[header->count++] = (struct block_entry){
			    strads_products_key(cols, (uint64_t)from[0], (uint64_t)from[1]),
			    from[2]};
		}
	}
	*bytes = sizeof *header + header->count * sizeof *entry;
	return STRADS_OK;
}

static int
sync(void *state, const struct strads_block *block, const void *commit, size_t bytes)
{
	struct strads_pairs_search *search = state;
	const struct block_commit *header = commit;
	const struct block_entry *entry = (const struct block_entry *)(header + 1);
	uint64_t cols = search->scan.products->base->cols;

	if (bytes < sizeof *header || header->count > commit_entries(search->ranks) ||
	    bytes != sizeof *header + header->count * sizeof *entry)
		return strads_fail(STRADS_ERR_PROTOCOL, "block %u of a search: %zu bytes",
				   block->index, bytes);
	search->gradient_max = fmax(search->gradient_max, header->gradient_max);
	search->seconds += header->seconds;
	for (uint64_t k = 0; k < header->count; k++) {
		if (entry[k].key / cols >= entry[k].key % cols)
			return strads_fail(STRADS_ERR_PROTOCOL,
					   "block %u of a search found no product: %llu",
					   block->index, (unsigned long long)entry[k].key);
		if (search->violators)
			strads_working_set_violator(search->violators, entry[k].key,
						    (float)entry[k].gradient);
	}
	return STRADS_OK;
}

static int
finish(void *state, const struct strads_block *last)
{
	(void)state;
	(void)last;
	return STRADS_STOP;
}

/* A search changes nothing that another block looks at. */
static bool
early(void *state, uint32_t kind)
{
	(void)state;
	(void)kind;
	return true;
}

static double
push_cost_ns(void *state, const struct strads_block *block)
{
	const struct strads_pairs_search *search = state;
	uint32_t own;

	if (!own_block(search, block, &own))
		return 0;
	return NS_PRODUCT * (double)strads_pairs_scan_cost(&search->scan, own);
}

static struct strads_program
program_of(struct strads_pairs_search *search, int ranks)
{
	return (struct strads_program){
	    .name = "pairs",
	    .state = search,
	    .block_max = 1,
	    .set_blocks_max = 1,
	    .partial_max = (size_t)ranks * part_elems(ranks),
	    .commit_max =
		sizeof(struct block_commit) + commit_entries(ranks) * sizeof(struct block_entry),
	    .schedule = schedule,
	    .partial_elems = partial_elems,
	    .push = push,
	    .pull = pull,
	    .sync = sync,
	    .finish = finish,
	    .early = early,
	    .push_cost_ns = push_cost_ns,
	};
}

/* The next search is scheduled when this one is over: what it scans follows from that. */
static struct strads_engine_options
options_of(const struct strads_engine_options *engine)
{
	struct strads_engine_options options = *engine;

	options.depth = 1;
	options.schedulers = 1;
	options.staleness = 0;
	return options;
}

size_t
strads_pairs_search_bytes(const struct strads_csc *base, const struct strads_engine_options *engine,
			  int ranks)
{
	struct strads_engine_options options = options_of(engine);
	struct strads_program program = program_of(NULL, ranks);

	return strads_pairs_scan_bytes(base) + strads_engine_memory(&program, &options, ranks);
}

int
strads_pairs_search_open(struct strads_pairs_search *search, struct strads_fabric *fabric,
			 const struct strads_products *products,
			 const struct strads_engine_options *engine)
{
	struct strads_engine_options options = options_of(engine);
	struct strads_job *job = strads_fabric_job(fabric);
	int status;

	*search = (struct strads_pairs_search){
	    .fabric = fabric, .rank = strads_job_rank(job), .ranks = strads_job_size(job)};
	search->found.max = found_max(search->ranks);
	status = strads_pairs_scan_new(&search->scan, products);
	search->found.entry = calloc(FOUND_MAX, sizeof *search->found.entry);
	if (!status && !search->found.entry)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for %d candidates", FOUND_MAX);
	status = strads_job_agree(job, status);
	if (status)
		return status;
	search->program = program_of(search, search->ranks);
	return strads_engine_new(fabric, &search->program, &options, &search->engine);
}

void
strads_pairs_search_close(struct strads_pairs_search *search)
{
	strads_engine_delete(&search->engine);
	strads_pairs_scan_free(&search->scan);
	free(search->found.entry);
	*search = (struct strads_pairs_search){0};
}

int
strads_pairs_search_run(struct strads_pairs_search *search, const double *r, double discard,
			uint64_t most)
{
	search->gradient_max = 0;
	strads_pairs_scan_keep(&search->scan, r, discard, most);
	return strads_engine_run(search->engine);
}

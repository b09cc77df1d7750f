#include "search.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Candidates that one block can name. */
#define FOUND_MAX 1024

/* What a multiply-add costs, in nanoseconds. */
#define NS_PRODUCT 2.0

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

/* Block `index` of the set is block `index` of the scan; its one variable is that number. */
static int
schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	const struct strads_pairs_search *search = state;

	(void)set;
	draft->range = true;
	draft->first = index;
	draft->n = index < search->scan.blocks;
	draft->last = index + 1 >= search->scan.blocks;
	return STRADS_OK;
}

static size_t
partial_elems(void *state, const struct strads_block *block)
{
	(void)state;
	(void)block;
	return 0;
}

static int
push(void *state, const struct strads_block *block, double *partial)
{
	const struct strads_pairs_search *search = state;

	(void)partial;
	if (block->n == 0 || (!block->keys && block->first < search->scan.blocks))
		return STRADS_OK;
	return strads_fail(STRADS_ERR_PROTOCOL, "block %llu of %u of a search",
			   (unsigned long long)block->first, search->scan.blocks);
}

static int
pull(void *state, const struct strads_block *block, const double *sum, void *commit, size_t *bytes)
{
	struct strads_pairs_search *search = state;
	struct block_commit *header = commit;
	struct block_entry *entry = (struct block_entry *)(header + 1);
	struct strads_candidates *found = &search->found;
	uint64_t start = strads_fabric_clock_ns(search->fabric);

	(void)sum;
	*header = (struct block_commit){0};
	*bytes = sizeof *header;
	if (block->n == 0)
		return STRADS_OK;
	strads_candidates_clear(found, search->violators ? search->violators->violators.room : 0);
	header->gradient_max =
	    strads_pairs_scan_block(&search->scan, (uint32_t)block->first, search->least,
				    search->known, search->n_known, found);
	header->count = found->count;
	for (uint64_t k = 0; k < found->count; k++)
		entry[k] =
		    (struct block_entry){found->entry[k].key, (double)found->entry[k].gradient};
	header->seconds = (double)(strads_fabric_clock_ns(search->fabric) - start) * 1e-9;
	*bytes += found->count * sizeof *entry;
	return STRADS_OK;
}

static int
sync(void *state, const struct strads_block *block, const void *commit, size_t bytes)
{
	struct strads_pairs_search *search = state;
	const struct block_commit *header = commit;
	const struct block_entry *entry = (const struct block_entry *)(header + 1);
	uint64_t cols = search->scan.products->base->cols;

	if (bytes < sizeof *header || header->count > FOUND_MAX ||
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
pull_cost_ns(void *state, const struct strads_block *block)
{
	const struct strads_pairs_search *search = state;

	if (block->n == 0)
		return 0;
	return NS_PRODUCT * (double)strads_pairs_scan_cost(&search->scan, (uint32_t)block->first);
}

static struct strads_program
program_of(struct strads_pairs_search *search)
{
	return (struct strads_program){
	    .name = "pairs",
	    .state = search,
	    .block_max = 1,
	    .set_blocks_max = 1,
	    .partial_max = 1,
	    .commit_max = sizeof(struct block_commit) + FOUND_MAX * sizeof(struct block_entry),
	    .schedule = schedule,
	    .partial_elems = partial_elems,
	    .push = push,
	    .pull = pull,
	    .sync = sync,
	    .finish = finish,
	    .early = early,
	    .pull_cost_ns = pull_cost_ns,
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
	struct strads_program program = program_of(NULL);

	return strads_pairs_scan_bytes(base) + strads_engine_memory(&program, &options, ranks);
}

int
strads_pairs_search_open(struct strads_pairs_search *search, struct strads_fabric *fabric,
			 const struct strads_products *products,
			 const struct strads_engine_options *engine)
{
	struct strads_engine_options options = options_of(engine);
	int status;

	*search = (struct strads_pairs_search){.fabric = fabric, .found = {.max = FOUND_MAX}};
	status = strads_pairs_scan_new(&search->scan, products);
	search->found.entry = calloc(FOUND_MAX, sizeof *search->found.entry);
	if (!status && !search->found.entry)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for %d candidates", FOUND_MAX);
	status = strads_job_agree(strads_fabric_job(fabric), status);
	if (status)
		return status;
	search->program = program_of(search);
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

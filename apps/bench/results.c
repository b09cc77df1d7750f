#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The only size asked for, or powers of two from the least of the case to the greatest. */
static void
choose_sizes(struct strads_bench *bench, struct strads_results *results)
{
	const struct strads_bench_options *options = bench->options;
	const struct strads_bench_case *what = bench->what;
	uint64_t least = options->all ? what->step : what->least;
	uint64_t most = options->all ? 8 * what->most : what->most;

	if (options->size)
		least = most = options->size;
	if (what->kind == STRADS_BENCH_SHARE)
		least = most = what->least;
	for (uint64_t size = least; size <= most; size *= 2)
		results->size[results->sizes++] = size;
	bench->bytes_max = most;
}

/* Whether the side belongs into the run. */
static bool
wanted(const struct strads_bench *bench, const struct strads_side *side)
{
	const struct strads_bench_options *options = bench->options;
	bool strads = strncmp(side->name, "strads", 6) == 0, mpi = strcmp(side->name, "MPI") == 0;
	bool raw = options->against == STRADS_BENCH_RAW || options->against == STRADS_BENCH_ALL;

	if ((int)side->what != options->what)
		return false;
	if (strads || mpi)
		return true;
	return raw && !(side->one_way && options->bidirectional) &&
	       (!side->path || strncmp(side->path, bench->path, strlen(side->path)) == 0);
}

static int
choose_sides(struct strads_bench *bench, const struct strads_side *const *lists,
	     struct strads_results *results)
{
	int against = bench->options->against;

	for (; *lists; lists++) {
		for (const struct strads_side *side = *lists; side->name; side++) {
			if (wanted(bench, side) && results->sides < STRADS_BENCH_SIDES_MAX)
				results->side[results->sides++] = side;
		}
	}
	if (results->sides == 0)
		return strads_fail(STRADS_ERR_INPUT, "%s: there is no such pattern on this side",
				   bench->what->name);
	if (against == STRADS_BENCH_RAW &&
	    strncmp(results->side[results->sides - 1]->name, "strads", 6) == 0)
		return strads_fail(
		    STRADS_ERR_INPUT,
		    "--against raw: no bare means is known to set beside %s%s over %s",
		    bench->options->bidirectional ? "both directions of " : "", bench->what->name,
		    bench->path);
	results->mpi = bench->fabric && bench->options->what != STRADS_BENCH_OVERLAP &&
		       (against == STRADS_BENCH_MPI || against == STRADS_BENCH_ALL);
	results->repetitions = bench->options->repetitions;
	if (results->repetitions == 0)
		results->repetitions = against == STRADS_BENCH_ALONE ? 1 : 7;
	return STRADS_OK;
}

static int
make_rows(struct strads_results *results)
{
	int lines = results->sides + results->mpi;
	size_t n = (size_t)lines * (size_t)results->sizes;

	results->scratch = calloc(1, sizeof *results->scratch);
	results->samples = calloc(n, sizeof *results->samples);
	results->row = calloc(n, sizeof *results->row);
	if (!results->scratch || !results->samples || !results->row) {
		strads_results_free(results);
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the samples");
	}
	for (size_t i = 0; i < n; i++) {
		int line = (int)(i / (size_t)results->sizes);

		results->row[i] = (struct strads_bench_row){
		    .side = line < results->sides ? results->side[line]->name : "MPI",
		    .size = results->size[i % (size_t)results->sizes],
		    .batch = 1,
		    .samples = &results->samples[i],
		    .ratio = NAN,
		};
	}
	return STRADS_OK;
}

int
strads_results_new(struct strads_bench *bench, const struct strads_side *const *lists,
		   struct strads_results *results)
{
	int status;

	memset(results, 0, sizeof *results);
	choose_sizes(bench, results);
	status = choose_sides(bench, lists, results);
	return status ? status : make_rows(results);
}

void
strads_results_free(struct strads_results *results)
{
	free(results->row);
	free(results->samples);
	free(results->scratch);
	results->row = NULL;
	results->samples = results->scratch = NULL;
}

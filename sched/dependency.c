#include "strads/dependency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A variable whose column is wanted, or here. */
struct member {
	strads_key key;
	bool asked; /* for the column, in vain so far */
	bool held;
	struct strads_column column;
	double mean;
	double norm; /* of the centred column */
};

/* A set in flight. */
struct flight {
	uint64_t set;
	uint32_t n;
	strads_key *keys; /* [set_max] */
};

struct strads_dependency {
	struct strads_fabric *fabric;
	struct strads_columns *columns;
	struct strads_dependency_options options;
	struct flight *flight; /* [depth], set t at t mod depth */
	double *dense;         /* [rows] the candidate being looked at, elsewhere 0 */

	bool choosing;         /* a call answered STRADS_AGAIN */
	struct member *others; /* [(depth − 1) · set_max] in flight, by column */
	uint32_t n_others;
	struct member *candidates; /* [candidates_max]; those chosen move to the front */
	uint32_t n_chosen;
	uint32_t at; /* the candidate to be looked at next */
	double worst;
	struct strads_dependency_stats stats;
};

static int
check_options(const struct strads_dependency_options *options)
{
	if (!(options->rho > 0 && options->rho <= 1))
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "a correlation of %g at which variables interfere: give a "
				   "number above 0 and at most 1, typically 0.1",
				   options->rho);
	if (options->candidates_max < 1 || options->set_max < 1 || options->depth < 1 ||
	    options->rows > UINT32_MAX)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "a choice among %u candidates, for sets of %u, %u in flight, of "
				   "columns of %llu rows",
				   options->candidates_max, options->set_max, options->depth,
				   (unsigned long long)options->rows);
	return STRADS_OK;
}

size_t
strads_dependency_memory(const struct strads_dependency_options *options)
{
	size_t others = (size_t)(options->depth - 1) * options->set_max;

	return sizeof(struct strads_dependency) + options->depth * sizeof(struct flight) +
	       (size_t)options->depth * options->set_max * sizeof(strads_key) +
	       (options->rows + 1) * sizeof(double) +
	       (others + 1 + options->candidates_max) * sizeof(struct member);
}

static bool
allocate(struct strads_dependency *dependency)
{
	const struct strads_dependency_options *options = &dependency->options;
	size_t others = (size_t)(options->depth - 1) * options->set_max;
	bool ok;

	dependency->flight = calloc(options->depth, sizeof *dependency->flight);
	dependency->dense = calloc(options->rows + 1, sizeof *dependency->dense);
	dependency->others = calloc(others + 1, sizeof *dependency->others);
	dependency->candidates = calloc(options->candidates_max, sizeof *dependency->candidates);
	ok =
	    dependency->flight && dependency->dense && dependency->others && dependency->candidates;
	for (uint32_t i = 0; ok && i < options->depth; i++) {
		struct flight *flight = &dependency->flight[i];

		flight->set = UINT64_MAX;
		flight->keys = calloc(options->set_max, sizeof *flight->keys);
		ok = flight->keys != NULL;
	}
	return ok;
}

int
strads_dependency_new(struct strads_fabric *fabric, struct strads_columns *columns,
		      const struct strads_dependency_options *options,
		      struct strads_dependency **out)
{
	struct strads_dependency *dependency;
	int status = check_options(options);

	if (status)
		return status;
	dependency = calloc(1, sizeof *dependency);
	if (dependency) {
		dependency->fabric = fabric;
		dependency->columns = columns;
		dependency->options = *options;
	}
	if (!dependency || !allocate(dependency)) {
		strads_dependency_delete(&dependency);
		return strads_fail(STRADS_ERR_MEMORY,
				   "no memory to check %u candidates of %llu rows",
				   options->candidates_max, (unsigned long long)options->rows);
	}
	*out = dependency;
	return STRADS_OK;
}

/* ---- Columns at hand ------------------------------------------------------------------------- */

static void
release(struct strads_dependency *dependency, struct member *member)
{
	if (member->held)
		strads_columns_release(dependency->columns, member->key);
	else if (member->asked)
		strads_columns_forget(dependency->columns, member->key);
	member->held = member->asked = false;
}

static void
release_all(struct strads_dependency *dependency, uint32_t n)
{
	for (uint32_t i = 0; i < dependency->n_others; i++)
		release(dependency, &dependency->others[i]);
	for (uint32_t i = 0; i < n; i++)
		release(dependency, &dependency->candidates[i]);
	dependency->choosing = false;
}

void
strads_dependency_delete(struct strads_dependency **pointer)
{
	struct strads_dependency *dependency = *pointer;

	if (!dependency)
		return;
	if (dependency->choosing)
		release_all(dependency, dependency->options.candidates_max);
	for (uint32_t i = 0; dependency->flight && i < dependency->options.depth; i++)
		free(dependency->flight[i].keys);
	free(dependency->flight);
	free(dependency->dense);
	free(dependency->others);
	free(dependency->candidates);
	free(dependency);
	*pointer = NULL;
}

static double
observations(const struct strads_dependency_options *options)
{
	return (double)(options->rows - options->absent);
}

/* ‖x − μ‖² = Σx² − nμ². */
static void
measure(const struct strads_dependency *dependency, struct member *member)
{
	const struct strads_column *column = &member->column;
	const struct strads_dependency_options *options = &dependency->options;
	double square = 0;

	for (uint32_t i = 0; i < column->entries; i++)
		square += column->value[i] * column->value[i];
	member->mean = options->mean ? options->mean[member->key] : 0;
	square -= observations(options) * member->mean * member->mean;
	member->norm = square > 0 ? sqrt(square) : 0;
}

/* Asks for the columns of some members; those after one for which there is no room are not asked
 * for. *waiting: some are being read; *moved: that went on. Returns STRADS_OK (all are here),
 * AGAIN, FULL or an error. */
static int
hold(struct strads_dependency *dependency, struct member *members, uint32_t n, bool *waiting,
     bool *moved)
{
	int worst = STRADS_OK;

	for (uint32_t i = 0; i < n && worst != STRADS_COLUMNS_FULL; i++) {
		int status;

		if (members[i].held)
			continue;
		status = strads_columns_hold(dependency->columns, members[i].key,
					     &members[i].column, moved);
		if (status < 0)
			return status;
		members[i].held = status == STRADS_OK;
		members[i].asked = status != STRADS_OK;
		if (status == STRADS_OK) {
			measure(dependency, &members[i]);
		} else {
			worst = status;
			*waiting = *waiting || status == STRADS_AGAIN;
		}
	}
	return worst;
}

/* ---- Choosing -------------------------------------------------------------------------------- */

/* |x_jᵀx_k − nμ_jμ_k| / (‖x_j‖·‖x_k‖), x_j being the dense one. */
static double
correlation(struct strads_dependency *dependency, const struct member *j, const struct member *k)
{
	const struct strads_column *column = &k->column;
	double product = 0, norms = j->norm * k->norm;

	for (uint32_t i = 0; i < column->entries; i++)
		product += dependency->dense[column->row[i]] * column->value[i];
	dependency->stats.products++;
	product -= observations(&dependency->options) * j->mean * k->mean;
	return norms > 0 ? fabs(product) / norms : 0;
}

/* The largest correlation of the candidate with `n` members, or one that is too large. */
static double
compare(struct strads_dependency *dependency, const struct member *candidate,
	const struct member *members, uint32_t n)
{
	double worst = 0;

	for (uint32_t i = 0; i < n && worst < dependency->options.rho; i++) {
		double c = members[i].key == candidate->key
			       ? 1
			       : correlation(dependency, candidate, &members[i]);

		worst = c > worst ? c : worst;
	}
	return worst;
}

/* Keeps the candidate, or lets go of it. */
static void
decide(struct strads_dependency *dependency)
{
	struct member *candidates = dependency->candidates;
	struct member *candidate = &candidates[dependency->at];
	const struct strads_column *column = &candidate->column;
	double worst, among;

	for (uint32_t i = 0; i < column->entries; i++)
		dependency->dense[column->row[i]] = column->value[i];
	worst = compare(dependency, candidate, dependency->others, dependency->n_others);
	among = worst < dependency->options.rho
		    ? compare(dependency, candidate, candidates, dependency->n_chosen)
		    : 0;
	worst = among > worst ? among : worst;
	for (uint32_t i = 0; i < column->entries; i++)
		dependency->dense[column->row[i]] = 0;
	dependency->stats.candidates++;
	if (worst < dependency->options.rho) {
		struct member kept = *candidate;

		*candidate = candidates[dependency->n_chosen];
		candidates[dependency->n_chosen++] = kept;
		dependency->worst = worst > dependency->worst ? worst : dependency->worst;
	} else {
		release(dependency, candidate);
	}
	dependency->at++;
}

/* Decides on the candidates whose columns are here, in their order. Returns whether on any. */
static bool
decide_some(struct strads_dependency *dependency, uint32_t n)
{
	uint64_t start = strads_fabric_clock_ns(dependency->fabric);
	uint32_t before = dependency->at;

	while (dependency->at < n && dependency->candidates[dependency->at].held &&
	       dependency->n_chosen < dependency->options.set_max)
		decide(dependency);
	dependency->stats.busy_ns += strads_fabric_clock_ns(dependency->fabric) - start;
	return dependency->at > before;
}

static void
start(struct strads_dependency *dependency, uint64_t set, const strads_key *candidates, uint32_t n)
{
	uint64_t depth = dependency->options.depth;

	dependency->choosing = true;
	dependency->n_others = dependency->n_chosen = dependency->at = 0;
	dependency->worst = 0;
	for (uint64_t t = set >= depth ? set - depth + 1 : 0; t < set; t++) {
		const struct flight *flight = &dependency->flight[t % depth];

		for (uint32_t i = 0; flight->set == t && i < flight->n; i++)
			dependency->others[dependency->n_others++] =
			    (struct member){.key = flight->keys[i]};
	}
	for (uint32_t i = 0; i < n; i++)
		dependency->candidates[i] = (struct member){.key = candidates[i]};
}

/* Room for the candidate that is next in turn: those behind it wait. */
static void
make_room(struct strads_dependency *dependency, uint32_t n)
{
	for (uint32_t i = dependency->at + 1; i < n; i++)
		release(dependency, &dependency->candidates[i]);
}

/* Goes on until all is decided (STRADS_OK), or columns are waited for (AGAIN). */
static int
go_on(struct strads_dependency *dependency, uint32_t n)
{
	bool emptied = false;

	for (;;) {
		bool waiting = false, moved = false;
		int others =
		    hold(dependency, dependency->others, dependency->n_others, &waiting, &moved);
		int ahead = others;

		if (others >= 0 && others != STRADS_COLUMNS_FULL)
			ahead = hold(dependency, dependency->candidates + dependency->at,
				     n - dependency->at, &waiting, &moved);
		if (ahead < 0)
			return ahead;
		if (others == STRADS_OK && decide_some(dependency, n)) {
			moved = true;
			emptied = false;
		}
		if (dependency->at == n || dependency->n_chosen == dependency->options.set_max)
			return STRADS_OK;
		if (moved)
			continue;
		if (waiting)
			return STRADS_AGAIN;
		if (emptied)
			return strads_fail(STRADS_ERR_MEMORY,
					   "the cache does not hold the columns of one set and "
					   "those in flight: give it more memory, or use smaller "
					   "sets");
		make_room(dependency, n);
		emptied = true;
	}
}

void
strads_dependency_seen(struct strads_dependency *dependency, uint64_t set, const strads_key *keys,
		       uint32_t n)
{
	struct flight *flight = &dependency->flight[set % dependency->options.depth];

	flight->set = set;
	flight->n = n;
	memcpy(flight->keys, keys, n * sizeof *keys);
}

int
strads_dependency_choose(struct strads_dependency *dependency, uint64_t set,
			 const strads_key *candidates, uint32_t n, strads_key *chosen,
			 uint32_t *n_chosen, double *worst)
{
	int status;

	if (!dependency->choosing)
		start(dependency, set, candidates, n);
	status = go_on(dependency, n);
	if (status == STRADS_AGAIN)
		return status;
	if (status == STRADS_OK) {
		for (uint32_t i = 0; i < dependency->n_chosen; i++)
			chosen[i] = dependency->candidates[i].key;
		*n_chosen = dependency->n_chosen;
		*worst = dependency->worst;
		dependency->stats.chosen += dependency->n_chosen;
	}
	release_all(dependency, n);
	return status;
}

void
strads_dependency_stats(const struct strads_dependency *dependency,
			struct strads_dependency_stats *stats)
{
	*stats = dependency->stats;
}

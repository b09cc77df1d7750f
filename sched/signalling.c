#include "strads/signalling.h"

#include "strads/random.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define NONE UINT32_MAX

/* An own variable, by its number k / S. */
struct variable {
	double residual;
	uint64_t order; /* among equals the smaller comes first */
	uint32_t place; /* in the heap, or NONE */
	bool in_flight;
};

struct strads_signalling {
	struct strads_signalling_options options;
	uint32_t own;              /* variables of this scheduler */
	struct variable *variable; /* [own] */
	uint32_t *heap;            /* [own] numbers; the one that comes next is at the front */
	uint32_t queued;
	uint32_t flying;
	bool *member; /* [variables] of the block being noted */
};

static uint64_t
schedulers(const struct strads_signalling_options *options)
{
	return (uint64_t)options->graph->options.schedulers;
}

static uint64_t
own_variables(const struct strads_signalling_options *options)
{
	const struct strads_graph_options *graph = &options->graph->options;

	return graph->variables / schedulers(options) +
	       ((uint64_t)graph->scheduler < graph->variables % schedulers(options));
}

static strads_key
key_of(const struct strads_signalling *signalling, uint32_t number)
{
	return number * schedulers(&signalling->options) +
	       (uint64_t)signalling->options.graph->options.scheduler;
}

size_t
strads_signalling_bytes(const struct strads_signalling_options *options)
{
	const struct strads_signalling *signalling = NULL;

	return sizeof *signalling +
	       own_variables(options) * (sizeof *signalling->variable + sizeof *signalling->heap) +
	       options->graph->options.variables * sizeof *signalling->member;
}

/* ---- The queue ------------------------------------------------------------------------------- */

static bool
comes_first(const struct strads_signalling *signalling, uint32_t a, uint32_t b)
{
	const struct variable *left = &signalling->variable[a], *right = &signalling->variable[b];

	if (left->residual != right->residual)
		return left->residual > right->residual;
	return left->order < right->order || (left->order == right->order && a < b);
}

static void
put(struct strads_signalling *signalling, uint32_t place, uint32_t number)
{
	signalling->heap[place] = number;
	signalling->variable[number].place = place;
}

/* Moves what is at `place` towards the front. */
static void
rise(struct strads_signalling *signalling, uint32_t place)
{
	uint32_t number = signalling->heap[place];

	while (place > 0) {
		uint32_t parent = (place - 1) / 2;

		if (!comes_first(signalling, number, signalling->heap[parent]))
			break;
		put(signalling, place, signalling->heap[parent]);
		place = parent;
	}
	put(signalling, place, number);
}

static void
sink(struct strads_signalling *signalling, uint32_t place)
{
	uint32_t number = signalling->heap[place], child;

	while ((child = 2 * place + 1) < signalling->queued) {
		if (child + 1 < signalling->queued &&
		    comes_first(signalling, signalling->heap[child + 1], signalling->heap[child]))
			child++;
		if (!comes_first(signalling, signalling->heap[child], number))
			break;
		put(signalling, place, signalling->heap[child]);
		place = child;
	}
	put(signalling, place, number);
}

/* Queues a variable, or moves it: its residual has grown. */
static void
queue(struct strads_signalling *signalling, uint32_t number)
{
	struct variable *variable = &signalling->variable[number];

	if (variable->place == NONE)
		put(signalling, signalling->queued++, number);
	rise(signalling, variable->place);
}

/* Takes a variable off the queue. */
static void
unqueue(struct strads_signalling *signalling, uint32_t number)
{
	uint32_t place = signalling->variable[number].place;
	uint32_t last = signalling->heap[--signalling->queued];

	signalling->variable[number].place = NONE;
	if (last == number)
		return;
	put(signalling, place, last);
	rise(signalling, place);
	sink(signalling, signalling->variable[last].place);
}

static void
queue_all(struct strads_signalling *signalling, double residual)
{
	for (uint32_t number = 0; number < signalling->own; number++) {
		signalling->variable[number].residual = residual;
		queue(signalling, number);
	}
}

/* ---- The scheduler --------------------------------------------------------------------------- */

int
strads_signalling_new(const struct strads_signalling_options *options,
		      struct strads_signalling **out)
{
	struct strads_signalling *signalling = calloc(1, sizeof *signalling);
	uint64_t own = own_variables(options);

	if (!signalling)
		goto fail;
	signalling->options = *options;
	signalling->own = (uint32_t)own;
	signalling->variable = calloc(own + 1, sizeof *signalling->variable);
	signalling->heap = calloc(own + 1, sizeof *signalling->heap);
	signalling->member =
	    calloc(options->graph->options.variables + 1, sizeof *signalling->member);
	if (!signalling->variable || !signalling->heap || !signalling->member)
		goto fail;
	for (uint32_t number = 0; number < signalling->own; number++)
		signalling->variable[number] = (struct variable){
		    .order = strads_random_mix(options->seed ^
					       strads_random_mix(key_of(signalling, number))),
		    .place = NONE};
	queue_all(signalling, INFINITY);
	*out = signalling;
	return STRADS_OK;

fail:
	strads_signalling_delete(&signalling);
	return strads_fail(STRADS_ERR_MEMORY, "no memory to queue %llu variables",
			   (unsigned long long)own);
}

void
strads_signalling_delete(struct strads_signalling **pointer)
{
	struct strads_signalling *signalling = *pointer;

	if (!signalling)
		return;
	free(signalling->variable);
	free(signalling->heap);
	free(signalling->member);
	free(signalling);
	*pointer = NULL;
}

uint32_t
strads_signalling_draw(struct strads_signalling *signalling, uint32_t n, strads_key *keys)
{
	uint32_t drawn = 0;

	if (signalling->queued == 0 && signalling->flying == 0)
		queue_all(signalling, DBL_MIN);
	for (; drawn < n && signalling->queued > 0; drawn++) {
		uint32_t number = signalling->heap[0];

		unqueue(signalling, number);
		signalling->variable[number].in_flight = true;
		signalling->flying++;
		keys[drawn] = key_of(signalling, number);
	}
	return drawn;
}

/* An own variable was updated: it knows of all changes before. */
static void
settle(struct strads_signalling *signalling, strads_key key)
{
	struct variable *variable;

	if (key % schedulers(&signalling->options) !=
	    (uint64_t)signalling->options.graph->options.scheduler)
		return;
	variable = &signalling->variable[key / schedulers(&signalling->options)];
	if (variable->place != NONE)
		unqueue(signalling, (uint32_t)(key / schedulers(&signalling->options)));
	variable->residual = 0;
	signalling->flying -= variable->in_flight;
	variable->in_flight = false;
}

/* Variable j changed by `change`. What is in flight is signalled when it has settled, by what
 * changes after: its own update sees all before. */
static void
signal_neighbours(struct strads_signalling *signalling, strads_key j, double change)
{
	const struct strads_graph *graph = signalling->options.graph;
	const double *scale = signalling->options.scale;
	double own = scale ? scale[j] : 1;

	for (uint64_t e = graph->first[j]; e < graph->first[j + 1]; e++) {
		uint32_t k = graph->to[e];
		uint32_t number = (uint32_t)(k / schedulers(&signalling->options));
		struct variable *variable = &signalling->variable[number];
		double signal = (double)graph->weight[e] * own * (scale ? scale[k] : 1) * change;

		if (variable->in_flight || (signalling->options.joint && signalling->member[k]))
			continue;
		variable->residual += signal;
		if (variable->residual > 0)
			queue(signalling, number);
	}
}

void
strads_signalling_note(struct strads_signalling *signalling, const strads_key *keys,
		       const double *change, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		settle(signalling, keys[i]);
		signalling->member[keys[i]] = true;
	}
	for (uint32_t i = 0; i < n; i++)
		if (change[i] != 0 && isfinite(change[i]))
			signal_neighbours(signalling, keys[i], fabs(change[i]));
	for (uint32_t i = 0; i < n; i++)
		signalling->member[keys[i]] = false;
}

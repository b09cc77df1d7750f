#include "strads/priority.h"

#include "keymap.h"
#include "strads/random.h"

#include <math.h>
#include <stdlib.h>

#define STREAM (UINT64_C(3) << 62)

/* Random guesses at a variable of some kind, before all are looked through from the last guess on.
 */
#define GUESSES 64

#define NONE UINT32_MAX

/* So that the sum of all is finite. */
#define WEIGHT_MAX 1e290

/* Of a variable that was drawn or offered before. */
enum standing {
	IN_FLIGHT_FRESH, /* for the first time */
	RETURNED,        /* released then, or offered: in the queue */
	IN_FLIGHT,       /* again */
	IDLE,            /* updated at least once */
};

/* What is known of it. */
struct variable {
	double weight; /* |Δ| at its last update */
	uint32_t next; /* in the queue of those that were returned, or NONE */
	uint32_t standing;
};

struct strads_priority {
	struct strads_priority_options options;
	uint64_t own;              /* variables of this scheduler that need not be offered */
	struct strads_keymap map;  /* number of each that was drawn */
	struct variable *variable; /* [capacity] by number */
	double *tree; /* [2 · capacity] a node's is the sum of its children's, the leaves are the
		       * weights of what is idle: leaf i at capacity + i, the root at 1 */
	uint64_t capacity;    /* a power of two, or 0 */
	uint32_t idle;        /* variables of that standing */
	uint32_t first, last; /* of the queue, or NONE */
	uint64_t draw, index; /* of the random numbers */
	uint32_t *rest;       /* [own / 2 + 1] k / S of those never drawn, once they are fewer than
			       * the others; before, a guess finds one */
	uint64_t rest_count;
};

/* How many variables are this scheduler's. */
static uint64_t
own_variables(const struct strads_priority_options *options)
{
	uint64_t schedulers = (uint64_t)options->schedulers;

	return options->variables / schedulers +
	       ((uint64_t)options->scheduler < options->variables % schedulers);
}

int
strads_priority_new(const struct strads_priority_options *options, struct strads_priority **out)
{
	struct strads_priority *priority;

	if (options->variables < 1 || options->schedulers < 1 || options->scheduler < 0 ||
	    options->scheduler >= options->schedulers)
		return strads_fail(
		    STRADS_ERR_ARGUMENT,
		    "a priority scheduler %d of %d over %llu variables: at least one "
		    "variable is needed, and schedulers count from 0",
		    options->scheduler, options->schedulers,
		    (unsigned long long)options->variables);
	if (!(options->fresh >= 0 && options->fresh <= 1 && options->uniform >= 0 &&
	      options->uniform <= 1))
		return strads_fail(
		    STRADS_ERR_ARGUMENT,
		    "shares of %g fresh and %g uniform draws: give numbers from 0 to 1",
		    options->fresh, options->uniform);
	priority = calloc(1, sizeof *priority);
	if (!priority)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a scheduler");
	priority->options = *options;
	priority->own = options->offered ? 0 : own_variables(options);
	priority->first = priority->last = NONE;
	*out = priority;
	return STRADS_OK;
}

void
strads_priority_delete(struct strads_priority **pointer)
{
	struct strads_priority *priority = *pointer;

	if (!priority)
		return;
	strads_keymap_free(&priority->map);
	free(priority->variable);
	free(priority->tree);
	free(priority->rest);
	free(priority);
	*pointer = NULL;
}

/* ---- Weights ------------------------------------------------------------------------------- */

/* Sums are made anew from the leaf up, so that no rounding stays behind. */
static void
weigh(struct strads_priority *priority, uint32_t number, double weight)
{
	double *tree = priority->tree;
	uint64_t node = priority->capacity + number;

	tree[node] = weight;
	while ((node /= 2) > 0)
		tree[node] = tree[2 * node] + tree[2 * node + 1];
}

/* Room for `more` variables that were never drawn. */
static int
reserve(struct strads_priority *priority, uint32_t more)
{
	uint64_t capacity;
	struct variable *variable;
	double *tree;
	int status = strads_keymap_reserve(&priority->map, more);

	capacity = priority->map.room;
	if (status || capacity == priority->capacity)
		return status;
	variable = realloc(priority->variable, capacity * sizeof *variable);
	if (!variable)
		goto fail;
	priority->variable = variable;
	tree = calloc(2 * capacity, sizeof *tree);
	if (!tree)
		goto fail;
	for (uint32_t i = 0; i < priority->map.count; i++)
		tree[capacity + i] = variable[i].standing == IDLE ? variable[i].weight : 0;
	for (uint64_t node = capacity; node-- > 1;)
		tree[node] = tree[2 * node] + tree[2 * node + 1];
	free(priority->tree);
	priority->tree = tree;
	priority->capacity = capacity;
	return STRADS_OK;

fail:
	return strads_fail(STRADS_ERR_MEMORY, "no memory for the priorities of %llu variables",
			   (unsigned long long)capacity);
}

/* The last of the queue of those never updated. */
static void
queue(struct strads_priority *priority, uint32_t number)
{
	priority->variable[number] = (struct variable){.next = NONE, .standing = RETURNED};
	if (priority->last == NONE)
		priority->first = number;
	else
		priority->variable[priority->last].next = number;
	priority->last = number;
}

int
strads_priority_offer(struct strads_priority *priority, const strads_key *keys, uint64_t n)
{
	uint64_t schedulers = (uint64_t)priority->options.schedulers;

	for (uint64_t i = 0; i < n; i++) {
		int status;

		if (keys[i] % schedulers != (uint64_t)priority->options.scheduler ||
		    strads_keymap_find(&priority->map, keys[i]) != STRADS_KEYMAP_NONE)
			continue;
		status = reserve(priority, 1);
		if (status)
			return status;
		queue(priority, strads_keymap_add(&priority->map, keys[i]));
	}
	return STRADS_OK;
}

/* ---- Draws --------------------------------------------------------------------------------- */

static uint64_t
bits(struct strads_priority *priority)
{
	return strads_random(priority->options.seed, STREAM + priority->draw, priority->index++);
}

/* Uniform in 0 … bound − 1. */
static uint64_t
uniform(struct strads_priority *priority, uint64_t bound)
{
	return strads_random_scale(bits(priority), bound);
}

/* Uniform in [0, 1). */
static double
unit(struct strads_priority *priority)
{
	return (double)(bits(priority) >> 11) * 0x1p-53;
}

/* Lists those never drawn when half of all have been. */
static int
list_rest(struct strads_priority *priority)
{
	const struct strads_priority_options *options = &priority->options;
	uint64_t own = priority->own;

	if (priority->rest || priority->options.offered || own > UINT32_MAX ||
	    priority->map.count < own - own / 2)
		return STRADS_OK;
	priority->rest = malloc((own / 2 + 1) * sizeof *priority->rest);
	if (!priority->rest)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to list %llu variables",
				   (unsigned long long)(own / 2));
	for (uint64_t position = 0; position < own; position++) {
		strads_key key =
		    position * (uint64_t)options->schedulers + (uint64_t)options->scheduler;

		if (strads_keymap_find(&priority->map, key) == STRADS_KEYMAP_NONE)
			priority->rest[priority->rest_count++] = (uint32_t)position;
	}
	return STRADS_OK;
}

/* One of those listed. */
static uint32_t
draw_rest(struct strads_priority *priority)
{
	uint64_t place = uniform(priority, priority->rest_count);
	uint64_t position = priority->rest[place];

	priority->rest[place] = priority->rest[--priority->rest_count];
	return strads_keymap_add(&priority->map, position * (uint64_t)priority->options.schedulers +
						     (uint64_t)priority->options.scheduler);
}

/* A variable that was never drawn; there is one. */
static uint32_t
draw_unknown(struct strads_priority *priority)
{
	uint64_t position = 0, schedulers = (uint64_t)priority->options.schedulers;
	strads_key key;

	if (priority->rest)
		return draw_rest(priority);
	for (int guess = 0;; guess++) {
		if (guess < GUESSES)
			position = uniform(priority, priority->own);
		else
			position = position + 1 == priority->own ? 0 : position + 1;
		key = position * schedulers + (uint64_t)priority->options.scheduler;
		if (strads_keymap_find(&priority->map, key) == STRADS_KEYMAP_NONE)
			break;
	}
	return strads_keymap_add(&priority->map, key);
}

/* One that was never updated: those that were returned come first. */
static uint32_t
draw_fresh(struct strads_priority *priority)
{
	uint32_t number = priority->first;

	if (number == NONE)
		number = draw_unknown(priority);
	else if ((priority->first = priority->variable[number].next) == NONE)
		priority->last = NONE;
	priority->variable[number] = (struct variable){.next = NONE, .standing = IN_FLIGHT_FRESH};
	return number;
}

/* One that is idle, whatever it weighs; there is one. */
static uint32_t
draw_idle(struct strads_priority *priority)
{
	uint32_t number = 0, count = priority->map.count;

	for (int guess = 0;; guess++) {
		if (guess < GUESSES)
			number = (uint32_t)uniform(priority, count);
		else
			number = number + 1 == count ? 0 : number + 1;
		if (priority->variable[number].standing == IDLE)
			return number;
	}
}

/* One that is idle, by its weight; not all weights are 0. */
static uint32_t
draw_heavy(struct strads_priority *priority)
{
	const double *tree = priority->tree;
	double rest = unit(priority) * tree[1];
	uint64_t node = 1;

	while (node < priority->capacity) {
		node *= 2;
		/* By rounding the rest may exceed what is left: nothing without weight is drawn. */
		if (rest >= tree[node] && tree[node + 1] > 0) {
			rest -= tree[node];
			node++;
		}
	}
	return (uint32_t)(node - priority->capacity);
}

static uint32_t
draw_one(struct strads_priority *priority)
{
	const struct strads_priority_options *options = &priority->options;
	bool fresh = priority->first != NONE || priority->map.count < priority->own;
	uint32_t number;

	if (fresh && (priority->idle == 0 || unit(priority) < options->fresh))
		return draw_fresh(priority);
	if (priority->idle == 0)
		return NONE;
	if (!(priority->tree[1] > 0) || unit(priority) < options->uniform)
		number = draw_idle(priority);
	else
		number = draw_heavy(priority);
	priority->variable[number].standing = IN_FLIGHT;
	priority->idle--;
	weigh(priority, number, 0);
	return number;
}

int
strads_priority_draw(struct strads_priority *priority, uint64_t draw, uint32_t n, strads_key *keys,
		     uint32_t *drawn)
{
	uint64_t unknown = priority->options.offered ? 0 : priority->own - priority->map.count;
	int status = reserve(priority, n < unknown ? n : (uint32_t)unknown);
	uint32_t have = 0, number;

	if (!status)
		status = list_rest(priority);
	if (status)
		return status;
	priority->draw = draw;
	priority->index = 0;
	for (; have < n && (number = draw_one(priority)) != NONE; have++)
		keys[have] = priority->map.key[number];
	*drawn = have;
	return STRADS_OK;
}

/* ---- What became of them ------------------------------------------------------------------- */

static void
rest(struct strads_priority *priority, uint32_t number)
{
	struct variable *variable = &priority->variable[number];

	priority->idle += variable->standing != IDLE;
	variable->standing = IDLE;
	weigh(priority, number, variable->weight);
}

void
strads_priority_note(struct strads_priority *priority, strads_key key, double change)
{
	uint32_t number = strads_keymap_find(&priority->map, key);

	if (number == STRADS_KEYMAP_NONE || priority->variable[number].standing == RETURNED)
		return;
	priority->variable[number].weight = isfinite(change) ? fmin(fabs(change), WEIGHT_MAX) : 0;
	rest(priority, number);
}

void
strads_priority_release(struct strads_priority *priority, strads_key key)
{
	uint32_t number = strads_keymap_find(&priority->map, key);

	if (number == STRADS_KEYMAP_NONE)
		return;
	if (priority->variable[number].standing == IN_FLIGHT) {
		rest(priority, number);
	} else if (priority->variable[number].standing == IN_FLIGHT_FRESH) {
		queue(priority, number);
	}
}

uint64_t
strads_priority_touched(const struct strads_priority *priority)
{
	return priority->map.count;
}

static size_t
bytes(uint64_t room)
{
	const struct strads_priority *priority = NULL;

	return sizeof *priority +
	       room * (sizeof *priority->map.key + 2 * sizeof *priority->map.place +
		       sizeof *priority->variable + 2 * sizeof *priority->tree);
}

size_t
strads_priority_bytes(const struct strads_priority *priority)
{
	return bytes(priority->capacity) +
	       (priority->rest ? (priority->own / 2 + 1) * sizeof *priority->rest : 0);
}

size_t
strads_priority_most_bytes(const struct strads_priority_options *options)
{
	uint64_t own = own_variables(options);

	return bytes(strads_keymap_room(own)) + (own / 2 + 1) * sizeof(uint32_t);
}

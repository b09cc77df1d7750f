#include "state.h"

#include <stdlib.h>
#include <string.h>

/* Declared cost of adding one double to a sum, for the simulator's clock. */
#define ADD_COST_NS 0.5

int
strads_reducer_init(struct strads_engine *engine, struct strads_trailer *trailers, uint8_t *staging)
{
	const struct strads_shape *shape = &engine->shape;
	struct strads_reducer *reducer = &engine->reducer;

	*reducer = (struct strads_reducer){
	    .reductions = shape->reductions, .reads = shape->reads, .staging = staging};
	reducer->ring = calloc(shape->reductions, sizeof *reducer->ring);
	reducer->sums =
	    calloc(strads_shape_sums(shape), (shape->partial_elems + 1) * sizeof(double));
	reducer->readings = calloc(shape->reads, sizeof *reducer->readings);
	reducer->cast =
	    (struct strads_cast){.lane = &engine->lane[STRADS_LANE_COMMIT], .trailers = trailers};
	reducer->cast.messages =
	    calloc(shape->lane[STRADS_LANE_COMMIT].slots, sizeof *reducer->cast.messages);
	if (!reducer->ring || (strads_shape_sums(shape) > 0 && !reducer->sums) ||
	    !reducer->readings || !reducer->cast.messages)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %u reductions",
				   shape->reductions);
	return STRADS_OK;
}

void
strads_reducer_free(struct strads_reducer *reducer)
{
	free(reducer->cast.messages);
	free(reducer->readings);
	free(reducer->sums);
	free(reducer->ring);
	*reducer = (struct strads_reducer){0};
}

static struct strads_reduction *
reduction_at(const struct strads_reducer *reducer, uint64_t number)
{
	return &reducer->ring[number & (reducer->reductions - 1)];
}

/* Whether sums come up by trees. */
static bool
by_tree(const struct strads_engine *engine)
{
	return engine->shape.relays > 0;
}

/* How many ranks' partials, or sums, the reduction adds up. */
static int
addends(const struct strads_engine *engine, const struct strads_reduction *reduction)
{
	return by_tree(engine) ? 1 + reduction->below : engine->ranks;
}

/* The rank whose addend comes `nth`: all in their order, or this one and those below it. */
static int
rank_of(const struct strads_engine *engine, const struct strads_reduction *reduction, int nth)
{
	if (!by_tree(engine))
		return nth;
	return nth == 0 ? engine->rank
			: strads_tree_rank(&engine->tree, reduction->entry->block.reducer,
					   reduction->first_below + nth - 1);
}

static bool
is_eager(const struct strads_engine *engine, const struct strads_reduction *reduction)
{
	return reduction->entry->elems <= engine->shape.eager_elems;
}

static size_t
partial_bytes(const struct strads_reduction *reduction)
{
	return reduction->entry->elems * sizeof(double);
}

/* sum[0 … n) += addend, or = for the first rank's. */
static void
add(struct strads_engine *engine, double *restrict sum, const double *restrict addend, size_t n,
    bool first)
{
	if (first && n)
		memcpy(sum, addend, n * sizeof *sum);
	else
		for (size_t i = 0; i < n; i++)
			sum[i] += addend[i];
	strads_fabric_charge(engine->fabric, ADD_COST_NS * (double)n);
}

/* Readies a reduction of the entry's block. By a tree this rank's own partial comes first, and the
 * sum grows where that lies. */
static void
open_reduction(struct strads_engine *engine, uint64_t number, struct strads_entry *entry)
{
	const struct strads_reducer *reducer = &engine->reducer;
	size_t place = number & (reducer->reductions - 1);
	int own = strads_tree_place(&engine->tree, entry->block.reducer, engine->rank);

	reducer->ring[place] = (struct strads_reduction){
	    .entry = entry,
	    .sum = by_tree(engine) ? entry->partial
				   : reducer->sums + place * engine->shape.partial_elems,
	    .first_below = strads_tree_first(&engine->tree, own),
	    .below = strads_tree_children(&engine->tree, own),
	};
}

/* Begins to sum the blocks of the sets that may be pushed and that this rank sums up. */
static void
open_step(struct strads_engine *engine)
{
	struct strads_reducer *reducer = &engine->reducer;
	struct strads_window *window = &engine->window;

	while (window->mine_first && window->mine_first->base <= engine->finished &&
	       reducer->opened - reducer->first < reducer->reductions) {
		open_reduction(engine, reducer->opened++, window->mine_first);
		strads_window_unqueue(window);
	}
}

/* The message about the addend that comes next, checked against what is expected: AGAIN if it has
 * not come, or one is before it that an earlier reduction is to take. A rank sends the partials of
 * the blocks in order, so that none is behind one of a later block. */
static int
expect_partial(struct strads_engine *engine, const struct strads_reduction *reduction,
	       const void **payload)
{
	const struct strads_reducer *reducer = &engine->reducer;
	const struct strads_block *block = &reduction->entry->block;
	size_t bytes = partial_bytes(reduction);
	int rank = rank_of(engine, reduction, reduction->next);
	const struct strads_trailer *trailer;
	int status = strads_lane_peek(&engine->lane[STRADS_LANE_PARTIAL], rank, &trailer, payload);

	if (status != STRADS_OK)
		return status;
	if (trailer->set == block->set && trailer->block == block->index && trailer->offset == 0 &&
	    trailer->total == bytes && trailer->bytes == (is_eager(engine, reduction) ? bytes : 0))
		return STRADS_OK;
	if (reduction != reduction_at(reducer, reducer->first) &&
	    (trailer->set < block->set ||
	     (trailer->set == block->set && trailer->block < block->index)))
		return STRADS_AGAIN;
	return strads_fail(
	    STRADS_ERR_PROTOCOL,
	    "rank %d: rank %d sent %u of %llu bytes of the partial of set %llu block %u, "
	    "expected %zu of set %llu block %u",
	    engine->rank, rank, trailer->bytes, (unsigned long long)trailer->total,
	    (unsigned long long)trailer->set, trailer->block, bytes, (unsigned long long)block->set,
	    block->index);
}

/* Adds this rank's own partial, from where it lies: AGAIN if it is not pushed. By a tree the sum
 * lies there. */
static int
sum_own(struct strads_engine *engine, struct strads_reduction *reduction)
{
	const struct strads_entry *entry = reduction->entry;

	if (!entry->pushed)
		return STRADS_AGAIN;
	strads_engine_begin(engine);
	if (!by_tree(engine))
		add(engine, reduction->sum, entry->partial, entry->elems, reduction->next == 0);
	return STRADS_OK;
}

/* Adds the next addend, which comes with its signal: AGAIN if it is not here. */
static int
sum_next(struct strads_engine *engine, struct strads_reduction *reduction)
{
	int rank = rank_of(engine, reduction, reduction->next);
	const void *payload;
	int status;

	if (rank == engine->rank)
		return sum_own(engine, reduction);
	status = expect_partial(engine, reduction, &payload);
	if (status != STRADS_OK)
		return status;
	strads_engine_begin(engine);
	add(engine, reduction->sum, payload, reduction->entry->elems, reduction->next == 0);
	return strads_lane_take(&engine->lane[STRADS_LANE_PARTIAL], rank);
}

/* Adds the partials that came with their signal. */
static int
sum_eager(struct strads_engine *engine, struct strads_reduction *reduction, bool *moved)
{
	while (reduction->next < addends(engine, reduction)) {
		int status = sum_next(engine, reduction);

		if (status != STRADS_OK)
			return status == STRADS_AGAIN ? STRADS_OK : status;
		reduction->next++;
		*moved = true;
	}
	return STRADS_OK;
}

/* Finds a piece of a partial where it lies, or has it brought to its place in the staging memory.
 */
static int
fetch(struct strads_engine *engine, struct strads_reading *reading, uint8_t *staged)
{
	size_t offset = reading->reduction->entry->partial_offset + reading->offset;
	const uint8_t *view = strads_region_view(engine->partials, reading->rank);
	int status = STRADS_OK;

	reading->at = view ? view + offset : staged;
	if (!view)
		status = strads_get(engine->fabric, reading->rank, engine->partials, offset, staged,
				    reading->bytes, &reading->counter);
	if (status == STRADS_OK && reading->rank != engine->rank) {
		engine->stats.stage[STRADS_PULL].messages++;
		engine->stats.stage[STRADS_PULL].bytes += reading->bytes;
	}
	return status;
}

/* Asks for the next piece of the partial that is ready. Returns STRADS_OK or AGAIN. */
static int
ask(struct strads_engine *engine, struct strads_reduction *reduction)
{
	struct strads_reducer *reducer = &engine->reducer;
	size_t left = partial_bytes(reduction) - reduction->asked;
	size_t bytes = left < engine->shape.read_bytes ? left : engine->shape.read_bytes;
	size_t place = reducer->asked % reducer->reads;
	struct strads_reading *reading = &reducer->readings[place];
	int status;

	if (reducer->asked - reducer->done == reducer->reads)
		return STRADS_AGAIN;
	*reading = (struct strads_reading){.reduction = reduction,
					   .rank = rank_of(engine, reduction, reduction->next),
					   .first = reduction->next == 0,
					   .offset = reduction->asked,
					   .bytes = bytes};
	status = fetch(engine, reading, reducer->staging + place * engine->shape.read_bytes);
	if (status != STRADS_OK)
		return status;
	reducer->asked++;
	reduction->asked += bytes;
	reduction->reads++;
	return STRADS_OK;
}

/* Takes the note that the next addend can be read: AGAIN if it has not come. */
static int
take_note(struct strads_engine *engine, struct strads_reduction *reduction)
{
	int rank = rank_of(engine, reduction, reduction->next);
	const void *payload;
	int status;

	if (reduction->next == addends(engine, reduction))
		return STRADS_AGAIN;
	if (rank == engine->rank) {
		if (!reduction->entry->pushed)
			return STRADS_AGAIN;
		/* By a tree it is where the sum is. */
		reduction->asked = by_tree(engine) ? partial_bytes(reduction) : 0;
	} else {
		status = expect_partial(engine, reduction, &payload);
		if (status == STRADS_OK)
			status = strads_lane_take(&engine->lane[STRADS_LANE_PARTIAL], rank);
		if (status != STRADS_OK)
			return status;
		reduction->asked = 0;
	}
	reduction->noted = true;
	return STRADS_OK;
}

/* Asks for the addends that are ready to be read. */
static int
ask_ready(struct strads_engine *engine, struct strads_reduction *reduction, bool *moved)
{
	int status;

	for (;;) {
		if (!reduction->noted) {
			status = take_note(engine, reduction);
			if (status != STRADS_OK)
				return status == STRADS_AGAIN ? STRADS_OK : status;
			*moved = true;
		}
		while (reduction->asked < partial_bytes(reduction)) {
			status = ask(engine, reduction);
			if (status != STRADS_OK)
				return status == STRADS_AGAIN ? STRADS_OK : status;
			*moved = true;
		}
		reduction->noted = false;
		reduction->next++;
	}
}

/* Adds the pieces that have been read, in the order they were asked for. */
static int
sum_read(struct strads_engine *engine, bool *moved)
{
	struct strads_reducer *reducer = &engine->reducer;

	while (reducer->done < reducer->asked) {
		size_t place = reducer->done % reducer->reads;
		struct strads_reading *reading = &reducer->readings[place];

		if (reading->counter.done != reading->counter.posted)
			return STRADS_OK;
		if (reading->counter.status != STRADS_OK)
			return strads_fabric_explain(
			    engine->fabric,
			    strads_fail(reading->counter.status,
					"cannot read a partial from rank %d", reading->rank));
		strads_engine_begin(engine);
		*moved = true;
		add(engine, reading->reduction->sum + reading->offset / sizeof(double), reading->at,
		    reading->bytes / sizeof(double), reading->first);
		reading->reduction->reads--;
		reducer->done++;
	}
	return STRADS_OK;
}

/* Whether all is added up. */
static bool
is_summed(const struct strads_engine *engine, const struct strads_reduction *reduction)
{
	return reduction->next == addends(engine, reduction) && reduction->reads == 0;
}

/* Moves all reductions on. */
static int
sum_step(struct strads_engine *engine, bool *moved)
{
	struct strads_reducer *reducer = &engine->reducer;
	int status = sum_read(engine, moved);

	for (uint64_t i = reducer->first; status == STRADS_OK && i < reducer->opened; i++) {
		struct strads_reduction *reduction = reduction_at(reducer, i);

		if (is_eager(engine, reduction))
			status = sum_eager(engine, reduction, moved);
		else
			status = ask_ready(engine, reduction, moved);
		reduction->entry->summed = is_summed(engine, reduction);
	}
	return status;
}

/* Pulls into the entry's own commit, which is sent from there. */
static int
pull(struct strads_engine *engine, struct strads_reduction *reduction)
{
	const struct strads_program *program = engine->program;
	struct strads_entry *entry = reduction->entry;
	const struct strads_block *block = &entry->block;
	size_t bytes = 0;
	int status;

	strads_engine_begin(engine);
	status = strads_engine_returned(
	    program->pull(program->state, block, reduction->sum, entry->commit, &bytes), "pull",
	    program, block->set, block->index);
	if (status != STRADS_OK)
		return status;
	if (bytes > program->commit_max)
		return strads_fail(
		    STRADS_ERR_ARGUMENT,
		    "program %s: pull of set %llu block %u wrote %zu bytes, more than "
		    "commit_max, %zu",
		    program->name, (unsigned long long)block->set, block->index, bytes,
		    program->commit_max);
	if (program->pull_cost_ns)
		strads_fabric_charge(engine->fabric, program->pull_cost_ns(program->state, block));
	reduction->pulled = true;
	entry->commit_bytes = bytes;
	strads_stream_start(&engine->reducer.stream, block->set, block->index, entry->commit, bytes,
			    &entry->loan);
	return STRADS_OK;
}

/* Pulls what is summed, in order, and composes the commits while the cast has room. Of another
 * rank's block the worker sends the sum. */
static int
pull_step(struct strads_engine *engine, bool *moved)
{
	struct strads_reducer *reducer = &engine->reducer;

	while (reducer->first < reducer->opened) {
		struct strads_reduction *reduction = reduction_at(reducer, reducer->first);

		if (!is_summed(engine, reduction))
			return STRADS_OK;
		if (reduction->entry->block.reducer != engine->rank) {
			reducer->first++;
			continue;
		}
		if (!reduction->pulled) {
			int status = pull(engine, reduction);

			if (status != STRADS_OK)
				return status;
			*moved = true;
		}
		strads_stream_compose(&reducer->stream, &reducer->cast, moved);
		if (reducer->stream.open)
			return STRADS_OK;
		reduction->entry->committed = true;
		reducer->first++;
	}
	return STRADS_OK;
}

int
strads_reducer_step(struct strads_engine *engine, bool *moved)
{
	int status;

	open_step(engine);
	if (engine->reducer.first < engine->reducer.opened) {
		status = sum_step(engine, moved);
		if (status != STRADS_OK)
			return status;
		status = pull_step(engine, moved);
		if (status != STRADS_OK)
			return status;
	}
	status = strads_cast_step(&engine->reducer.cast, moved);
	return status == STRADS_AGAIN ? STRADS_OK : status;
}

bool
strads_reducer_waits_for(const struct strads_engine *engine, const struct strads_entry **entry,
			 int *rank)
{
	const struct strads_reducer *reducer = &engine->reducer;

	for (uint64_t i = reducer->first; i < reducer->opened; i++) {
		const struct strads_reduction *reduction = reduction_at(reducer, i);

		if (is_summed(engine, reduction))
			continue;
		*entry = reduction->entry;
		*rank = reduction->reads > 0
			    ? reducer->readings[reducer->done % reducer->reads].rank
			    : rank_of(engine, reduction, reduction->next);
		return true;
	}
	return false;
}

#include "expectation.h"

static struct strads_expectation
expect_entry(const struct strads_entry *entry, enum strads_stage stage, const char *what, int rank)
{
	return (struct strads_expectation){.stage = stage,
					   .what = what,
					   .set = entry->block.set,
					   .block = entry->block.index,
					   .rank = rank,
					   .through = rank};
}

/* A partial, or by a tree the sum of those below that rank. */
static struct strads_expectation
expect_partial(const struct strads_engine *engine, const struct strads_entry *entry, int rank)
{
	struct strads_expectation e = expect_entry(entry, STRADS_PULL, "partial", rank);
	int place = strads_tree_place(&engine->tree, entry->block.reducer, rank);

	while (strads_tree_children(&engine->tree, place) > 0) {
		place = strads_tree_first(&engine->tree, place);
		e.height++;
	}
	return e;
}

/* Of the commits that have not come, of the oldest block. */
static struct strads_expectation
expect_commit(const struct strads_engine *engine)
{
	const struct strads_window *window = &engine->window;
	int reducer = window->reducers[0];
	const struct strads_entry *entry = window->awaited[reducer].first;
	struct strads_expectation e;

	for (int i = 1; i < window->n_reducers; i++) {
		const struct strads_entry *other = window->awaited[window->reducers[i]].first;

		if (other->block.set < entry->block.set ||
		    (other->block.set == entry->block.set &&
		     other->block.index < entry->block.index)) {
			reducer = window->reducers[i];
			entry = other;
		}
	}
	e = expect_entry(entry, STRADS_SYNC, "commit", reducer);
	e.through = strads_lane_writer(&engine->lane[STRADS_LANE_COMMIT], reducer);
	return e;
}

/* That this rank's own commit can be sent on. */
static struct strads_expectation
expect_room(const struct strads_cast *cast)
{
	const struct strads_trailer *commit = strads_cast_waiting(cast);
	int rank = strads_cast_waits_for(cast);

	return (struct strads_expectation){.stage = STRADS_SYNC,
					   .what = "room for the commit",
					   .set = commit->set,
					   .block = commit->block,
					   .rank = rank,
					   .through = rank};
}

static struct strads_expectation
expect_schedule(const struct strads_engine *engine)
{
	const struct strads_cast *cast = &engine->scheduler.cast;
	int scheduler = (int)(engine->worker.set % (uint64_t)engine->schedulers);
	struct strads_expectation e = {.stage = STRADS_SCHEDULE,
				       .what = "schedule",
				       .set = engine->worker.set,
				       .block = engine->worker.index,
				       .rank = scheduler};

	if (scheduler == engine->rank && cast->sent < cast->composed) {
		e.what = "room for the schedule";
		e.rank = e.through = strads_cast_waits_for(cast);
	} else {
		e.through = strads_lane_writer(&engine->lane[STRADS_LANE_SCHEDULE], scheduler);
	}
	return e;
}

struct strads_expectation
strads_engine_expects(const struct strads_engine *engine)
{
	const struct strads_window *window = &engine->window;
	const struct strads_cast *cast = &engine->reducer.cast;
	const struct strads_entry *entry;
	int rank;

	if (window->pushing)
		return expect_entry(strads_window_at(window, window->pushed), STRADS_PUSH,
				    "end of the push", engine->rank);
	if (strads_reducer_waits_for(engine, &entry, &rank)) {
		struct strads_expectation commit = {.set = UINT64_MAX};

		if (window->n_reducers > 0)
			commit = expect_commit(engine);
		return commit.set < entry->block.set ? commit : expect_partial(engine, entry, rank);
	}
	if (window->sent < window->pushed) {
		entry = strads_window_at(window, window->sent);
		return expect_entry(entry, STRADS_PUSH, "room for the partial",
				    entry->block.reducer);
	}
	if (window->n_reducers > 0)
		return expect_commit(engine);
	return cast->sent < cast->composed ? expect_room(cast) : expect_schedule(engine);
}

/* Whether something is to be sent that has found no room, or a partial or what a push needs is
 * being read: none of these tells by a message. */
static bool
waits_for_others(const struct strads_engine *engine)
{
	const struct strads_reducer *reducer = &engine->reducer;

	return engine->window.pushing || engine->window.sent < engine->window.pushed ||
	       reducer->done < reducer->asked || reducer->cast.sent < reducer->cast.composed ||
	       engine->scheduler.cast.sent < engine->scheduler.cast.composed;
}

size_t
strads_engine_signals(const struct strads_engine *engine,
		      struct strads_signal signals[static STRADS_SIGNALS])
{
	const struct strads_window *window = &engine->window;
	const struct strads_entry *entry;
	size_t n = 0;
	int rank;

	if (waits_for_others(engine))
		return 0;
	for (int i = 0; i < window->n_reducers && n < STRADS_SIGNALS; i++)
		signals[n++] =
		    strads_lane_awaits(&engine->lane[STRADS_LANE_COMMIT], window->reducers[i]);
	if (n < STRADS_SIGNALS && strads_reducer_waits_for(engine, &entry, &rank) &&
	    rank != engine->rank)
		signals[n++] = strads_lane_awaits(&engine->lane[STRADS_LANE_PARTIAL], rank);
	if (n < STRADS_SIGNALS && engine->worker.receiving &&
	    engine->worker.scheduler != engine->rank)
		signals[n++] = strads_lane_awaits(&engine->lane[STRADS_LANE_SCHEDULE],
						  engine->worker.scheduler);
	return n;
}

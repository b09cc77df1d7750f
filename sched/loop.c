#include "state.h"

#include <stdio.h>
#include <string.h>

/* While idle, the deadline is looked at once in so many turns. */
#define LOOK_TURNS 64

/* Passes without a look at the fabric, at most. */
#define PASSES 4

/* What a rank that has nothing to do waits for. */
struct expectation {
	enum strads_stage stage;
	const char *what;
	uint64_t set;
	uint32_t block;
	int rank;    /* that it is from … */
	int through; /* … and that hands it on to this one: perhaps the same */
	int height;  /* levels of ranks that this one may wait for itself */
};

/* ---- Time -------------------------------------------------------------------------------- */

static uint64_t
since(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

void
strads_engine_begin(struct strads_engine *engine)
{
	uint64_t now;

	if (!engine->lapsed)
		return; /* work follows work: one look at the clock parts them */
	now = strads_fabric_ticks(engine->fabric);
	if (engine->idle)
		engine->clocked[engine->waits].stall += since(engine->lap, now);
	engine->idle = false;
	engine->lapsed = false;
	engine->lap = now;
}

/* A stage's work is over; returns how long it took, in ticks. */
static uint64_t
end(struct strads_engine *engine, enum strads_stage stage)
{
	uint64_t now, took;

	strads_engine_begin(engine); /* where it was not known to be work before it was done */
	now = strads_fabric_ticks(engine->fabric);
	took = since(engine->lap, now);
	engine->clocked[stage].busy += took;
	engine->lap = now;
	return took;
}

void
strads_engine_clocked(const struct strads_engine *engine, struct strads_engine_stats *stats)
{
	uint64_t ns = strads_fabric_clock_ns(engine->fabric) - engine->start_ns;
	uint64_t ticks = since(engine->start_ticks, strads_fabric_ticks(engine->fabric));
	double ns_a_tick = ticks > 0 ? (double)ns / (double)ticks : 0;

	for (int i = 0; i < STRADS_STAGES; i++) {
		stats->stage[i].busy_ns += (uint64_t)((double)engine->clocked[i].busy * ns_a_tick);
		stats->stage[i].stall_ns +=
		    (uint64_t)((double)engine->clocked[i].stall * ns_a_tick);
	}
}

int
strads_engine_returned(int status, const char *primitive, const struct strads_program *program,
		       uint64_t set, uint32_t index)
{
	if (status == STRADS_OK)
		return STRADS_OK;
	if (status > 0)
		return strads_fail(
		    STRADS_ERR_ARGUMENT,
		    "program %s: %s of set %llu block %u returned %d, which is no status",
		    program->name, primitive, (unsigned long long)set, index, status);
	if (strads_error()[0])
		return status;
	return strads_fail(status, "program %s: %s of set %llu block %u failed (%s)", program->name,
			   primitive, (unsigned long long)set, index, strads_status_name(status));
}

/* ---- The loop ---------------------------------------------------------------------------- */

static struct expectation
expect_entry(const struct strads_entry *entry, enum strads_stage stage, const char *what, int rank)
{
	return (struct expectation){.stage = stage,
				    .what = what,
				    .set = entry->block.set,
				    .block = entry->block.index,
				    .rank = rank,
				    .through = rank};
}

/* A partial, or by a tree the sum of those below that rank. */
static struct expectation
expect_partial(const struct strads_engine *engine, const struct strads_entry *entry, int rank)
{
	struct expectation e = expect_entry(entry, STRADS_PULL, "partial", rank);
	int place = strads_tree_place(&engine->tree, entry->block.reducer, rank);

	while (strads_tree_children(&engine->tree, place) > 0) {
		place = strads_tree_first(&engine->tree, place);
		e.height++;
	}
	return e;
}

/* Of the commits that have not come, of the oldest block. */
static struct expectation
expect_commit(const struct strads_engine *engine)
{
	const struct strads_window *window = &engine->window;
	int reducer = window->reducers[0];
	const struct strads_entry *entry = window->awaited[reducer].first;
	struct expectation e;

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
static struct expectation
expect_room(const struct strads_cast *cast)
{
	const struct strads_trailer *commit = strads_cast_waiting(cast);
	int rank = strads_cast_waits_for(cast);

	return (struct expectation){.stage = STRADS_SYNC,
				    .what = "room for the commit",
				    .set = commit->set,
				    .block = commit->block,
				    .rank = rank,
				    .through = rank};
}

static struct expectation
expect_schedule(const struct strads_engine *engine)
{
	const struct strads_cast *cast = &engine->scheduler.cast;
	int scheduler = (int)(engine->worker.set % (uint64_t)engine->schedulers);
	struct expectation e = {.stage = STRADS_SCHEDULE,
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

/* What an idle rank waits for: of all that is missing of the oldest set, what comes first in a
 * round. A partial may be missing because its rank misses an older set's commit, as this one does.
 */
static struct expectation
expects(const struct strads_engine *engine)
{
	const struct strads_window *window = &engine->window;
	const struct strads_cast *cast = &engine->reducer.cast;
	const struct strads_entry *entry;
	int rank;

	if (strads_reducer_waits_for(engine, &entry, &rank)) {
		struct expectation commit = {.set = UINT64_MAX};

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

/* What the roles do in one pass, in the order in which a round goes on. */
static const struct {
	int (*step)(struct strads_engine *engine, bool *moved);
	enum strads_stage stage;
} steps[] = {
    {strads_worker_collect, STRADS_SYNC},   {strads_worker_sync, STRADS_SYNC},
    {strads_worker_relay, STRADS_SCHEDULE}, {strads_scheduler_step, STRADS_SCHEDULE},
    {strads_worker_admit, STRADS_SCHEDULE}, {strads_worker_push, STRADS_PUSH},
    {strads_worker_send, STRADS_PUSH},      {strads_reducer_step, STRADS_PULL},
};

static_assert(sizeof steps / sizeof *steps == STRADS_STEPS, "the engine knows how long each takes");

/* Nobody shall wait for what is kept back while this rank computes: it is let go before a step that
 * of late has taken longer, on the average, than a message of its own costs. */
static bool
is_lengthy(const struct strads_engine *engine, int step)
{
	return engine->usual_ticks[step] > engine->brief_ticks;
}

/* A single long one says no more than a few short ones. */
static void
learn(struct strads_engine *engine, int step, uint64_t took)
{
	uint64_t most = STRADS_LENGTHY * engine->brief_ticks;
	uint64_t *usual = &engine->usual_ticks[step];

	*usual += (took < most ? took : most) / STRADS_LENGTHY - *usual / STRADS_LENGTHY;
}

/* Lets go what is kept back, on the account of the stage that worked last. */
static void
send(struct strads_engine *engine)
{
	if (strads_fabric_release(engine->fabric) && !engine->lapsed)
		end(engine, engine->stage);
}

/* One step; what it sends is kept back. */
static int
take_step(struct strads_engine *engine, int step, bool *moved)
{
	bool worked = false;
	int status;

	if (is_lengthy(engine, step)) {
		send(engine);
		strads_fabric_hold(engine->fabric);
	}
	status = steps[step].step(engine, &worked);
	if (status != STRADS_OK || !worked)
		return status;
	engine->stage = steps[step].stage;
	learn(engine, step, end(engine, engine->stage));
	*moved = true;
	return STRADS_OK;
}

static int
pass(struct strads_engine *engine, bool *moved)
{
	for (int i = 0; i < STRADS_STEPS && !engine->stopping; i++) {
		int status = take_step(engine, i, moved);

		if (status != STRADS_OK)
			return status;
	}
	for (int i = 0; i < STRADS_LANES; i++) {
		int status = strads_lane_settle(&engine->lane[i], moved);

		if (status < 0)
			return status;
	}
	return STRADS_OK;
}

/* How much longer than the deadline a rank waits, so that who knows most speaks first. Who misses a
 * partial misses the rank that pushes it, unless that one itself waits for sums from below; who
 * misses a commit or a schedule may wait for any rank that waits. */
static uint64_t
courtesy(const struct strads_engine *engine, const struct expectation *e)
{
	uint64_t most = engine->timeout_ns / 8;
	uint64_t height = (uint64_t)e->height;

	return e->stage == STRADS_PULL ? most * height / (height + 1) : most;
}

/* When waiting has lasted too long. */
static uint64_t
patience_ends(const struct strads_engine *engine)
{
	uint64_t ends = engine->idle_ns + engine->timeout_ns + engine->courtesy_ns;
	uint64_t own = engine->scheduler.asked_ns + engine->timeout_ns;

	return engine->scheduler.asked && own < ends ? own : ends;
}

static int
too_late(const struct strads_engine *engine, struct expectation e)
{
	char through[32] = "";

	if (e.through != e.rank)
		snprintf(through, sizeof through, " through rank %d", e.through);
	return strads_fail(STRADS_ERR_TIMEOUT,
			   "rank %d: no %s of set %llu block %u from rank %d%s for %llu s",
			   engine->rank, e.what, (unsigned long long)e.set, e.block, e.rank,
			   through, (unsigned long long)(engine->timeout_ns / 1000000000));
}

/* Idle for the `turns`-th time in a row: waits, up to the deadline. */
static int
rest(struct strads_engine *engine, uint64_t turns)
{
	uint64_t deadline;

	if (turns == 0) {
		struct expectation e = expects(engine);

		engine->waits = e.stage;
		engine->courtesy_ns = courtesy(engine, &e);
		engine->idle = true;
		engine->idle_ns = strads_fabric_clock_ns(engine->fabric);
	}
	deadline = patience_ends(engine);
	if (turns > 0 && turns % LOOK_TURNS == 0 &&
	    strads_fabric_clock_ns(engine->fabric) >= deadline)
		return too_late(engine, expects(engine));
	strads_fabric_wait(engine->fabric, deadline);
	return STRADS_OK;
}

/* Keys of sets to come, behind what others wait for already. */
static int
send_ahead(struct strads_engine *engine, bool *moved)
{
	bool worked = false;
	int status = engine->stopping ? STRADS_OK : strads_scheduler_send(engine, &worked);

	if (worked) {
		engine->stage = STRADS_SCHEDULE;
		end(engine, engine->stage);
	}
	*moved |= worked;
	return status;
}

/* Passes as long as they lead on, for a moment: so a commit, and the next set's partial behind it,
 * leave together. */
static int
go_on(struct strads_engine *engine, bool *moved)
{
	bool more = true;
	int status = STRADS_OK;

	strads_fabric_hold(engine->fabric);
	for (int passes = 0; more && passes < PASSES && status == STRADS_OK; passes++) {
		more = false;
		status = pass(engine, &more);
		*moved |= more;
	}
	if (status == STRADS_OK)
		status = send_ahead(engine, moved);
	send(engine);
	return status;
}

static int
run(struct strads_engine *engine)
{
	uint64_t turns = 0;

	while (!engine->stopping) {
		bool moved = false;
		int status = strads_fabric_progress(engine->fabric);

		engine->lapsed = true;
		if (status == STRADS_OK)
			status = go_on(engine, &moved);
		if (status == STRADS_OK && !moved)
			status = rest(engine, turns++);
		if (status != STRADS_OK)
			return status;
		if (moved) {
			if (turns > 0)
				strads_fabric_awake(engine->fabric);
			turns = 0;
		}
	}
	return STRADS_OK;
}

/* What was sent for the sets that are done arrives before the ranks part. What was sent for later
 * ones waits in the rings for the next run. */
static int
drain(struct strads_engine *engine)
{
	uint64_t deadline = strads_fabric_clock_ns(engine->fabric) + engine->timeout_ns;
	int status;

	while ((status = strads_flush(engine->fabric, -1)) == STRADS_AGAIN) {
		status = strads_fabric_progress(engine->fabric);
		if (status != STRADS_OK)
			return status;
		if (strads_fabric_clock_ns(engine->fabric) >= deadline)
			return strads_fail(
			    STRADS_ERR_TIMEOUT,
			    "rank %d: operations of set %llu did not complete in %llu s",
			    engine->rank, (unsigned long long)engine->finished - 1,
			    (unsigned long long)(engine->timeout_ns / 1000000000));
		strads_fabric_wait(engine->fabric, deadline);
	}
	strads_fabric_awake(engine->fabric);
	return status;
}

int
strads_engine_run(struct strads_engine *engine)
{
	int status;

	(void)strads_fail(STRADS_OK, "%s", ""); /* a sentence found later is of this run */
	engine->stopping = false;
	engine->idle = false;
	engine->start_ns = strads_fabric_clock_ns(engine->fabric);
	engine->lap = engine->start_ticks = strads_fabric_ticks(engine->fabric);
	status = run(engine);
	if (status == STRADS_OK)
		status = drain(engine);
	if (status == STRADS_OK)
		status = strads_job_barrier(engine->job);
	else if (status != STRADS_ERR_ABORTED)
		strads_job_abort(engine->job, status);
	strads_engine_clocked(engine, &engine->stats);
	memset(engine->clocked, 0, sizeof engine->clocked);
	engine->stats.wall_ns += strads_fabric_clock_ns(engine->fabric) - engine->start_ns;
	return status;
}

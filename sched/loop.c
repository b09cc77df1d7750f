#include "expectation.h"

#include <stdio.h>
#include <string.h>

/* While idle, the deadline is looked at once in so many turns. */
#define LOOK_TURNS 64

/* Passes without a look at the fabric, at most. */
#define PASSES 4

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

/* Drafts, and takes what is drafted here or has come from other schedulers. */
static int
schedule(struct strads_engine *engine, bool *moved)
{
	int status = strads_scheduler_step(engine, moved);

	return status == STRADS_OK ? strads_worker_admit(engine, moved) : status;
}

/* What the roles do in one pass: first what others wait for, then what is for sets to come. */
static const struct {
	int (*step)(struct strads_engine *engine, bool *moved);
	enum strads_stage stage;
} steps[] = {
    {strads_worker_relay, STRADS_SCHEDULE},
    {strads_worker_sync, STRADS_SYNC},
    {strads_worker_push, STRADS_PUSH},
    {strads_reducer_step, STRADS_PULL},
    {schedule, STRADS_SCHEDULE},
};

static_assert(sizeof steps / sizeof *steps == STRADS_STEPS, "the engine knows how long each takes");

/* While this rank computes nobody shall wait for what is kept back, nor for keys that this rank has
 * drafted: they leave before a step that of late has taken longer, on the average, than a message
 * of its own costs. */
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

/* One step; what it sends is kept back. */
static int
take_step(struct strads_engine *engine, int step, bool *moved)
{
	bool worked = false;
	int status = STRADS_OK;

	if (is_lengthy(engine, step)) {
		status = send_ahead(engine, moved);
		send(engine);
		strads_fabric_hold(engine->fabric);
	}
	if (status == STRADS_OK)
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
		int status;

		if (engine->lane[i].waits < 0)
			continue;
		status = strads_lane_settle(&engine->lane[i], moved);
		if (status < 0)
			return status;
	}
	return STRADS_OK;
}

/* How much longer than the deadline a rank waits, so that who knows most speaks first. Who misses a
 * partial misses the rank that pushes it, unless that one itself waits for sums from below; who
 * misses a commit or a schedule may wait for any rank that waits. */
static uint64_t
courtesy(const struct strads_engine *engine, const struct strads_expectation *e)
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

/* Says what is missed since `idle_ns`, and from whom; of the program, since it was asked. */
static int
too_late(struct strads_engine *engine)
{
	struct strads_expectation e = strads_engine_expects(engine);
	uint64_t waited_ns = strads_fabric_clock_ns(engine->fabric) - engine->idle_ns;
	char through[32] = "";

	if (engine->scheduler.asked && e.stage == STRADS_SCHEDULE && e.rank == engine->rank)
		return strads_scheduler_too_late(engine);
	engine->missed = e.through;
	if (e.through != e.rank)
		snprintf(through, sizeof through, " through rank %d", e.through);
	return strads_fail(STRADS_ERR_TIMEOUT,
			   "rank %d: no %s of set %llu block %u from rank %d%s for %.1f s",
			   engine->rank, e.what, (unsigned long long)e.set, e.block, e.rank,
			   through, (double)waited_ns * 1e-9);
}

/* Another rank gave up waiting for this one, which has done nothing for long: it says what it
 * misses itself. Courtesy does not order all that wait: of two commits that one rank sends, one
 * may have arrived when that rank stops. */
static int
answer_for(struct strads_engine *engine, int status)
{
	bool waits =
	    engine->idle_ns > 0 &&
	    strads_fabric_clock_ns(engine->fabric) - engine->idle_ns >= engine->timeout_ns / 2;

	if (status != STRADS_ERR_ABORTED || !waits || !strads_job_is_missed(engine->job))
		return status;
	return too_late(engine);
}

/* Idle for the first time: notes for what, and looks whether it comes at once, which a pass over
 * all steps would find out later. Returns STRADS_OK (it did), AGAIN, or an error. */
static int
begin_rest(struct strads_engine *engine)
{
	struct strads_expectation e = strads_engine_expects(engine);
	struct strads_signal signals[STRADS_SIGNALS];

	engine->waits = e.stage;
	engine->courtesy_ns = courtesy(engine, &e);
	engine->idle = true;
	return strads_signal_glance(engine->fabric, signals,
				    strads_engine_signals(engine, signals));
}

/* Idle for the `turns`-th time in a row: waits, up to the deadline. */
static int
rest(struct strads_engine *engine, uint64_t turns)
{
	int status = turns == 0 ? begin_rest(engine) : STRADS_AGAIN;
	uint64_t deadline;

	if (status != STRADS_AGAIN)
		return status;
	if (engine->idle_ns == 0)
		engine->idle_ns = strads_fabric_clock_ns(engine->fabric);
	deadline = patience_ends(engine);
	if (turns > 0 && turns % LOOK_TURNS == 0 &&
	    strads_fabric_clock_ns(engine->fabric) >= deadline)
		return too_late(engine);
	strads_fabric_wait(engine->fabric, deadline);
	return STRADS_OK;
}

/* Passes as long as they lead on, for a moment: so a commit, and the next set's partial behind it,
 * leave together. *more: the last one did something, too. */
static int
go_on(struct strads_engine *engine, bool *moved, bool *more)
{
	int status = STRADS_OK;

	*more = true;
	strads_fabric_hold(engine->fabric);
	for (int passes = 0; *more && passes < PASSES && status == STRADS_OK; passes++) {
		*more = false;
		status = pass(engine, more);
		*moved |= *more;
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
		bool moved = false, more = false;
		int status = strads_fabric_progress(engine->fabric);

		engine->lapsed = true;
		if (status == STRADS_OK)
			status = go_on(engine, &moved, &more);
		if (moved) {
			if (turns > 0)
				strads_fabric_awake(engine->fabric);
			turns = 0;
			engine->idle_ns = 0;
		}
		/* A push that waits is called again after a look at the fabric. */
		more = more || (moved && engine->window.pushing) || engine->stopping;
		if (status == STRADS_OK && !more)
			status = rest(engine, turns++);
		if (status != STRADS_OK)
			return status;
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
	engine->idle_ns = 0;
	engine->start_ns = strads_fabric_clock_ns(engine->fabric);
	engine->lap = engine->start_ticks = strads_fabric_ticks(engine->fabric);
	engine->missed = -1;
	status = answer_for(engine, run(engine));
	if (status == STRADS_OK)
		status = drain(engine);
	if (status == STRADS_OK)
		status = strads_job_barrier(engine->job);
	else if (status != STRADS_ERR_ABORTED)
		strads_job_abort_missing(engine->job, status, engine->missed);
	strads_engine_clocked(engine, &engine->stats);
	memset(engine->clocked, 0, sizeof engine->clocked);
	engine->stats.wall_ns += strads_fabric_clock_ns(engine->fabric) - engine->start_ns;
	return status;
}

/*
 * What one rank holds while it fits a Lasso, and how the files of this folder share it.
 *
 * The columns are standardised implicitly: x̃_j = (x_j − μ_j)·s_j with the raw, sparse x_j kept. The
 * residual of a row is r_i = ρ_i + c, where ρ takes the sparse part of every update and c, one
 * number that is the same on all ranks, the part of the means. For centred columns
 * x̃_jᵀr = (x_jᵀρ − μ_j·Σρ)·s_j, whatever c is.
 *
 * So are weights of the penalty: s_j has the factor 1/(αw_j), which makes the penalty
 * λ‖β‖₁ + ½λ·Σκ_jβ_j² with κ_j = (1 − α)/(α²w_j). The elastic net's κ is dealt with as if each x̃_j
 * had one more row, with √(λκ_j) in it and a response of 0 (see strads/gap.h): "gradient" is
 * g_j = x̃_jᵀr − λκ_jβ_j everywhere. Variables without a penalty have s_j = 0, which keeps them out
 * of all of that; they are solved for by themselves (unpenalized.c).
 */
#ifndef STRADS_LASSO_STATE_H
#define STRADS_LASSO_STATE_H

#include "lasso.h"

#include "../linear/columns.h"
#include "../linear/costs.h"
#include "../linear/gradients.h"
#include "../linear/range.h"
#include "../linear/portion.h"
#include "../linear/trail.h"
#include "strads/gap.h"
#include "strads/gram.h"
#include "strads/priority.h"
#include "strads/program.h"
#include "strads/rotation.h"
#include "strads/signalling.h"
#include "strads/table.h"
#include "strads/working_set.h"

/* Kinds of sets. */
enum strads_lasso_kind {
	STRADS_LASSO_COLUMNS,  /* statistics of columns; arg: the phase */
	STRADS_LASSO_EVALUATE, /* sums over rows (block 0), then gradients of ranges of columns */
	STRADS_LASSO_UPDATE,   /* one block of coordinate descent */
	STRADS_LASSO_UNPENALIZED, /* all variables without a penalty; arg: STRADS_LASSO_GRAM or 0 */
	STRADS_LASSO_RESIDUAL,    /* the residual of all rows, for the evaluation that follows */
};

/* Bits of the arg of EVALUATE. */
#define STRADS_LASSO_FINAL UINT64_C(1) /* the run ends here, tolerance reached or not */
#define STRADS_LASSO_BETA  UINT64_C(2) /* ranges cross owners: partials carry β too */
#define STRADS_LASSO_WHOLE UINT64_C(4) /* ranges are of one rank's whole columns */

/* Bits of the arg of UPDATE; the number of the block in its list stands above them. */
#define STRADS_LASSO_GRAM  UINT64_C(1) /* partials carry the Gram matrix */
#define STRADS_LASSO_CACHE UINT64_C(2) /* the reducer keeps it for this block */
#define STRADS_LASSO_SHIFT 8

/* With CHECKED no block recurs, and the upper half of the arg is a float: the largest correlation
 * in the set and with those in flight. */
#define STRADS_LASSO_WORST 32

/* No set. */
#define STRADS_LASSO_NEVER UINT64_MAX

/* Sums over the rows of all ranks, the partial of EVALUATE's block 0. */
enum strads_lasso_sum {
	STRADS_LASSO_R_SQUARE, /* Σ r² */
	STRADS_LASSO_R,        /* Σ r */
	STRADS_LASSO_R_Y,      /* Σ r·y */
	STRADS_LASSO_TEST_SSE, /* Σ of squared errors over test rows */
	STRADS_LASSO_STOPS,    /* ranks asked to stop */
	STRADS_LASSO_COST,     /* see ../linear/costs.h */
	STRADS_LASSO_CHECKS =
	    STRADS_LASSO_COST + STRADS_LINEAR_COSTS, /* struct strads_linear_checked */
	STRADS_LASSO_SUMS =
	    STRADS_LASSO_CHECKS + sizeof(struct strads_linear_checked) / sizeof(double),
	STRADS_LASSO_R_MAX =
	    STRADS_LASSO_SUMS,           /* max |r − r̄|: one slot a rank in the partial,
					  * and behind them the gradients of those unpenalized */
	STRADS_LASSO_UNPENALIZED_SQUARE, /* in the commit: the part of ‖r‖² … */
	STRADS_LASSO_UNPENALIZED_Y, /* … and of rᵀy that lies in the span of their columns */
	STRADS_LASSO_COMMITTED,
};

/* The response, from all ranks. */
struct strads_lasso_response {
	double mean;     /* ȳ */
	double offset;   /* taken off y before fitting: ȳ with an intercept, else 0 */
	double square;   /* Σ(y − ȳ)² */
	double null;     /* Σ(y − offset)²: twice the objective of β = 0 */
	double r_mean;   /* mean of the residual, where it cannot change: ȳ if the columns are
			  * centred and y is not, else 0 */
	double test_sst; /* Σ(y_test − ȳ)² */
	uint64_t test_rows;
};

/* The variables without a penalty. There are few: all ranks have all of them. */
struct strads_lasso_unpenalized {
	uint32_t count;
	float bound_max; /* largest of the bounds of the others, which hold of ‖r − r̄‖ too */
	strads_key *key; /* [count] ascending */
	double *beta;    /* [count] on the original scale */
	struct strads_gram_scratch *gram;
	/* Of rank 0, which reduces what is said of them. The columns are scaled to norm 1. */
	double *scale;   /* [count] */
	double *factor;  /* [count²] of their Gram matrix; see strads/cholesky.h */
	size_t *pivot;   /* [count] */
	size_t rank;     /* columns that do not depend on others */
	double *y_dot;   /* [count] X̃ᵀy */
	double *scratch; /* [2·count] */
};

/* What the last evaluation found, and what the schedule derives from it; the same on every rank. */
struct strads_lasso_plan {
	uint64_t evaluate_at;  /* set of the next or unfinished evaluation, or NEVER */
	uint64_t list_start;   /* first set over the present list, or NEVER */
	uint64_t evaluations;  /* finished over the present list */
	uint64_t updated;      /* variables in this pass over the present list */
	uint64_t blocks;       /* sets in a pass over it, if they are full */
	uint64_t first_block;  /* number of its first block, for the Gram matrices that are kept */
	bool known;            /* these are those of an earlier pass */
	uint64_t passes;       /* since the last evaluation */
	uint64_t part_passes;  /* over the part of the working set that is drawn */
	double notable;        /* members that violate optimality by more are marked; changes with
				* evaluations alone */
	uint64_t marked;       /* in this pass */
	uint64_t since;        /* sets over the list since then */
	double steepest;       /* max |g_j| in this pass over the list */
	double l1;             /* Σ|β_j| in this pass */
	double slack;          /* Σ λ|β_j| − β_j·g_j in this pass */
	double gap;            /* absolute, at the last evaluation */
	double best_gap;       /* least so far */
	uint64_t stalled;      /* evaluations since that … */
	uint64_t stalled_sets; /* … and sets over the list */
	bool stop;             /* some rank was asked to stop */
	bool diverged;
};

/* The residual of all rows, as of the last set of kind RESIDUAL. */
struct strads_lasso_whole {
	double *residual; /* [rows of all ranks] r; 0 of those held out */
	double sum;
	uint64_t reach; /* positions of the portion from which on |x̃_jᵀr| ≤ λ for sure */
};

/* Gradients of the evaluation under way. */
struct strads_lasso_evaluation {
	double sum[STRADS_LASSO_COMMITTED];
	struct strads_linear_tally tally; /* its ridge: Σκ_jβ_j² */
};

/* Gram matrices kept by their reducer: block b of the list at its rank b mod P, in slot b / P.
 * Filled by pull with the sum it was given and read by it alone, so that what a kept matrix
 * answers is what the sum would have been. */
struct strads_lasso_grams {
	uint64_t slots;  /* a rank; matrices beyond are sent every time */
	size_t stride;   /* numbers in a slot */
	double *matrix;  /* [slots + 1][stride]; the last is for those not kept */
	uint32_t *order; /* [slots] rows of the matrix in the slot, 0: none */
};

/* Scratch of one block of at most set_size variables. */
struct strads_lasso_scratch {
	double *gradient;
	double *beta;
	double *mean;
	double *scale;
	double *ridge; /* λκ_j */
	double *diagonal;
	double *range; /* [range_max] */
	struct strads_gram_scratch *gram;
	struct strads_candidates candidates; /* of one range, keys counted from its start */
};

/* Members of the sets that the one being drawn does not see; NULL where that cannot matter. */
struct strads_lasso_unseen {
	uint64_t *position; /* [staleness][set_size] */
	bool *marked;       /* [cols]; all false between draws */
};

struct strads_lasso {
	struct strads_lasso_options options;
	struct strads_fabric *fabric;
	struct strads_engine *engine;
	const struct strads_dataset *train;
	const struct strads_dataset *test; /* or NULL */
	const volatile int *stop;          /* or NULL */
	strads_linear_report *report;      /* or NULL */
	void *report_arg;
	uint64_t start_ns;

	int rank;
	int ranks;
	struct strads_table table;
	uint32_t set_size;  /* at most cols */
	uint32_t range_max; /* variables in a block of COLUMNS or EVALUATE */
	uint32_t row_range; /* rows in a block of RESIDUAL */
	bool cut;           /* ranges of EVALUATE end where owners change, unless WHOLE */

	struct strads_lasso_response response;
	struct strads_linear_columns columns;
	struct strads_lasso_unpenalized unpenalized;
	struct strads_linear_portion portion;
	struct strads_lasso_whole whole;

	double *residual;      /* [train rows] ρ */
	double *test_residual; /* [test rows] */
	double residual_sum;   /* Σρ over own rows */
	double shift;          /* c */
	struct strads_region *beta_region;
	double *beta; /* [own keys], in beta_region */
	strads_key first_key;
	uint64_t own_keys;

	double lambda;     /* NaN before the first evaluation if asked for by ratio */
	double lambda_max; /* NaN before the first evaluation */
	uint64_t updates;
	struct strads_lasso_plan plan;
	uint64_t final_set; /* scheduled here as the last, or NEVER */
	struct strads_lasso_evaluation evaluation;
	uint64_t list_count;   /* variables that are scheduled: all, or the working set */
	uint32_t *permutation; /* [cols] with FIXED and ROTATION, else NULL */
	struct strads_lasso_unseen unseen;
	struct strads_working_set *working_set; /* if only VIOLATORS are scheduled, else NULL */
	struct strads_priority *priority;       /* on ranks that schedule by priority, else NULL */
	struct strads_graph *graph;           /* on ranks that schedule by signals, else NULL … */
	struct strads_signalling *signalling; /* … likewise */
	struct strads_lasso_check *check;     /* if checked, else NULL */
	struct strads_lasso_server *server;   /* if that is the mode, else NULL */
	struct strads_lasso_grams grams;
	struct strads_lasso_scratch scratch;

	uint64_t memory_bytes;                  /* that this rank takes at most, beside the data */
	struct strads_linear_progress progress; /* at the last evaluation */
	enum strads_linear_outcome outcome;
	struct strads_linear_trail trail; /* of a path */
};

/* ---- state.c ------------------------------------------------------------------------------ */

/* Sizes and settings, from the arguments alone. */
void strads_lasso_state_size(struct strads_lasso *lasso);

/* Allocates all but the region of β, counting memory_bytes. Returns STRADS_OK or ERR_MEMORY; gives
 * nothing back on failure. */
STRADS_MUST_CHECK int strads_lasso_state_take(struct strads_lasso *lasso);
void strads_lasso_state_give(struct strads_lasso *lasso);

/* β = 0: residuals are the responses. */
void strads_lasso_state_start(struct strads_lasso *lasso);

/* κ_j of the elastic net; 0 of the Lasso, and where there is no penalty. */
static inline double
strads_lasso_kappa(const struct strads_lasso *lasso, strads_key key)
{
	double alpha = lasso->options.l1_ratio;
	double w = lasso->options.weight ? lasso->options.weight[key] : 1;

	return alpha < 1 && w > 0 ? (1 - alpha) / (alpha * alpha * w) : 0;
}

/* ---- response.c --------------------------------------------------------------------------- */

/* Fills lasso->response. Collective. Returns STRADS_OK, ERR_INPUT (y is constant), or as
 * strads_job_allgather. */
STRADS_MUST_CHECK int strads_lasso_response_learn(struct strads_lasso *lasso);

/* ---- residual.c --------------------------------------------------------------------------- */

/* The primitives of sets of kind RESIDUAL. */
size_t strads_lasso_residual_pull(const struct strads_lasso *lasso,
				  const struct strads_block *block, void *commit);
int strads_lasso_residual_sync(struct strads_lasso *lasso, const struct strads_block *block,
			       const void *commit, size_t bytes);
void strads_lasso_residual_finish(struct strads_lasso *lasso);

/* ---- evaluate.c --------------------------------------------------------------------------- */

/* The primitives for sets of kind EVALUATE. */
size_t strads_lasso_evaluate_elems(const struct strads_lasso *lasso,
				   const struct strads_block *block);
size_t strads_lasso_evaluate_commit_max(uint32_t variables);
void strads_lasso_evaluate_push(const struct strads_lasso *lasso, const struct strads_block *block,
				double *partial);
size_t strads_lasso_evaluate_pull(struct strads_lasso *lasso, const struct strads_block *block,
				  const double *sum, void *commit);
int strads_lasso_evaluate_sync(struct strads_lasso *lasso, const struct strads_block *block,
			       const void *commit, size_t bytes);
int strads_lasso_evaluate_finish(struct strads_lasso *lasso, const struct strads_block *block);

/* Ends the run as diverged: reports and returns STRADS_STOP. */
int strads_lasso_diverge(struct strads_lasso *lasso, uint64_t set);

/* ---- update.c ----------------------------------------------------------------------------- */

/* The primitives for sets of kind UPDATE. */
size_t strads_lasso_update_elems(const struct strads_lasso *lasso,
				 const struct strads_block *block);
size_t strads_lasso_update_commit_max(const struct strads_lasso *lasso, uint32_t variables);
void strads_lasso_update_push(const struct strads_lasso *lasso, const struct strads_block *block,
			      double *partial);
int strads_lasso_update_pull(struct strads_lasso *lasso, const struct strads_block *block,
			     const double *sum, void *commit, size_t *bytes);
int strads_lasso_update_sync(struct strads_lasso *lasso, const struct strads_block *block,
			     const void *commit, size_t bytes);

/* r ← r − a(x_j − μ_j) on training and test rows. */
void strads_lasso_residual_move(struct strads_lasso *lasso, strads_key key, double a);

/* Moves the residuals' common part c into ρ and sums ρ anew, so that neither drifts. */
void strads_lasso_residual_settle(struct strads_lasso *lasso);

/* ---- penalty.c ---------------------------------------------------------------------------- */

/* The primitive sync of sets of kind COLUMNS: gives the scales the penalty's part. */
int strads_lasso_penalty_sync(struct strads_lasso *lasso, const struct strads_block *block,
			      const void *commit, size_t bytes);

/* ---- unpenalized.c
 * ------------------------------------------------------------------------------- */

/* Finds the variables without a penalty. Returns STRADS_OK, ERR_INPUT (more than are supported, or
 * all are) or ERR_MEMORY; gives nothing back on failure. */
STRADS_MUST_CHECK int strads_lasso_unpenalized_take(struct strads_lasso *lasso);
void strads_lasso_unpenalized_give(struct strads_lasso *lasso);

/* The primitives for sets of kind UNPENALIZED. */
size_t strads_lasso_unpenalized_elems(const struct strads_lasso *lasso,
				      const struct strads_block *block);
size_t strads_lasso_unpenalized_elems_max(const struct strads_lasso *lasso);
size_t strads_lasso_unpenalized_commit_max(const struct strads_lasso *lasso);
void strads_lasso_unpenalized_push(const struct strads_lasso *lasso,
				   const struct strads_block *block, double *partial);
size_t strads_lasso_unpenalized_pull(struct strads_lasso *lasso, const struct strads_block *block,
				     const double *sum, void *commit);
int strads_lasso_unpenalized_sync(struct strads_lasso *lasso, const struct strads_block *block,
				  const void *commit, size_t bytes);

/* Writes their gradients over own rows, x_uᵀρ − μ_uΣρ [count]. */
void strads_lasso_unpenalized_gradients(const struct strads_lasso *lasso, double *gradient);

/* From the gradients, summed over the ranks: which part of the residual lies in the span of their
 * columns; its ‖·‖² and its inner product with y. */
void strads_lasso_unpenalized_part(const struct strads_lasso *lasso, const double *gradient,
				   double *square, double *y);

uint64_t strads_lasso_unpenalized_nonzeros(const struct strads_lasso *lasso);

/* The coefficient of `key` on the original scale, 0 if it has a penalty; *at, 0 at first, is where
 * the search begins, for ascending keys. */
double strads_lasso_unpenalized_value(const struct strads_lasso *lasso, strads_key key,
				      uint64_t *at);

/* After the run: puts their coefficients where those of the others are. */
void strads_lasso_unpenalized_settle(struct strads_lasso *lasso);

/* ---- path.c ------------------------------------------------------------------------------- */

/* After the last evaluation of a λ: keeps lasso->progress and this rank's part of the model.
 * Whether the path goes on with another λ (not if somebody has asked for an end), or *status,
 * ERR_MEMORY, says why it cannot. */
bool strads_lasso_path_goes_on(struct strads_lasso *lasso, uint64_t set, bool asked, int *status);

/* ---- plan.c ------------------------------------------------------------------------------- */

/* Whether the run has taken as long as it may, by this rank's clock. */
bool strads_lasso_time_is_over(const struct strads_lasso *lasso);

/* The primitive schedule. */
int strads_lasso_schedule(struct strads_lasso *lasso, uint64_t set, uint32_t index,
			  struct strads_block_draft *draft);

/* Block `index` of an evaluation over the rows of each rank, which needs no set before it. */
void strads_lasso_schedule_rows(const struct strads_lasso *lasso, bool final, uint32_t index,
				struct strads_block_draft *draft);

/* The plan and the list before the first set. */
void strads_lasso_plan_open(struct strads_lasso *lasso);

/* After an evaluation, λ is another: as if nothing had been tried yet; `gap` is the absolute one.
 */
void strads_lasso_plan_restart(struct strads_lasso_plan *plan, double gap);

/* After an evaluation that did not end the run: the list for the sets to come. Returns STRADS_OK or
 * ERR_MEMORY. */
STRADS_MUST_CHECK int strads_lasso_plan_list(struct strads_lasso *lasso, uint64_t set);

/* From the commit of an update: members that violate optimality by more than is notable, as bits.
 */
void strads_lasso_plan_mark(struct strads_lasso *lasso, const struct strads_block *block,
			    const uint64_t *bits);

/* From the commit of an update: max |g_j|, Σ|β_j| and Σ λ|β_j| − β_j·g_j of its members. Or how
 * much a set of kind UNPENALIZED gained, as slack. */
void strads_lasso_plan_note(struct strads_lasso_plan *plan, double steepest, double l1,
			    double slack);

/* After an update: counts passes, and asks for an evaluation when they find little left to do. */
void strads_lasso_plan_advance(struct strads_lasso *lasso, const struct strads_block *last);

/* ---- whole.c ------------------------------------------------------------------------------ */

/* This rank's own columns over the rows of all ranks, those of others empty; several ranks, the
 * training data readable by peers. Counts memory_bytes. Collective. Returns STRADS_OK, ERR_MEMORY,
 * or as strads_columns_hold; in either case strads_lasso_whole_free afterwards. */
STRADS_MUST_CHECK int strads_lasso_whole_read(struct strads_lasso *lasso,
					      struct strads_dataset *whole);
void strads_lasso_whole_free(struct strads_dataset *whole);

/* ---- server.c ----------------------------------------------------------------------------- */

/* The fit on a parameter server, with the staleness of the engine's options, instead of the
 * engine's run of the program. Collective. Returns STRADS_OK, ERR_INPUT (what it does not take),
 * ERR_MEMORY, or as strads_engine_run and strads_server_get. */
STRADS_MUST_CHECK int strads_lasso_server_run(struct strads_lasso *lasso);

/* ---- unseen.c ----------------------------------------------------------------------------- */

/* Whether the set after *draw others over the list is to have members. A list of fewer sets than
 * staleness + 1 would bring variables again before their last change is seen: then only every
 * (staleness + 1)-th set has, and *draw becomes the number of these. */
bool strads_lasso_unseen_turn(const struct strads_lasso *lasso, uint64_t *draw);

/* Takes out of a random draw what a set in flight may change. */
void strads_lasso_unseen_leave(struct strads_lasso *lasso, uint64_t set,
			       struct strads_block_draft *draft);

/* ---- check.c ------------------------------------------------------------------------------ */

/* If the schedule is to be checked, makes what that needs; else does nothing. Collective; after
 * strads_lasso_state_take. Returns STRADS_OK or as strads_columns_new; in either case
 * strads_lasso_check_close afterwards. */
STRADS_MUST_CHECK int strads_lasso_check_open(struct strads_lasso *lasso);
void strads_lasso_check_close(struct strads_lasso *lasso);

/* The primitives begin, seen and schedule, if checked. */
int strads_lasso_check_begin(struct strads_lasso *lasso, uint64_t set);
void strads_lasso_check_seen(struct strads_lasso *lasso, const struct strads_block *block);
int strads_lasso_check_schedule(struct strads_lasso *lasso, uint64_t set, uint32_t index,
				struct strads_block_draft *draft);

/* After the commit of a set of updates: candidates that were not chosen may be drawn again. (Both
 * are in the order of the draw.) Not earlier, as draws must not depend on when a choice was made.
 */
void strads_lasso_check_synced(struct strads_lasso *lasso, const struct strads_block *block);

/* Candidates for a set, at its beginning. */
int strads_lasso_check_draw(struct strads_lasso *lasso, uint64_t set, strads_key *keys,
			    uint32_t *drawn);

/* The largest correlation that a set of updates was found to have. */
double strads_lasso_check_worst(const struct strads_block *block);

/* What this rank has spent on it. */
void strads_lasso_check_count(const struct strads_lasso *lasso,
			      struct strads_linear_checked *checked);

/* ---- neighbours.c ------------------------------------------------------------------------- */

/* If scheduled by signals, makes what that needs; else does nothing. Collective; after
 * strads_lasso_state_take. Returns STRADS_OK, or as strads_graph_new; in either case
 * strads_lasso_neighbours_close afterwards. */
STRADS_MUST_CHECK int strads_lasso_neighbours_open(struct strads_lasso *lasso);
void strads_lasso_neighbours_close(struct strads_lasso *lasso);

/* ---- program.c ---------------------------------------------------------------------------- */

/* The program over `lasso`, whose sizes are set. */
void strads_lasso_program(struct strads_lasso *lasso, struct strads_program *program);

#endif

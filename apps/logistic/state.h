/*
 * What one rank holds while it fits a logistic regression, and how the files of this folder share
 * it.
 *
 * Proximal Newton: about the accepted point, the anchor, the loss is replaced by its second-order
 * model with a weight w_i = p_i(1 − p_i) for each row (more, where that proved too little). Sets of
 * updates descend on that model as they would on a Lasso's, a block at a time; u = X̃d (and the
 * intercept's move) is how far the margins have gone and ρ = r − Wu the model's residual. When the
 * model is solved well enough, a search along d accepts the first of d, d/2, d/4, … that lowers the
 * true objective as it should, and an evaluation at the new anchor certifies the gap and chooses
 * the variables for the next model. β and b stand for the anchor alone; what is not accepted is
 * never seen.
 *
 * The columns are standardised implicitly (../linear/columns.h). With an intercept, a block's model
 * is minimised over it too: eliminating b centres the block's columns by their weighted means.
 */
#ifndef STRADS_LOGISTIC_STATE_H
#define STRADS_LOGISTIC_STATE_H

#include "logistic.h"

#include "../linear/columns.h"
#include "../linear/costs.h"
#include "../linear/drift.h"
#include "../linear/gradients.h"
#include "../linear/portion.h"
#include "../linear/range.h"
#include "../linear/trail.h"
#include "strads/descent.h"
#include "strads/gram.h"
#include "strads/logloss.h"
#include "strads/priority.h"
#include "strads/program.h"
#include "strads/table.h"
#include "strads/working_set.h"

/* Kinds of sets. */
enum strads_logistic_kind {
	STRADS_LOGISTIC_COLUMNS,  /* statistics of columns; arg: the phase */
	STRADS_LOGISTIC_WHOLE,    /* the residual and the weights of all rows */
	STRADS_LOGISTIC_EVALUATE, /* sums over rows (block 0), then gradients of ranges of columns
				   */
	STRADS_LOGISTIC_UPDATE,   /* one block of descent on the model */
	STRADS_LOGISTIC_TURN,     /* one rank's descent on it over the working set; arg: the turn */
	STRADS_LOGISTIC_STEP,     /* the objective at the anchor + d/2^arg */
	STRADS_LOGISTIC_KINDS,
};

/* Bits of the arg of EVALUATE. */
#define STRADS_LOGISTIC_FINAL UINT64_C(1) /* the run ends here, tolerance reached or not */
#define STRADS_LOGISTIC_BETA  UINT64_C(2) /* ranges cross owners: partials carry β too */
#define STRADS_LOGISTIC_WIDE  UINT64_C(4) /* ranges are of one rank's whole columns */

/* Bits of the arg of UPDATE; the number of the block in its list stands above them. */
#define STRADS_LOGISTIC_GRAM  UINT64_C(1) /* partials carry the Gram matrix */
#define STRADS_LOGISTIC_CACHE UINT64_C(2) /* the reducer keeps it for this block */
#define STRADS_LOGISTIC_SHIFT 8

/* No set. */
#define STRADS_LOGISTIC_NEVER UINT64_MAX

/* Sums over the rows of all ranks, the partial of EVALUATE's block 0. */
enum strads_logistic_sum {
	STRADS_LOGISTIC_LOSS,
	STRADS_LOGISTIC_RIGHT, /* rows on the right side of 0 */
	STRADS_LOGISTIC_ENTROPY,
	STRADS_LOGISTIC_SLOPE,
	STRADS_LOGISTIC_CURVATURE,
	STRADS_LOGISTIC_TEST_LOSS,
	STRADS_LOGISTIC_TEST_RIGHT,
	STRADS_LOGISTIC_STOPS, /* ranks asked to stop */
	STRADS_LOGISTIC_COST,  /* see ../linear/costs.h */
	STRADS_LOGISTIC_SUMS = STRADS_LOGISTIC_COST + STRADS_LINEAR_COSTS,
};

/* Sums over the rows and the variables of all ranks, the partial and the commit of STEP. */
enum strads_logistic_trial {
	STRADS_LOGISTIC_TRIAL_LOSS,
	STRADS_LOGISTIC_TRIAL_POSITIVE, /* see struct strads_logloss_sums */
	STRADS_LOGISTIC_TRIAL_NEGATIVE,
	STRADS_LOGISTIC_TRIAL_START,  /* the loss at the anchor */
	STRADS_LOGISTIC_TRIAL_DOWN,   /* Σ r_i u_i: the loss falls so steeply along d */
	STRADS_LOGISTIC_TRIAL_L1,     /* ‖β + αd‖₁ … */
	STRADS_LOGISTIC_TRIAL_L1_ONE, /* … ‖β + d‖₁ … */
	STRADS_LOGISTIC_TRIAL_L1_NOW, /* … and ‖β‖₁, over the list */
	STRADS_LOGISTIC_TRIALS,
};

/* What a turn tells of itself. */
enum strads_logistic_head {
	STRADS_LOGISTIC_HEAD_SHIFT,    /* see struct strads_descent … */
	STRADS_LOGISTIC_HEAD_SUM,      /* … likewise */
	STRADS_LOGISTIC_HEAD_STEEPEST, /* of its first sweep, see struct strads_descent_tally … */
	STRADS_LOGISTIC_HEAD_L1,
	STRADS_LOGISTIC_HEAD_SLACK,
	STRADS_LOGISTIC_HEAD_UPDATES,
	STRADS_LOGISTIC_HEAD_STOP, /* whether the rank was asked to stop */
	STRADS_LOGISTIC_HEADS,
};

/* The labels, from all ranks. */
struct strads_logistic_labels {
	double share;         /* of the training rows, with y = +1 */
	double null;          /* Σ loss of the best constant: n·H(share) */
	double start;         /* Σ loss of β = 0: that with an intercept, else n·log 2 */
	double test_constant; /* Σ loss of that constant on the test rows */
	uint64_t test_rows;
};

/* What the last evaluation found, and what the schedule derives from it; the same on every rank. */
struct strads_logistic_plan {
	uint64_t pending_at; /* set of the next or unfinished WHOLE, EVALUATE, TURN or STEP, or
			      * NEVER … */
	uint32_t pending;    /* … and which of them */
	uint64_t halvings;   /* of the step that is tried */
	uint64_t list_start; /* first set over the present list and model, or NEVER */
	uint64_t updated;    /* variables in this pass over the list */
	uint64_t blocks;     /* sets in a pass, if they are full */
	uint64_t passes;     /* over the present model */
	uint64_t turn;       /* over it, if the working set is swept by turns */
	uint32_t sweeps;     /* over a model at most */
	uint64_t models;     /* since the last evaluation */
	double distance;     /* from optimal, at the anchor, as the first sweep found the list */
	double steepest;     /* max |g_j| in this pass */
	double l1;           /* Σ|β_j + d_j| in this pass */
	double slack;        /* Σ λ|β_j + d_j| − (β_j + d_j)·g_j in this pass */
	double gap;          /* absolute, at the last evaluation */
	double best_gap;     /* least relative one so far */
	uint32_t stalled;    /* evaluations since the best gap */
	bool stop;           /* some rank was asked to stop */
	bool stuck;          /* no step along d lowers the objective */
	bool diverged;
};

/* The evaluation under way. */
struct strads_logistic_evaluation {
	double sum[STRADS_LOGISTIC_SUMS];
	struct strads_linear_tally tally;
};

/* All rows, as of the last set of kind WHOLE. */
struct strads_logistic_whole {
	double *r;      /* [rows of all ranks] */
	double *weight; /* likewise */
	double *theta;  /* likewise */
	double r_sum, weight_sum;
	double sum;     /* Σθ */
	uint64_t reach; /* positions of the portion from which on |x̃_jᵀθ| ≤ λ for sure */
};

/* The working set, swept by the ranks in turn. */
struct strads_logistic_turns {
	strads_key *key; /* [list_count] the list, each rank's part in a row … */
	uint64_t *first; /* [ranks + 2] … from here to the next (the last is scratch) */
	double *d;       /* [list_count] how far from the anchor */
	double *heard;   /* the vector of the last turn: heads, moves of the rank's part, residual
			  * of all rows */
	double *said;    /* this rank's, in its own turn */
	struct strads_descent_member *member; /* this rank's part; first those swept … */
	uint32_t *place;                      /* … and where in the part they lie */
	uint64_t active;                      /* how many are swept */
};

/* Gram matrices of the model, kept by their reducer: block b of the list at its rank b mod P, in
 * slot b / P. In a slot: the standardised matrix [U·U], the centres [U], the total weight. */
struct strads_logistic_grams {
	uint64_t slots;  /* a rank; matrices beyond are sent every time */
	size_t stride;   /* numbers in a slot */
	double *slot;    /* [slots + 1][stride]; the last is for those not kept */
	uint32_t *order; /* [slots] rows of the matrix in the slot, 0: none */
};

/* Scratch of one block of at most set_size variables, or of one range. */
struct strads_logistic_scratch {
	double *gradient;
	double *beta;
	double *scale;
	double *range; /* [range_max] */
	struct strads_gram_scratch *gram;
	struct strads_candidates candidates;
};

struct strads_logistic {
	struct strads_logistic_options options;
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
	uint32_t piece_max; /* numbers in a block of TURN; a block of WHOLE has half as many rows */
	bool cut;           /* ranges of EVALUATE end where owners change, unless WIDE */

	struct strads_logistic_labels labels;
	struct strads_linear_columns columns;
	struct strads_linear_portion portion;
	struct strads_linear_drift drift;
	double *portion_d; /* [portion count] d by position */
	struct strads_logistic_whole whole;
	struct strads_logistic_turns turns;

	double *y;      /* [train rows] ±1 */
	double *margin; /* [train rows] m at the anchor */
	double *theta;  /* [train rows] dual point there, before it is scaled to be feasible */
	double *r;      /* [train rows] −dP/dm there */
	double *weight; /* [train rows] w there … */
	double reach;   /* … the largest curvature at margins so far from them */
	double *move;   /* [train rows] u */
	double *rho;    /* [train rows] ρ */
	double *test_y, *test_margin, *test_move; /* [test rows] */
	struct strads_logloss_dual dual;          /* of θ, over own rows … */
	double positive, negative;                /* … and what made it of r, by class */
	double intercept;      /* b: all of m that is not the raw x_iᵀ(s∘β) */
	double intercept_move; /* of it, in u */
	struct strads_region *beta_region;
	double *beta; /* [own keys], in beta_region */
	double *d;    /* [own keys] */
	strads_key first_key;
	uint64_t own_keys;

	double lambda;     /* NaN before the first evaluation if asked for by ratio */
	double lambda_max; /* NaN before the first evaluation */
	uint64_t updates;
	struct strads_logistic_plan plan;
	uint64_t final_set; /* scheduled here as the last, or NEVER */
	struct strads_logistic_evaluation evaluation;
	double trial[STRADS_LOGISTIC_TRIALS];
	struct strads_working_set *working_set; /* if scheduled by it, else NULL: all variables */
	uint64_t list_count;
	uint32_t *permutation;            /* [cols] of FIXED, else NULL */
	struct strads_priority *priority; /* on ranks that schedule by priority, else NULL */
	struct strads_logistic_grams grams;
	struct strads_logistic_scratch scratch;

	uint64_t memory_bytes;                  /* that this rank takes at most, beside the data */
	struct strads_linear_progress progress; /* at the last evaluation */
	enum strads_linear_outcome outcome;
	struct strads_linear_trail trail; /* of a path */
};

/* ---- state.c ------------------------------------------------------------------------------ */

/* Sizes and settings, from the arguments alone. */
void strads_logistic_state_size(struct strads_logistic *logistic);

/* Allocates all but the region of β, counting memory_bytes. Returns STRADS_OK or ERR_MEMORY; gives
 * nothing back on failure. */
STRADS_MUST_CHECK int strads_logistic_state_take(struct strads_logistic *logistic);
void strads_logistic_state_give(struct strads_logistic *logistic);

/* β = 0 and, with an intercept, the best constant. */
void strads_logistic_state_start(struct strads_logistic *logistic);

/* The model about the present margins, given the sums over all ranks there: r, w, θ, u = 0. */
void strads_logistic_state_anchor(struct strads_logistic *logistic,
				  const struct strads_logloss_sums *sums);

/* Margins are where the anchor is: u = 0. */
void strads_logistic_state_rest(struct strads_logistic *logistic);

/* ---- labels.c ----------------------------------------------------------------------------- */

/* Fills logistic->labels, y and test_y. Collective. Returns STRADS_OK, ERR_INPUT (labels that are
 * neither −1 and 1 nor 0 and 1; one class only), or as strads_job_gather. */
STRADS_MUST_CHECK int strads_logistic_labels_learn(struct strads_logistic *logistic);

/* ---- evaluate.c --------------------------------------------------------------------------- */

/* The primitives for sets of kind EVALUATE; as in strads/program.h. */
size_t strads_logistic_evaluate_elems(const struct strads_block *block);
size_t strads_logistic_evaluate_commit_max(uint32_t variables);
void strads_logistic_evaluate_push(const struct strads_logistic *logistic,
				   const struct strads_block *block, double *partial);
size_t strads_logistic_evaluate_pull(struct strads_logistic *logistic,
				     const struct strads_block *block, const double *sum,
				     void *commit);
int strads_logistic_evaluate_sync(struct strads_logistic *logistic,
				  const struct strads_block *block, const void *commit,
				  size_t bytes);
int strads_logistic_evaluate_finish(struct strads_logistic *logistic,
				    const struct strads_block *block);

/* Ends the run as diverged: reports and returns STRADS_STOP. */
int strads_logistic_diverge(struct strads_logistic *logistic, uint64_t set);

/* ---- whole.c ------------------------------------------------------------------------------ */

void strads_logistic_whole_take(struct strads_logistic *logistic, struct strads_linear_need *need);

/* The primitives for sets of kind WHOLE. There is nothing to push. */
size_t strads_logistic_whole_pull(const struct strads_logistic *logistic,
				  const struct strads_block *block, void *commit);
int strads_logistic_whole_sync(struct strads_logistic *logistic, const struct strads_block *block,
			       const void *commit, size_t bytes);
void strads_logistic_whole_finish(struct strads_logistic *logistic,
				  const struct strads_block *last);

/* ---- turn.c ------------------------------------------------------------------------------- */

void strads_logistic_turn_take(struct strads_logistic *logistic, struct strads_linear_need *need);
void strads_logistic_turn_give(struct strads_logistic *logistic);

/* Takes over the working set as it was chosen. */
void strads_logistic_turn_list(struct strads_logistic *logistic);

/* A model of the anchor begins, all rows being known. */
void strads_logistic_turn_begin(struct strads_logistic *logistic);

/* Numbers in the vector that a turn commits. */
uint64_t strads_logistic_turn_length(const struct strads_logistic *logistic, uint64_t turn);

/* What a turn of this rank typically costs, in nanoseconds. */
double strads_logistic_turn_cost_ns(const struct strads_logistic *logistic);

/* The primitives for sets of kind TURN. There is nothing to push. */
void strads_logistic_turn_draft(const struct strads_logistic *logistic, uint32_t index,
				struct strads_block_draft *draft);
size_t strads_logistic_turn_pull(struct strads_logistic *logistic, const struct strads_block *block,
				 void *commit);
int strads_logistic_turn_sync(struct strads_logistic *logistic, const struct strads_block *block,
			      const void *commit, size_t bytes);
void strads_logistic_turn_finish(struct strads_logistic *logistic, const struct strads_block *last);

/* ---- update.c ----------------------------------------------------------------------------- */

/* The primitives for sets of kind UPDATE. */
size_t strads_logistic_update_elems(const struct strads_block *block);
size_t strads_logistic_update_elems_max(uint32_t variables);
size_t strads_logistic_update_commit_max(uint32_t variables);
void strads_logistic_update_push(const struct strads_logistic *logistic,
				 const struct strads_block *block, double *partial);
int strads_logistic_update_pull(struct strads_logistic *logistic, const struct strads_block *block,
				const double *sum, void *commit, size_t *bytes);
int strads_logistic_update_sync(struct strads_logistic *logistic, const struct strads_block *block,
				const void *commit, size_t bytes);

/* ---- step.c ------------------------------------------------------------------------------- */

/* The primitives for sets of kind STEP; its commit is its sum. */
void strads_logistic_step_push(const struct strads_logistic *logistic,
			       const struct strads_block *block, double *partial);
int strads_logistic_step_sync(struct strads_logistic *logistic, const struct strads_block *block,
			      const void *commit, size_t bytes);
int strads_logistic_step_finish(struct strads_logistic *logistic, const struct strads_block *block);

/* ---- plan.c ------------------------------------------------------------------------------- */

/* The primitive schedule. */
int strads_logistic_schedule(struct strads_logistic *logistic, uint64_t set, uint32_t index,
			     struct strads_block_draft *draft);

/* The plan before the first set. */
void strads_logistic_plan_open(struct strads_logistic *logistic);

/* The next set that can be scheduled after the finish of `set` is to be of kind `pending`. */
void strads_logistic_plan_next(struct strads_logistic *logistic, uint64_t set, uint32_t pending);

/* After an evaluation, λ is another: as if nothing had been tried yet. */
void strads_logistic_plan_restart(struct strads_logistic_plan *plan);

/* After an evaluation that did not end the run, of an absolute gap: chooses the variables of the
 * next model. */
void strads_logistic_plan_list(struct strads_logistic *logistic, uint64_t set, double gap);

/* After that: updates over the list begin. */
void strads_logistic_plan_begin(struct strads_logistic *logistic, uint64_t set);

/* All ranks know the rows at a new anchor: a model of it, or an evaluation if that is due. */
void strads_logistic_plan_model(struct strads_logistic *logistic, uint64_t set);

/* A pass over the list begins. */
void strads_logistic_plan_pass(struct strads_logistic_plan *plan);

/* From the commit of an update: max |g_j|, Σ|β_j| and Σ λ|β_j| − β_j·g_j of its members. */
void strads_logistic_plan_note(struct strads_logistic_plan *plan, double steepest, double l1,
			       double slack);

/* After an update: counts passes, and asks for a step when they find little left to do. */
void strads_logistic_plan_advance(struct strads_logistic *logistic,
				  const struct strads_block *last);

/* ---- path.c ------------------------------------------------------------------------------- */

/* After the last evaluation of a λ: keeps logistic->progress and this rank's part of the model.
 * Whether the path goes on with another λ (not if somebody has asked for an end), or *status,
 * ERR_MEMORY, says why it cannot. */
bool strads_logistic_path_goes_on(struct strads_logistic *logistic, uint64_t set, bool asked,
				  int *status);

/* ---- auc.c -------------------------------------------------------------------------------- */

/* Area under the ROC curve of all ranks' test margins, on rank 0; NaN where it is not defined and
 * on the other ranks. Collective. Returns STRADS_OK or as strads_job_gather. */
STRADS_MUST_CHECK int strads_logistic_auc(const struct strads_logistic *logistic, double *auc);

/* ---- program.c ---------------------------------------------------------------------------- */

/* The program over `logistic`, whose sizes are set. */
void strads_logistic_program(struct strads_logistic *logistic, struct strads_program *program);

#endif

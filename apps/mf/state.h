/*
 * What one rank holds while it factorizes, and how the files of this folder share it.
 *
 * Coordinate descent. A set updates one factor: h_k of all items, a block for each range of an
 * owner's. The residuals lie with the users' ranks. A set's push first completes the set before: it
 * makes the residuals those of the committed h_k, and solves for w_k of its own users where that is
 * due; in the same pass over the ratings it sums what the new set asks for, Σ_i r_ij w_ik and Σ_i
 * w_ik² over its users, for all items. From the sums over the ranks the owner computes
 *
 *     h_kj ← (Σ_i r_ij w_ik + h_kj Σ_i w_ik²) / (λ_j + Σ_i w_ik²)
 *
 * and commits h_kj before and after. So the traffic of a set is two numbers an item each way, one
 * column of H is all that a rank knows of other owners' shards at a time, and the ratings are gone
 * through once for both h_k and w_k.
 *
 * Alternating least squares: als.c. Stochastic gradient steps: sgd.h.
 */
#ifndef STRADS_MF_STATE_H
#define STRADS_MF_STATE_H

#include "../linear/need.h"
#include "mf.h"
#include "strads/program.h"
#include "strads/table.h"

/* Items in a block: its partial, 64 KiB, is one message of the usual size. */
#define STRADS_MF_BLOCK_ITEMS 4096

/* Kinds of sets. */
enum strads_mf_kind {
	STRADS_MF_COUNT,     /* how many ratings each item has; the first set */
	STRADS_MF_FACTOR,    /* arg: which factor, and the bits below */
	STRADS_MF_EVALUATE,  /* one block without variables */
	STRADS_MF_ALS_ITEMS, /* h_j of items, each from the sums over the ranks */
	STRADS_MF_ALS_USERS, /* w_i of a part of every rank's users, in blocks without variables */
	STRADS_MF_STRATUM,   /* arg: the how-manieth of a sweep; one block without variables */
	STRADS_MF_KINDS,
};

/* Bits of the arg of FACTOR; the factor stands above them. */
#define STRADS_MF_SOLVE_ITEMS UINT64_C(1) /* h_k is updated, else only told */
#define STRADS_MF_SOLVE_USERS UINT64_C(2) /* w_k is updated when h_k is there */
#define STRADS_MF_SHIFT       2

/* Bits of the arg of EVALUATE. */
#define STRADS_MF_FINAL UINT64_C(1) /* the run ends here */
#define STRADS_MF_SWEPT UINT64_C(2) /* a sweep ends here */

/* Sums over the ranks, the partial and the commit of EVALUATE. */
enum strads_mf_sum {
	STRADS_MF_SQUARES,      /* Σ r² */
	STRADS_MF_TEST_SQUARES, /* likewise, held out */
	STRADS_MF_UNSEEN,       /* of these, ratings that the mean stands for */
	STRADS_MF_PENALTY, /* Σ λ_i‖w_i‖² + Σ λ_j‖h_j‖² over own users and items */
	STRADS_MF_STOPS,   /* ranks asked to stop */
	STRADS_MF_COST,    /* see ../linear/costs.h */
	STRADS_MF_SUMS = STRADS_MF_COST + STRADS_LINEAR_COSTS,
};

/* The factors, each side in shards by rows: user i at the rank whose range of `first` has it. */
struct strads_mf_model {
	struct strads_fabric *fabric;
	uint32_t columns; /* K, with biases K + 1 */
	bool wide;
	bool by_rows;
	int ranks;
	uint64_t *first[STRADS_MF_SIDES]; /* [ranks + 1] */
	/* [columns][rows of the shard]; if by_rows [rows of the shard][columns]. */
	struct strads_region *region[STRADS_MF_SIDES];
	struct strads_region *window; /* what is being read */
};

/* What the pass that completes the last FACTOR set is to do. */
struct strads_mf_pending {
	bool due;
	bool solve;
	uint32_t factor;
};

/* How far the descent has come; the same on every rank. */
struct strads_mf_course {
	uint64_t iterations;
	uint64_t updates;
	double objective; /* at the end of the last sweep; infinite before the first */
	double best_test; /* RMSE at the end of a sweep */
	uint64_t best_at; /* iterations then */
	bool stop;        /* some rank was asked to stop */
};

struct strads_mf {
	struct strads_mf_options options;
	struct strads_fabric *fabric;
	struct strads_engine *engine;
	struct strads_ratings *ratings;
	struct strads_mf_model *model;
	const volatile int *stop; /* or NULL */
	strads_mf_report *report; /* or NULL */
	void *report_arg;
	uint64_t start_ns;

	int rank, ranks;
	bool wide;
	uint32_t columns;          /* of the model */
	size_t real_bytes;         /* of one number of W, H and the residuals */
	struct strads_table table; /* of items */
	uint64_t own_items, first_item;
	uint64_t blocks;      /* of a FACTOR set */
	strads_key *block_at; /* [blocks + 1] first item of each */
	void *w;              /* own users' shard of the model */
	void *h;              /* own items' */
	uint32_t *count;      /* [items] ratings over all ranks */

	/* Coordinate descent's. */
	void *change;           /* [items][2] h_k before and after the last set */
	void *sums;             /* [items][2] of a part of the rows … */
	double *total;          /* [items][2] … and of all of them */
	void *before;           /* [own users] w_k before it was solved for */
	void *ones;             /* [own users], with biases */
	uint32_t flush_entries; /* so many ratings are summed in the precision of the reals */
	struct strads_mf_pending pending;

	struct strads_mf_als *als; /* of that algorithm, else NULL */
	struct strads_mf_sgd *sgd; /* likewise */

	struct strads_mf_course course;
	uint64_t final_set; /* scheduled here as the last, or UINT64_MAX */
	uint64_t
	    unseen; /* held-out ratings that the mean stands for, of own users or not known … */
	double unseen_squares;      /* … and the sum of squares of what is wrong with that */
	double sum[STRADS_MF_SUMS]; /* of the evaluation under way */
	struct strads_mf_progress progress;
	enum strads_mf_outcome outcome;
};

/* Number i of an array of reals. */
static inline double
strads_mf_get(bool wide, const void *reals, size_t i)
{
	return wide ? ((const double *)reals)[i] : (double)((const float *)reals)[i];
}

static inline void
strads_mf_set(bool wide, void *reals, size_t i, double value)
{
	if (wide)
		((double *)reals)[i] = value;
	else
		((float *)reals)[i] = (float)value;
}

/* Where number k of row i lies in a shard of so many rows. */
static inline size_t
strads_mf_at(const struct strads_mf *mf, uint64_t rows, uint64_t i, uint32_t k)
{
	return mf->model->by_rows ? i * mf->model->columns + k : k * rows + i;
}

/* Of coordinate descent: biases are factors behind the K of which one side is 1 throughout. */
static inline uint32_t
strads_mf_item_bias(const struct strads_mf *mf)
{
	return mf->options.factors;
}

static inline uint32_t
strads_mf_user_bias(const struct strads_mf *mf)
{
	return mf->options.factors + 1;
}

/* w_k of own users, h_k of own items, in a model by factors; h_k of the users' biases is nowhere.
 */
static inline void *
strads_mf_w(const struct strads_mf *mf, uint32_t k)
{
	if (k == strads_mf_item_bias(mf))
		return mf->ones;
	k -= k == strads_mf_user_bias(mf);
	return (char *)mf->w + (size_t)k * mf->ratings->train.rows * mf->real_bytes;
}

static inline void *
strads_mf_h(const struct strads_mf *mf, uint32_t k)
{
	return (char *)mf->h + (size_t)k * mf->own_items * mf->real_bytes;
}

/* λ of a row or column with so many ratings. */
static inline double
strads_mf_ridge(const struct strads_mf *mf, uint64_t ratings)
{
	return mf->options.weighted ? mf->options.lambda * (double)ratings : mf->options.lambda;
}

/* ---- state.c ------------------------------------------------------------------------------ */

/* How items and users are cut, which the engine's sizes follow from. Returns STRADS_OK or
 * ERR_MEMORY. */
STRADS_MUST_CHECK int strads_mf_state_plan(struct strads_mf *mf);

/* Allocates all but the model, or counts it. Failure is need->status. */
void strads_mf_state_take(struct strads_mf *mf, struct strads_linear_need *need);

/* Also after a failure of either. */
void strads_mf_state_give(struct strads_mf *mf);

/* The first W, and with biases the ratings without their mean. */
void strads_mf_state_start(struct strads_mf *mf);

/* Takes the held-out ratings of users or items without training ratings out, once the counts of all
 * items are known: the training mean stands for them. */
void strads_mf_state_drop_unseen(struct strads_mf *mf);

/* ---- model.c ------------------------------------------------------------------------------ */

/* Zeros. Collective. Returns STRADS_OK, ERR_MEMORY, or as strads_fabric_wire. */
STRADS_MUST_CHECK int strads_mf_model_new(struct strads_fabric *fabric,
					  const struct strads_ratings *ratings, uint32_t columns,
					  bool by_rows, struct strads_mf_model **model);

/* ---- schedule.c --------------------------------------------------------------------------- */

/* As in strads/program.h. */
int strads_mf_schedule(struct strads_mf *mf, uint64_t set, uint32_t index,
		       struct strads_block_draft *draft);

/* ---- factor.c ----------------------------------------------------------------------------- */

/* Completes the last FACTOR set on own rows; then, if `next` is not NULL, sums over them for that
 * factor into mf->total. */
void strads_mf_complete(struct strads_mf *mf, const void *next);

/* The primitives for sets of kind FACTOR. */
void strads_mf_factor_push(struct strads_mf *mf, const struct strads_block *block, double *partial);
size_t strads_mf_factor_pull(const struct strads_mf *mf, const struct strads_block *block,
			     const double *sum, void *commit);
int strads_mf_factor_sync(struct strads_mf *mf, const struct strads_block *block,
			  const void *commit, size_t bytes);
void strads_mf_factor_finish(struct strads_mf *mf, const struct strads_block *last);

/* ---- als.c -------------------------------------------------------------------------------- */

/* As strads_mf_state_plan, take and give, of what only this algorithm needs. */
STRADS_MUST_CHECK int strads_mf_als_plan(struct strads_mf *mf);
void strads_mf_als_take(struct strads_mf *mf, struct strads_linear_need *need);
void strads_mf_als_give(struct strads_mf *mf);

/* Sorts own ratings by item. */
void strads_mf_als_start(struct strads_mf *mf);

/* Sizes of its sets' blocks, for the program. */
void strads_mf_als_sizes(const struct strads_mf *mf, struct strads_program *program);

/* Block `index` of a set of its kinds. */
void strads_mf_als_draft(const struct strads_mf *mf, uint32_t index,
			 struct strads_block_draft *draft);

/* The primitives for sets of its kinds. */
size_t strads_mf_als_elems(const struct strads_mf *mf, const struct strads_block *block);
void strads_mf_als_push(struct strads_mf *mf, const struct strads_block *block, double *partial);
size_t strads_mf_als_pull(const struct strads_mf *mf, const struct strads_block *block,
			  const double *sum, void *commit);
int strads_mf_als_sync(struct strads_mf *mf, const struct strads_block *block, const void *commit,
		       size_t bytes);
double strads_mf_als_push_cost_ns(const struct strads_mf *mf, const struct strads_block *block);
double strads_mf_als_pull_cost_ns(const struct strads_mf *mf, const struct strads_block *block);

/* Σ r² over some own ratings, which are rows of own users. */
double strads_mf_als_squares(const struct strads_mf *mf, const struct strads_rank_one_rows *part);

/* ---- sgd.c -------------------------------------------------------------------------------- */

/* As strads_mf_state_plan, take and give, of what only this algorithm needs. */
STRADS_MUST_CHECK int strads_mf_sgd_plan(struct strads_mf *mf);
void strads_mf_sgd_take(struct strads_mf *mf, struct strads_linear_need *need);
void strads_mf_sgd_give(struct strads_mf *mf);

/* Makes all ranks' shares of H known to each other, and agrees on the scale. Collective. Returns
 * as strads_fabric_wire and strads_job_gather. */
STRADS_MUST_CHECK int strads_mf_sgd_wire(struct strads_mf *mf);

/* Lays out ratings and rows, once the counts of all items are known. Returns STRADS_OK or
 * ERR_MEMORY. */
STRADS_MUST_CHECK int strads_mf_sgd_start(struct strads_mf *mf);

/* Brings the rows into the model. Collective; returns as strads_get. */
STRADS_MUST_CHECK int strads_mf_sgd_end(struct strads_mf *mf);

/* Σ λ_i‖w_i‖² over own users and Σ λ_j‖h_j‖² over the items that this rank has now. */
double strads_mf_sgd_penalty(const struct strads_mf *mf);

/* ---- sgd_stratum.c ------------------------------------------------------------------------ */

/* The primitives for sets of kind STRATUM. Push returns STRADS_OK, AGAIN, or as strads_get. */
STRADS_MUST_CHECK int strads_mf_sgd_push(struct strads_mf *mf, const struct strads_block *block);
void strads_mf_sgd_finish(struct strads_mf *mf);

/* Σ r² of own ratings and of those held out. Returns as push. */
STRADS_MUST_CHECK int strads_mf_sgd_look(struct strads_mf *mf, double *train, double *test);

/* ---- evaluate.c --------------------------------------------------------------------------- */

/* The primitives for sets of kind EVALUATE. Push returns STRADS_OK or as strads_mf_sgd_look. */
STRADS_MUST_CHECK int strads_mf_evaluate_push(struct strads_mf *mf, double *partial);
int strads_mf_evaluate_sync(struct strads_mf *mf, const void *commit, size_t bytes);
int strads_mf_evaluate_finish(struct strads_mf *mf, const struct strads_block *last);

/* ---- program.c ---------------------------------------------------------------------------- */

void strads_mf_program(struct strads_mf *mf, struct strads_program *program);

#endif

/*
 * Matrix factorization by scheduled updates: minimise over W (users × K) and H (items × K)
 * Σ (a_ij − w_iᵀh_j)² + Σ_i λ_i‖w_i‖² + Σ_j λ_j‖h_j‖², the first sum over the ratings there are;
 * λ_i = λ·(ratings of i) if weighted, else λ. With biases the model of a_ij is μ + b_i + c_j +
 * w_iᵀh_j, μ the mean of the ratings, and b and c are penalised as W and H are. Users are split
 * among the ranks with their ratings.
 */
#ifndef STRADS_MF_H
#define STRADS_MF_H

#include "../data/ratings.h"
#include "../linear/costs.h"
#include "strads/engine.h"

enum strads_mf_algorithm {
	/* Coordinate descent as in Lee et al., NIPS 2014: h_kj of all items for k = 1 … K, then
	 * w_ik of all users for k = 1 … K. */
	STRADS_MF_CCD,
	/* Yu et al., ICDM 2012: for k = 1 … K the rank-one problem in h_k and w_k, `inner` times
	 * one after the other. */
	STRADS_MF_CCDPP,
	/* Alternating least squares: h_j of all items, then w_i of all users. Zhou et al., AAIM
	 * 2008; weighted it is their ALS-WR. */
	STRADS_MF_ALS,
	/* Stochastic gradient steps by strata. Gemulla et al., KDD 2011. */
	STRADS_MF_SGD,
};

#define STRADS_MF_FACTORS_MAX (1 << 20)

struct strads_mf_options {
	enum strads_mf_algorithm algorithm;
	uint32_t factors;    /* K = 1 … STRADS_MF_FACTORS_MAX; typically 10 … 1000 */
	double lambda;       /* ≥ 0; typically 0.05 weighted */
	bool weighted;       /* λ by the number of ratings of a user or item */
	bool biases;         /* an offset for each user and item, beside the mean */
	uint32_t inner;      /* CCDPP: ≥ 1; typically 1 */
	double rate;         /* SGD: > 0, of the first steps; typically 0.1 */
	uint64_t iterations; /* sweeps over all of W and H; 0: no limit */
	double tol;          /* a sweep that lowers the objective by less than this share ends it */
	uint64_t patience;   /* sweeps without a lower test RMSE that end it; 0: as many as it likes
			      */
	double time_limit_s; /* since data were ready; 0: none */
	uint64_t seed;       /* of the first W */
	struct strads_engine_options engine;
};

/* The state at an evaluation; the same on all ranks but for the seconds. */
struct strads_mf_progress {
	double seconds; /* since data were ready, by this rank's clock */
	uint64_t iterations;
	uint64_t sets;
	uint64_t updates; /* of one number of W or H */
	double objective;
	double train_rmse;
	double test_rmse; /* NaN without held-out ratings; the mean of the training ratings stands
			   * for what the model cannot know */
	uint64_t test_unseen;             /* held-out ratings that it stands for */
	double cost[STRADS_LINEAR_COSTS]; /* of all ranks together */
	uint64_t memory_bytes;            /* that the fit takes on this rank, beside the ratings */
	double layout_seconds; /* of `seconds`, for laying this rank's ratings out; else 0 */
};

enum strads_mf_outcome {
	STRADS_MF_CONVERGED, /* by tol */
	STRADS_MF_STALLED,   /* by patience */
	STRADS_MF_LIMIT,     /* of iterations or time, or asked to stop */
	STRADS_MF_DIVERGED,  /* the objective is not finite */
};

/* Called on every rank at each evaluation: after each sweep, of CCD and ALS after each half;
 * `final` at the last. */
typedef void strads_mf_report(void *arg, const struct strads_mf_progress *progress, bool final);

/* The factors, in the memory of the ranks. */
struct strads_mf_model;

/* Fits. Collective. W starts uniform in 0 … 1/√K from the seed and the user's number, H and
 * biases as 0. The residuals of `ratings` are worked on: what coordinate descent leaves there are
 * those of the model. It is borrowed until the model is deleted. *stop, if not NULL, may be set
 * asynchronously on any rank to ask for an orderly end. Returns STRADS_OK, ERR_INPUT (an option out
 * of range), ERR_MEMORY, or as strads_engine_run. The caller deletes the model, which a diverged
 * fit leaves too. Thread: owner of the fabric. */
STRADS_MUST_CHECK int strads_mf_fit(struct strads_fabric *fabric, struct strads_ratings *ratings,
				    const struct strads_mf_options *options,
				    const volatile int *stop, strads_mf_report *report, void *arg,
				    enum strads_mf_outcome *outcome,
				    struct strads_mf_model **model);

enum strads_mf_side { STRADS_MF_USERS, STRADS_MF_ITEMS, STRADS_MF_SIDES };

/* Rows of a factor matrix, users or items, and columns: K, and with biases the row's offset behind
 * them. Thread: any. */
uint64_t strads_mf_model_rows(const struct strads_mf_model *model, enum strads_mf_side side);
uint32_t strads_mf_model_columns(const struct strads_mf_model *model);

/* Most rows read at once. */
#define STRADS_MF_ROWS_MAX 4096

/* Reads rows first … first + n − 1 (n ≤ STRADS_MF_ROWS_MAX) of a side into `rows` [n][columns],
 * from whichever ranks have them; not collective. Returns STRADS_OK, ERR_MEMORY, or as strads_get.
 * Thread: owner. */
STRADS_MUST_CHECK int strads_mf_model_read(struct strads_mf_model *model, enum strads_mf_side side,
					   uint64_t first, uint32_t n, double *rows);

/* Frees and nulls. Every rank must have stopped reading (a barrier). Thread: owner. */
void strads_mf_model_delete(struct strads_mf_model **model);

#endif

/*
 * What the fits of linear models have in common: their settings, and what they tell of themselves.
 */
#ifndef STRADS_LINEAR_H
#define STRADS_LINEAR_H

#include "strads/engine.h"
#include "strads/order.h"
#include "strads/transport.h"

/* What is fitted. */
enum strads_linear_family {
	STRADS_LINEAR_SQUARED,  /* Lasso */
	STRADS_LINEAR_LOGISTIC, /* L1-regularised logistic regression */
};

enum strads_standardize {
	STRADS_STANDARDIZE_NONE,
	STRADS_STANDARDIZE_UNIT,        /* columns scaled to norm 1 */
	STRADS_STANDARDIZE_CENTER_UNIT, /* mean 0, then norm 1; implicit, sparsity kept */
	STRADS_STANDARDIZE_ZSCORE,      /* mean 0, standard deviation 1 (divisor n); implicit */
};

/* Which variables next. */
enum strads_linear_scheduler {
	STRADS_LINEAR_CYCLIC = STRADS_ORDER_CYCLIC,
	STRADS_LINEAR_RANDOM = STRADS_ORDER_RANDOM,
	STRADS_LINEAR_FIXED = STRADS_ORDER_FIXED,
	STRADS_LINEAR_WORKING_SET, /* the support and the worst violators; strads/working_set.h */
	STRADS_LINEAR_PRIORITY,    /* those that moved most; see strads/priority.h */
	STRADS_LINEAR_CHECKED,     /* of those, what does not interfere; see strads/dependency.h */
	STRADS_LINEAR_ROTATION,    /* blocks that move round the ranks; strads/rotation.h */
	STRADS_LINEAR_SIGNALLING,  /* those whose neighbours moved most; strads/signalling.h */
};

/* What checking for dependency took, over all schedulers. Counts, as far as a double has them. */
struct strads_linear_checked {
	double candidates;
	double chosen;
	double products; /* inner products of columns */
	double seconds;  /* computing those */
	double held;     /* columns asked for … */
	double hits;     /* … that were at hand */
	double messages; /* reads of columns … */
	double bytes;    /* … and what they brought */
};

/* What a search through variables that are computed found to do; see ../pairs/. */
struct strads_linear_searched {
	double variables; /* there are */
	double columns;   /* of the base that a bound could not discard, in the last search … */
	double products;  /* … and the multiply-adds that took */
	double seconds;   /* of all ranks, in all searches */
};

/* The state at an evaluation; the same on all ranks but where noted. */
struct strads_linear_progress {
	double seconds; /* since data were ready, of the Lasso also the statistics of the columns;
			 * by this rank's clock */
	uint64_t sets;
	uint64_t updates; /* variables updated so far */
	uint64_t point;   /* of a path: the number of this λ, from 0 … */
	bool done;        /* … and whether it is done with */
	double lambda, lambda_max;
	double objective;
	double explained; /* of a Lasso: 1 − ‖r‖²/Σ(y − ȳ)²; without an intercept, of Σy² */
	double gap; /* relative; with λ = 0, where no dual point bounds, ‖X̃ᵀr‖∞ over λ_max */
	uint64_t nonzeros;
	/* Of a Lasso; test_… here and below: NaN without test data. */
	double train_mse;
	double test_mse;
	double test_mean_mse; /* of predicting the training mean */
	/* Of a logistic regression. */
	double train_log_loss; /* mean of log(1 + exp(−y m)) */
	double train_accuracy; /* share of rows with y m > 0 */
	double test_log_loss;
	double test_constant_log_loss; /* of predicting the training share */
	double test_accuracy;
	uint64_t bytes_sent[STRADS_OPS];           /* by all ranks together, by kind of operation */
	double stage_seconds[STRADS_STAGES];       /* busy, summed over ranks */
	double stage_stall_seconds[STRADS_STAGES]; /* waiting, summed over ranks */
	struct strads_linear_checked checked;      /* zeros unless CHECKED */
	struct strads_linear_searched searched;    /* zeros unless variables are computed */
	uint64_t memory_bytes; /* that the fit takes at most on this rank, beside the data */
};

enum strads_linear_outcome {
	STRADS_LINEAR_CONVERGED,
	STRADS_LINEAR_LIMIT,    /* time or sets ran out before the tolerance, or 100 evaluations
				 * found no smaller gap */
	STRADS_LINEAR_DIVERGED, /* an update was not finite, or the objective more than 1000 times
				 * that of β = 0; then objective and gap are reported as infinite
				 * and the model is empty */
};

/* Called on every rank at each evaluation; `final` at the last. */
typedef void strads_linear_report(void *arg, const struct strads_linear_progress *progress,
				  bool final);

#endif

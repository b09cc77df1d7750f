/*
 * Lasso by scheduled coordinate descent: minimise ½‖y − Xβ − b‖² + λ‖β‖₁ over rows split among
 * the ranks.
 */
#ifndef STRADS_LASSO_H
#define STRADS_LASSO_H

#include "../data/dataset.h"
#include "strads/engine.h"
#include "strads/order.h"
#include "strads/transport.h"

enum strads_standardize {
	STRADS_STANDARDIZE_NONE,
	STRADS_STANDARDIZE_UNIT,        /* columns scaled to norm 1 */
	STRADS_STANDARDIZE_CENTER_UNIT, /* mean 0, then norm 1; implicit, sparsity kept */
	STRADS_STANDARDIZE_ZSCORE,      /* mean 0, standard deviation 1 (divisor n); implicit */
};

/* Which variables next. */
enum strads_lasso_scheduler {
	STRADS_LASSO_CYCLIC = STRADS_ORDER_CYCLIC,
	STRADS_LASSO_RANDOM = STRADS_ORDER_RANDOM,
	STRADS_LASSO_FIXED = STRADS_ORDER_FIXED,
	STRADS_LASSO_PRIORITY, /* those that moved most; see strads/priority.h */
	STRADS_LASSO_CHECKED,  /* of those, what does not interfere; see strads/dependency.h */
};

enum strads_set_update {
	STRADS_SET_UPDATE_GRAM,  /* members corrected by their Gram matrix: one block, passes of CD
				  */
	STRADS_SET_UPDATE_PLAIN, /* all members from the same residual, as the original; can diverge
				  */
};

/* A set that was committed, for who wants proof of the schedule. Called on every rank. */
typedef void strads_lasso_audit(void *arg, uint64_t set, const strads_key *keys, uint32_t n,
				double worst);

struct strads_lasso_options {
	double lambda;       /* ≥ 0; NaN: use lambda_ratio */
	double lambda_ratio; /* λ = λ_max · ratio */
	double tol; /* relative duality gap, of ½‖y − ȳ‖²; see progress.gap for λ = 0 */
	double time_limit_s; /* since data were ready; 0: none */
	uint64_t max_sets;   /* 0: none; the first two or three are always carried out */
	uint64_t seed;
	enum strads_lasso_scheduler scheduler;
	double fresh;              /* PRIORITY: see strads/priority.h */
	double uniform;            /* PRIORITY: likewise */
	double rho;                /* CHECKED: correlation from which on variables interfere */
	uint32_t oversample;       /* CHECKED: candidates for each place in a set, ≥ 1 */
	size_t column_cache_bytes; /* CHECKED: on each rank that schedules, if there are others */
	uint32_t set_size;         /* U */
	uint32_t passes;           /* of coordinate descent over one Gram-corrected set */
	enum strads_set_update set_update;
	bool working_set; /* schedule over support and worst violators instead of all variables; not
			   * with PRIORITY */
	uint64_t evaluate_sets; /* evaluate after so many sets; 0: when a pass over the list finds
				 * that it is solved, or after 20 passes */
	bool intercept;
	enum strads_standardize standardize;
	strads_lasso_audit *audit; /* CHECKED: or NULL */
	void *audit_arg;
	struct strads_engine_options engine;
};

/* What checking for dependency took, over all schedulers. Counts, as far as a double has them. */
struct strads_lasso_checked {
	double candidates;
	double chosen;
	double products; /* inner products of columns */
	double seconds;  /* computing those */
	double held;     /* columns asked for … */
	double hits;     /* … that were at hand */
	double messages; /* reads of columns … */
	double bytes;    /* … and what they brought */
};

/* The state at an evaluation; the same on all ranks but where noted. */
struct strads_lasso_progress {
	double seconds; /* since data were ready, by this rank's clock */
	uint64_t sets;
	uint64_t updates; /* variables updated so far */
	double lambda, lambda_max;
	double objective;
	double gap; /* relative; with λ = 0, where no dual point bounds, ‖X̃ᵀr‖∞ over λ_max */
	uint64_t nonzeros;
	double train_mse;
	double test_mse;      /* NaN without test data */
	double test_mean_mse; /* of predicting the training mean; NaN without test data */
	uint64_t bytes_sent[STRADS_OPS];           /* by all ranks together, by kind of operation */
	double stage_seconds[STRADS_STAGES];       /* busy, summed over ranks */
	double stage_stall_seconds[STRADS_STAGES]; /* waiting, summed over ranks */
	struct strads_lasso_checked checked;       /* zeros unless CHECKED */
	uint64_t memory_bytes; /* that the fit takes at most on this rank, beside the data */
};

enum strads_lasso_outcome {
	STRADS_LASSO_CONVERGED,
	STRADS_LASSO_LIMIT,    /* time or sets ran out before the tolerance, or 100 evaluations
				* found no smaller gap */
	STRADS_LASSO_DIVERGED, /* an update was not finite, or the objective more than 1000 times
				* that of β = 0; then objective and gap are reported as infinite and
				* the model is empty */
};

/* The fitted model, on rank 0 only (elsewhere count 0): nonzero coefficients on the original
 * scale, ascending by index. */
struct strads_lasso_model {
	uint64_t count;
	uint64_t cols;
	uint64_t *index; /* [count], from 0 */
	double *value;   /* [count] */
	double intercept;
};

/* Called on every rank at each evaluation; `final` at the last. */
typedef void strads_lasso_report(void *arg, const struct strads_lasso_progress *progress,
				 bool final);

/* Fits. Collective. `test` may be NULL; it has the columns of `train`. Divergence is an outcome,
 * not a failure. *stop, if not NULL, may be set asynchronously on any rank (a signal handler) to
 * ask for an orderly end (outcome LIMIT). Returns STRADS_OK, ERR_INPUT (λ < 0, y constant, …),
 * ERR_MEMORY, or as strads_engine_run. Thread: owner of the fabric. */
STRADS_MUST_CHECK int strads_lasso_fit(struct strads_fabric *fabric,
				       const struct strads_dataset *train,
				       const struct strads_dataset *test,
				       const struct strads_lasso_options *options,
				       const volatile int *stop, strads_lasso_report *report,
				       void *arg, enum strads_lasso_outcome *outcome,
				       struct strads_lasso_model *model);
void strads_lasso_model_free(struct strads_lasso_model *model);

#endif

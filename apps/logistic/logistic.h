/*
 * L1-regularised logistic regression by scheduled proximal Newton steps: minimise
 * Σ log(1 + exp(−y_i m_i)) + λ‖β‖₁, m = Xβ + b, y = ±1, over rows split among the ranks.
 */
#ifndef STRADS_LOGISTIC_H
#define STRADS_LOGISTIC_H

#include "../data/dataset.h"
#include "../linear/linear.h"
#include "../linear/path.h"

struct strads_logistic_options {
	double lambda;                  /* ≥ 0; NaN: use lambda_ratio */
	double lambda_ratio;            /* λ = λ_max · ratio */
	struct strads_linear_grid path; /* of λs, instead of one */
	double tol; /* of every λ: duality gap, relative to the loss of the best constant; see
		     * progress.gap for λ = 0 */
	double time_limit_s; /* since data were ready; 0: none */
	uint64_t max_sets;   /* 0: none; the first two or three are always carried out */
	uint64_t seed;
	enum strads_linear_scheduler scheduler; /* all but CHECKED */
	double fresh;                           /* PRIORITY: see strads/priority.h */
	double uniform;                         /* PRIORITY: likewise */
	uint32_t set_size;                      /* U */
	uint32_t passes;                        /* of coordinate descent over one set */
	bool intercept;
	enum strads_standardize standardize;
	struct strads_engine_options engine;
};

/* What is said of a fit once it has ended. */
struct strads_logistic_result {
	enum strads_linear_outcome outcome;
	double test_auc; /* area under the ROC curve on the held-out rows, ties counting half; on
			  * rank 0, NaN without test data, where they are of one class, and
			  * elsewhere */
};

/* Fits. Collective. Labels are −1 and 1 or 0 and 1, the same pair in `train` and `test`; 0 stands
 * for −1. `test` may be NULL; it has the columns of `train`. Every accepted step lowers the
 * objective; one that is not finite (values near the largest double) is the outcome DIVERGED.
 * *stop, if not NULL, may be set asynchronously on any rank (a signal handler) to ask for an
 * orderly end (outcome LIMIT). Returns STRADS_OK, ERR_INPUT (λ < 0, other labels, one class only,
 * …), ERR_MEMORY, or as strads_engine_run. The caller frees the model. Thread: owner of the fabric.
 */
STRADS_MUST_CHECK int strads_logistic_fit(struct strads_fabric *fabric,
					  const struct strads_dataset *train,
					  const struct strads_dataset *test,
					  const struct strads_logistic_options *options,
					  const volatile int *stop, strads_linear_report *report,
					  void *arg, struct strads_logistic_result *result,
					  struct strads_linear_model *model);

/* The same for options->path.count λs, at least 1. The path is as long as it came: with outcome
 * LIMIT the last of its points may be short of the tolerance. The AUC is that of its last. The
 * caller frees it with strads_linear_path_free. */
STRADS_MUST_CHECK int strads_logistic_fit_path(
    struct strads_fabric *fabric, const struct strads_dataset *train,
    const struct strads_dataset *test, const struct strads_logistic_options *options,
    const volatile int *stop, strads_linear_report *report, void *arg,
    struct strads_logistic_result *result, struct strads_linear_path *path);

#endif

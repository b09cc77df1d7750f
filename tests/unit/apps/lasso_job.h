/*
 * Runs a fit, of a Lasso or a logistic regression, on all ranks of a job and tells what each rank
 * saw.
 */
#ifndef STRADS_TEST_LASSO_JOB_H
#define STRADS_TEST_LASSO_JOB_H

#include "../../../apps/lasso/cross.h"
#include "../../../apps/logistic/logistic.h"
#include "lasso_problem.h"
#include "ranks.h"

#define LASSO_RANKS_MAX  16
#define LASSO_COLS_MAX   4096
#define LASSO_POINTS_MAX 512
#define LASSO_PATH_MAX   120
#define LASSO_PATH_COLS  128
#define LASSO_FOLDS_MAX  10

typedef int lasso_job_fit(struct strads_fabric *fabric, const struct strads_dataset *train,
			  const struct strads_dataset *test,
			  const struct strads_lasso_options *options, const volatile int *stop,
			  strads_linear_report *report, void *arg,
			  enum strads_linear_outcome *outcome, struct strads_linear_model *model);

struct lasso_job {
	struct strads_job_options job;
	const char *fabric;
	struct strads_lasso_options lasso;
	lasso_job_fit *fit;                             /* strads_lasso_fit, or one like it */
	const struct strads_logistic_options *logistic; /* or NULL: what is fitted instead */
	const struct lasso_problem *problem;            /* rows split evenly … */
	const struct lasso_problem *test;               /* or NULL */
	/* … or, if not NULL, read from a file. */
	const struct strads_dataset_options *file;
	uint32_t folds; /* of cross-validation over lasso.path; 0: none */
	int stop_rank;  /* this rank's stop flag is set at its evaluation `stop_at`; −1: none */
	uint64_t stop_at;
};

/* A λ of a path; the model is rank 0's. */
struct lasso_point {
	double lambda;
	double objective;
	double gap;
	double explained;
	double test_mse;
	double test_log_loss; /* of a logistic regression */
	uint64_t nonzeros;
	uint64_t count;
	double intercept;
	double beta[LASSO_PATH_COLS];
};

struct lasso_result {
	struct rank_end end;
	enum strads_linear_outcome outcome;
	uint64_t evaluations;
	uint64_t finals;                    /* reports with `final` set */
	double objective[LASSO_POINTS_MAX]; /* by evaluation */
	struct strads_linear_progress last;
	/* Rank 0's model, spread out; zeros elsewhere. */
	uint64_t count;
	double test_auc; /* of a logistic regression */
	double intercept;
	double beta[LASSO_COLS_MAX];
	/* Of a path, if path.count is not 0; of its cross-validation, if there are folds. */
	uint64_t points;
	struct lasso_point point[LASSO_PATH_MAX];
	uint64_t best, one_se, validated;
	double mean[LASSO_PATH_MAX], mean_error[LASSO_PATH_MAX];
	double mse[LASSO_FOLDS_MAX][LASSO_PATH_MAX];
};

/* A fit to 1e-10 of λ_max/10 with small sets, forked ranks for LOCAL, simulated for SIM. */
struct lasso_job lasso_job_defaults(enum strads_job_kind kind, int ranks,
				    const struct lasso_problem *problem);

/* Runs the job, results [LASSO_RANKS_MAX]; returns its exit code (every rank returns 0 whatever
 * happened to it). */
int lasso_job_run(const struct lasso_job *job, struct lasso_result *results);

/* Runs the job and asserts that every rank succeeded with `outcome` and saw the same. */
void lasso_job_assert(const struct lasso_job *job, enum strads_linear_outcome outcome,
		      struct lasso_result *results);

/* Results of that size. The caller frees. */
struct lasso_result *lasso_results_new(void);

#endif

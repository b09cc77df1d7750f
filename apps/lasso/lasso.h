/*
 * Lasso and elastic net by scheduled coordinate descent: minimise
 * ½‖y − Xβ − b‖² + λ·Σ w_j(α|β_j| + ½(1 − α)β_j²) over rows split among the ranks.
 */
#ifndef STRADS_LASSO_H
#define STRADS_LASSO_H

#include "../data/dataset.h"
#include "../linear/linear.h"
#include "../linear/path.h"
#include "strads/engine.h"
#include "strads/transport.h"

enum strads_set_update {
	STRADS_SET_UPDATE_GRAM,  /* members corrected by their Gram matrix: one block, passes of CD
				  */
	STRADS_SET_UPDATE_PLAIN, /* all members from the same residual, as the original; can diverge
				  */
};

/* Variables that the scheduler chooses among. */
enum strads_lasso_among {
	STRADS_LASSO_ALL,
	STRADS_LASSO_VIOLATORS, /* the support and the worst violators; strads/working_set.h */
};

enum strads_lasso_mode {
	STRADS_LASSO_SCHEDULED,
	STRADS_LASSO_SERVER, /* no schedule: a parameter server, its rows of the residual; each rank
			      * updates sets of its own variables; see server.c */
};

/* A set that was committed, for who wants proof of the schedule. Called on every rank. */
typedef void strads_lasso_audit(void *arg, uint64_t set, const strads_key *keys, uint32_t n,
				double worst);

struct strads_lasso_options {
	double lambda;                  /* ≥ 0; NaN: use lambda_ratio */
	double lambda_ratio;            /* λ = λ_max · ratio */
	struct strads_linear_grid path; /* of λs, instead of one */
	double l1_ratio;                /* α, above 0; 1: the Lasso */
	const double *weight; /* [cols] w_j ≥ 0 of the standardised columns, the same on all ranks;
			       * 0: no penalty; NULL: all 1 */
	double tol; /* of every λ: relative duality gap, of ½‖y − ȳ‖²; see progress.gap for λ = 0 */
	double time_limit_s; /* since data were ready; 0: none */
	uint64_t max_sets;   /* 0: none; the first two to four are always carried out */
	uint64_t seed;
	enum strads_lasso_mode mode; /* SERVER: see check in server.c for what it takes */
	enum strads_linear_scheduler scheduler;
	enum strads_lasso_among among; /* WORKING_SET: VIOLATORS, whatever it is; SIGNALLING: ALL */
	double fresh;                  /* PRIORITY: see strads/priority.h */
	double uniform;                /* PRIORITY: likewise */
	double rho;                    /* CHECKED: correlation from which on variables interfere */
	uint32_t oversample;           /* CHECKED: candidates for each place in a set, ≥ 1 */
	size_t column_cache_bytes; /* CHECKED: on each rank that schedules, if there are others */
	uint32_t set_size;         /* U */
	uint32_t passes;           /* of coordinate descent over one Gram-corrected set */
	enum strads_set_update set_update;
	uint64_t evaluate_sets; /* evaluate after so many sets; 0: when a pass over the list finds
				 * that it is solved, or after 20 passes */
	bool intercept;
	enum strads_standardize standardize;
	strads_lasso_audit *audit; /* CHECKED: or NULL */
	void *audit_arg;
	struct strads_engine_options engine;
};

/* Fits. Collective. `test` may be NULL; it has the columns of `train`. Divergence is an outcome,
 * not a failure. *stop, if not NULL, may be set asynchronously on any rank (a signal handler) to
 * ask for an orderly end (outcome LIMIT). Returns STRADS_OK, ERR_INPUT (λ < 0, y constant, …),
 * ERR_MEMORY, or as strads_engine_run. Thread: owner of the fabric. */
STRADS_MUST_CHECK int strads_lasso_fit(struct strads_fabric *fabric,
				       const struct strads_dataset *train,
				       const struct strads_dataset *test,
				       const struct strads_lasso_options *options,
				       const volatile int *stop, strads_linear_report *report,
				       void *arg, enum strads_linear_outcome *outcome,
				       struct strads_linear_model *model);

/* The same for options->path.count λs, at least 1. The path is as long as it came: with outcome
 * LIMIT the last of its points may be short of the tolerance. The caller frees it with
 * strads_linear_path_free. */
STRADS_MUST_CHECK int strads_lasso_fit_path(struct strads_fabric *fabric,
					    const struct strads_dataset *train,
					    const struct strads_dataset *test,
					    const struct strads_lasso_options *options,
					    const volatile int *stop, strads_linear_report *report,
					    void *arg, enum strads_linear_outcome *outcome,
					    struct strads_linear_path *path);

#endif

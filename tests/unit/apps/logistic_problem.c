#include "logistic_problem.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "strads/random.h"

struct lasso_problem
logistic_problem_new(uint32_t rows, uint32_t cols, double density, double correlation,
		     uint64_t seed)
{
	struct lasso_problem p = lasso_problem_new(rows, cols, density, correlation, seed);
	double mean = 0;

	for (size_t i = 0; i < rows; i++)
		mean += p.y[i] / rows;
	for (size_t i = 0; i < rows; i++) {
		double chance = (double)(strads_random(seed, 7, i) >> 11) * 0x1p-53;

		p.y[i] = chance < 1 / (1 + exp(2 * (mean - p.y[i]))) ? 1 : -1;
	}
	return p;
}

struct strads_logistic_options
logistic_defaults(void)
{
	struct strads_logistic_options options = {
	    .lambda = NAN,
	    .lambda_ratio = 0.1,
	    .tol = 1e-10,
	    .max_sets = 200000,
	    .seed = 1,
	    .scheduler = STRADS_LINEAR_WORKING_SET,
	    .fresh = 0.5,
	    .uniform = 0.8,
	    .set_size = 8,
	    .passes = 5,
	};

	strads_engine_defaults(&options.engine);
	options.engine.memory_bytes = (size_t)64 << 20;
	return options;
}

/* ---- The serial solver --------------------------------------------------------------------- */

struct solver {
	const struct lasso_problem *p;
	struct lasso_explicit e;
	double *m; /* [rows] */
	double constant;
};

/* x_jᵀr with r_i = y_i/(1 + exp(y_i m_i)); Σr for j = cols. */
static double
gradient(const struct solver *s, size_t j)
{
	const struct lasso_problem *p = s->p;
	double sum = 0;

	for (size_t i = 0; i < p->rows; i++)
		sum += (j < p->cols ? s->e.x[j * p->rows + i] : 1) * p->y[i] /
		       (1 + exp(p->y[i] * s->m[i]));
	return sum;
}

/* Moves the margins along a column, or all alike; returns how far. */
static double
move(struct solver *s, size_t j, double delta)
{
	const struct lasso_problem *p = s->p;

	for (size_t i = 0; i < p->rows; i++)
		s->m[i] += delta * (j < p->cols ? s->e.x[j * p->rows + i] : 1);
	return fabs(delta) * sqrt(j < p->cols ? s->e.square[j] : (double)p->rows);
}

/* One pass; returns the largest move of the margins. */
static double
sweep(struct solver *s, double lambda, bool intercept, double *beta)
{
	const struct lasso_problem *p = s->p;
	double most = 0;

	for (size_t j = 0; j < p->cols; j++) {
		double q = s->e.square[j] / 4, z, next;

		if (q == 0)
			continue;
		z = gradient(s, j) + q * beta[j];
		next = fmax(fabs(z) - lambda, 0) * (z < 0 ? -1 : 1) / q;
		most = fmax(most, move(s, j, next - beta[j]));
		beta[j] = next;
	}
	if (intercept) {
		double delta = gradient(s, p->cols) / (p->rows / 4.0);

		most = fmax(most, move(s, p->cols, delta));
		s->constant += delta;
	}
	return most;
}

/* The best constant: margins where no column counts. */
static void
start(struct solver *s, bool intercept)
{
	double positive = 0;

	for (size_t i = 0; i < s->p->rows; i++)
		positive += s->p->y[i] > 0;
	s->constant = intercept ? log(positive / (s->p->rows - positive)) : 0;
	for (size_t i = 0; i < s->p->rows; i++)
		s->m[i] = s->constant;
}

struct lasso_solution
logistic_problem_solve(const struct lasso_problem *p, enum strads_standardize standardize,
		       bool intercept, double lambda, double ratio)
{
	struct solver s = {.p = p, .e = lasso_explicit_new(p, standardize, intercept)};
	struct lasso_solution found = {.beta = calloc(p->cols, sizeof *found.beta)};

	s.m = calloc(p->rows, sizeof *s.m);
	assert_true(found.beta && s.m);
	start(&s, intercept);
	for (size_t j = 0; j < p->cols; j++)
		found.lambda_max = fmax(found.lambda_max, fabs(gradient(&s, j)));
	if (isnan(lambda))
		lambda = ratio * found.lambda_max;
	for (int pass = 0; pass < 50000 && sweep(&s, lambda, intercept, found.beta) > 1e-10; pass++)
		;
	for (size_t i = 0; i < p->rows; i++)
		found.objective += log(1 + exp(-p->y[i] * s.m[i]));
	found.intercept = s.constant;
	for (size_t j = 0; j < p->cols; j++) {
		found.objective += lambda * fabs(found.beta[j]);
		found.beta[j] *= s.e.factor[j];
		found.intercept -= found.beta[j] * s.e.mean[j];
	}
	lasso_explicit_free(&s.e);
	free(s.m);
	return found;
}

double
logistic_problem_margin(const struct lasso_problem *p, const double *beta, double constant,
			size_t i)
{
	double m = constant;

	for (size_t j = 0; j < p->cols; j++)
		m += p->x[j * p->rows + i] * beta[j];
	return m;
}

double
logistic_problem_violation(const struct lasso_problem *p, enum strads_standardize standardize,
			   bool intercept, double lambda, const double *beta, double constant)
{
	struct solver s = {.p = p, .e = lasso_explicit_new(p, standardize, intercept)};
	double most = 0;

	s.m = calloc(p->rows, sizeof *s.m);
	assert_non_null(s.m);
	for (size_t i = 0; i < p->rows; i++)
		s.m[i] = logistic_problem_margin(p, beta, constant, i);
	if (intercept)
		most = fabs(gradient(&s, p->cols));
	for (size_t j = 0; j < p->cols; j++) {
		double g = gradient(&s, j);

		if (beta[j] != 0)
			most = fmax(most, fabs(g - copysign(lambda, beta[j])));
		else
			most = fmax(most, fabs(g) - lambda);
	}
	lasso_explicit_free(&s.e);
	free(s.m);
	return most / lambda;
}

#include "lasso_problem.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "strads/random.h"

static double
uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
	return (double)(strads_random(seed, stream, index) >> 11) * 0x1p-53;
}

static void
special_columns(struct lasso_problem *problem)
{
	size_t rows = problem->rows;

	for (size_t i = 0; problem->cols > 4 && i < rows; i++) {
		problem->x[rows + i] = 2.5;
		problem->x[2 * rows + i] = 0;
		problem->x[4 * rows + i] = problem->x[3 * rows + i];
	}
}

struct lasso_problem
lasso_problem_new(uint32_t rows, uint32_t cols, double density, double correlation, uint64_t seed)
{
	struct lasso_problem p = {.rows = rows, .cols = cols};
	size_t n = rows;

	p.x = calloc(n * cols, sizeof *p.x);
	p.y = calloc(n, sizeof *p.y);
	assert_true(p.x && p.y);
	for (size_t j = 0; j < cols; j++) {
		double mean = uniform(seed, 1, j);

		for (size_t i = 0; i < n; i++) {
			if (uniform(seed, 2, j * n + i) < density)
				p.x[j * n + i] = mean + 2 * uniform(seed, 3, j * n + i) - 1;
			if (j > 0 && uniform(seed, 4, j * n + i) < correlation)
				p.x[j * n + i] = p.x[(j - 1) * n + i];
		}
	}
	special_columns(&p);
	for (size_t i = 0; i < n; i++)
		p.y[i] = 3 + 0.3 * uniform(seed, 5, i);
	for (size_t j = 0; j < cols; j += 5)
		for (size_t i = 0; i < n; i++)
			p.y[i] += (2 * uniform(seed, 6, j) - 1) * p.x[j * n + i];
	return p;
}

void
lasso_problem_free(struct lasso_problem *problem)
{
	free(problem->x);
	free(problem->y);
}

int
lasso_problem_rows(const struct lasso_problem *problem, uint32_t first, uint32_t end,
		   struct strads_dataset *dataset)
{
	struct strads_csc x = {.rows = end - first, .cols = problem->cols};
	size_t most = (size_t)x.rows * problem->cols + 1;
	uint64_t at = 0;

	x.start = calloc(x.cols + 1, sizeof *x.start);
	x.row = calloc(most, sizeof *x.row);
	x.value = calloc(most, sizeof *x.value);
	*dataset = (struct strads_dataset){.x = x, .first_row = first, .rows_total = problem->rows};
	dataset->y = calloc((size_t)x.rows + 1, sizeof *dataset->y);
	if (!x.start || !x.row || !x.value || !dataset->y)
		return STRADS_ERR_MEMORY;
	for (uint64_t j = 0; j < x.cols; j++) {
		for (uint32_t i = first; i < end; i++) {
			double value = problem->x[j * problem->rows + i];

			if (value == 0)
				continue;
			x.row[at] = i - first;
			x.value[at++] = value;
		}
		x.start[j + 1] = at;
	}
	memcpy(dataset->y, problem->y + first, (size_t)x.rows * sizeof *dataset->y);
	return STRADS_OK;
}

struct lasso_problem
lasso_problem_of(const struct strads_dataset *dataset)
{
	struct lasso_problem p = {.rows = dataset->x.rows, .cols = (uint32_t)dataset->x.cols};

	p.x = calloc((size_t)p.rows * p.cols, sizeof *p.x);
	p.y = calloc(p.rows, sizeof *p.y);
	assert_true(p.x && p.y);
	for (uint64_t j = 0; j < p.cols; j++)
		for (uint64_t k = dataset->x.start[j]; k < dataset->x.start[j + 1]; k++)
			p.x[j * p.rows + dataset->x.row[k]] = dataset->x.value[k];
	memcpy(p.y, dataset->y, p.rows * sizeof *p.y);
	return p;
}

/* ---- The serial solver --------------------------------------------------------------------- */

static double
factor_of(size_t n, double raw, double centred, enum strads_standardize standardize, bool centre)
{
	double square = centre ? centred : raw;

	if (square <= 1e-12 * raw)
		return 0;
	switch (standardize) {
	case STRADS_STANDARDIZE_UNIT:
		return 1 / sqrt(raw);
	case STRADS_STANDARDIZE_CENTER_UNIT:
		return 1 / sqrt(centred);
	case STRADS_STANDARDIZE_ZSCORE:
		return sqrt((double)n / centred);
	case STRADS_STANDARDIZE_NONE:
		break;
	}
	return 1;
}

static void
make_column(const struct lasso_problem *p, struct lasso_explicit *e, size_t j,
	    enum strads_standardize standardize, bool centre)
{
	const double *from = p->x + j * p->rows;
	double *to = e->x + j * p->rows, sum = 0, raw = 0, centred = 0;
	size_t n = p->rows;

	for (size_t i = 0; i < n; i++)
		sum += from[i];
	for (size_t i = 0; i < n; i++) {
		double away = from[i] - sum / (double)n;

		raw += from[i] * from[i];
		centred += away * away;
	}
	e->mean[j] = centre ? sum / (double)n : 0;
	e->factor[j] = factor_of(n, raw, centred, standardize, centre);
	for (size_t i = 0; i < n; i++) {
		to[i] = (from[i] - e->mean[j]) * e->factor[j];
		e->square[j] += to[i] * to[i];
	}
}

struct lasso_explicit
lasso_explicit_new(const struct lasso_problem *p, enum strads_standardize standardize,
		   bool intercept)
{
	bool centre = intercept || standardize == STRADS_STANDARDIZE_CENTER_UNIT ||
		      standardize == STRADS_STANDARDIZE_ZSCORE;
	struct lasso_explicit e = {0};

	e.x = calloc((size_t)p->rows * p->cols, sizeof *e.x);
	e.r = calloc(p->rows, sizeof *e.r);
	e.mean = calloc(p->cols, sizeof *e.mean);
	e.factor = calloc(p->cols, sizeof *e.factor);
	e.square = calloc(p->cols, sizeof *e.square);
	assert_true(e.x && e.r && e.mean && e.factor && e.square);
	for (size_t j = 0; j < p->cols; j++)
		make_column(p, &e, j, standardize, centre);
	for (size_t i = 0; intercept && i < p->rows; i++)
		e.y_mean += p->y[i] / p->rows;
	for (size_t i = 0; i < p->rows; i++)
		e.r[i] = p->y[i] - e.y_mean;
	return e;
}

void
lasso_explicit_free(struct lasso_explicit *e)
{
	free(e->x);
	free(e->r);
	free(e->mean);
	free(e->factor);
	free(e->square);
}

static double
column_dot(const struct lasso_problem *p, const struct lasso_explicit *e, size_t j)
{
	double sum = 0;

	for (size_t i = 0; i < p->rows; i++)
		sum += e->x[j * p->rows + i] * e->r[i];
	return sum;
}

static double
weight_of(struct lasso_penalty penalty, size_t j)
{
	return penalty.weight ? penalty.weight[j] : 1;
}

/* One pass; returns the largest move of the fit. */
static double
sweep(const struct lasso_problem *p, struct lasso_explicit *e, struct lasso_penalty penalty,
      double lambda, double *beta)
{
	double most = 0;

	for (size_t j = 0; j < p->cols; j++) {
		double z, next, q = e->square[j], w = weight_of(penalty, j);

		if (q == 0)
			continue;
		z = column_dot(p, e, j) + q * beta[j];
		next = fmax(fabs(z) - lambda * w * penalty.l1_ratio, 0) * (z < 0 ? -1 : 1) /
		       (q + lambda * w * (1 - penalty.l1_ratio));
		for (size_t i = 0; i < p->rows; i++)
			e->r[i] -= e->x[j * p->rows + i] * (next - beta[j]);
		most = fmax(most, fabs(next - beta[j]) * sqrt(q));
		beta[j] = next;
	}
	return most;
}

static void
descend(const struct lasso_problem *p, struct lasso_explicit *e, struct lasso_penalty penalty,
	double lambda, double *beta)
{
	for (int pass = 0; pass < 200000; pass++)
		if (sweep(p, e, penalty, lambda, beta) <= 1e-12)
			return;
}

struct lasso_solution
lasso_problem_solve(const struct lasso_problem *p, enum strads_standardize standardize,
		    bool intercept, double lambda, double ratio)
{
	const struct lasso_penalty lasso = {.l1_ratio = 1};

	return lasso_problem_solve_penalty(p, standardize, intercept, lasso, lambda, ratio);
}

struct lasso_solution
lasso_problem_solve_penalty(const struct lasso_problem *p, enum strads_standardize standardize,
			    bool intercept, struct lasso_penalty penalty, double lambda,
			    double ratio)
{
	struct lasso_explicit e = lasso_explicit_new(p, standardize, intercept);
	struct lasso_solution s = {.beta = calloc(p->cols, sizeof *s.beta), .intercept = e.y_mean};

	assert_non_null(s.beta);
	/* With a penalty that nothing overcomes only variables without one move. */
	descend(p, &e, penalty, 1e30, s.beta);
	for (size_t j = 0; j < p->cols; j++)
		if (weight_of(penalty, j) > 0)
			s.lambda_max =
			    fmax(s.lambda_max, fabs(column_dot(p, &e, j)) /
						   (weight_of(penalty, j) * penalty.l1_ratio));
	if (isnan(lambda))
		lambda = ratio * s.lambda_max;
	descend(p, &e, penalty, lambda, s.beta);
	for (size_t i = 0; i < p->rows; i++)
		s.objective += 0.5 * e.r[i] * e.r[i];
	for (size_t j = 0; j < p->cols; j++) {
		s.objective += lambda * weight_of(penalty, j) *
			       (penalty.l1_ratio * fabs(s.beta[j]) +
				0.5 * (1 - penalty.l1_ratio) * s.beta[j] * s.beta[j]);
		s.beta[j] *= e.factor[j];
		s.intercept -= s.beta[j] * e.mean[j];
	}
	lasso_explicit_free(&e);
	return s;
}

double
lasso_problem_violation(const struct lasso_problem *p, enum strads_standardize standardize,
			bool intercept, struct lasso_penalty penalty, double lambda,
			const double *beta, double constant)
{
	struct lasso_explicit e = lasso_explicit_new(p, standardize, intercept);
	double most = 0;

	for (size_t i = 0; i < p->rows; i++) {
		e.r[i] = p->y[i] - constant;
		for (size_t j = 0; j < p->cols; j++)
			e.r[i] -= p->x[j * p->rows + i] * beta[j];
	}
	for (size_t j = 0; j < p->cols; j++) {
		double w = lambda * weight_of(penalty, j), g = column_dot(p, &e, j);

		if (e.factor[j] > 0)
			g -= w * (1 - penalty.l1_ratio) * beta[j] / e.factor[j];
		if (beta[j] != 0)
			most = fmax(most, fabs(g - copysign(w * penalty.l1_ratio, beta[j])));
		else
			most = fmax(most, fabs(g) - w * penalty.l1_ratio);
	}
	lasso_explicit_free(&e);
	return most / lambda;
}

#include "strads/logloss.h"

#include <math.h>

double
strads_logloss(double z)
{
	return z > 0 ? log1p(exp(-z)) : log1p(exp(z)) - z;
}

void
strads_logloss_add(size_t n, const double *y, const double *m, double alpha, const double *move,
		   struct strads_logloss_sums *sums)
{
	double loss = 0, positive = 0, negative = 0, right = 0;

	for (size_t i = 0; i < n; i++) {
		double z = y[i] * (move ? m[i] + alpha * move[i] : m[i]);
		/* One exponential for both the loss and its derivative. */
		double e = exp(-fabs(z)), p = z > 0 ? e / (1 + e) : 1 / (1 + e);

		loss += log1p(e) + (z > 0 ? 0 : -z);
		positive += y[i] > 0 ? p : 0;
		negative += y[i] > 0 ? 0 : p;
		right += z > 0 ? 1 : z < 0 ? 0 : 0.5;
	}
	sums->loss += loss;
	sums->positive += positive;
	sums->negative += negative;
	sums->right += right;
}

void
strads_logloss_add_reference(size_t n, const double *y, const double *m, double alpha,
			     const double *move, struct strads_logloss_sums *sums)
{
	for (size_t i = 0; i < n; i++) {
		double z = y[i] * (m[i] + (move ? alpha * move[i] : 0)), p = 1 / (1 + exp(z));

		sums->loss += strads_logloss(z);
		if (y[i] > 0)
			sums->positive += p;
		else
			sums->negative += p;
		sums->right += 0.5 * ((z > 0) + (z >= 0));
	}
}

void
strads_logloss_derive(size_t n, const double *y, const double *m, double reach, double *r,
		      double *w)
{
	for (size_t i = 0; i < n; i++) {
		double z = y[i] * m[i], away = fabs(z), near = away > reach ? away - reach : 0;
		double e = exp(-away), f = reach > 0 ? exp(-near) : e;

		r[i] = y[i] * (z > 0 ? e : 1) / (1 + e);
		w[i] = f / ((1 + f) * (1 + f));
	}
}

void
strads_logloss_dual_add(size_t n, const double *r, double positive, double negative, double *theta,
			struct strads_logloss_dual *dual)
{
	double entropy = 0, slope = 0, curvature = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		double point = r[i] * (r[i] > 0 ? positive : negative), t = fabs(point);

		theta[i] = point;
		sum += point;
		if (t > 0) {
			double log_t = log(t), log_rest = t < 1 ? log1p(-t) : 0;

			entropy -= t * log_t + (1 - t) * log_rest;
			slope += t * (log_rest - log_t);
			curvature += t / (1 - t);
		}
	}
	dual->entropy += entropy;
	dual->slope += slope;
	dual->curvature += curvature;
	dual->sum += sum;
}

void
strads_logloss_balance(const struct strads_logloss_sums *sums, double *positive, double *negative)
{
	double plus = sums->positive, minus = sums->negative;

	*positive = plus > minus ? minus / plus : 1;
	*negative = minus > plus ? plus / minus : 1;
}

double
strads_logloss_objective(const struct strads_logloss_gap_sums *sums)
{
	return sums->loss + sums->lambda * sums->l1;
}

double
strads_logloss_gap(const struct strads_logloss_gap_sums *sums)
{
	const struct strads_logloss_dual *dual = &sums->dual;
	double s = sums->gradient_max > sums->lambda ? sums->lambda / sums->gradient_max : 1;
	double away = 1 - s, bound = s * dual->entropy, gap;

	if (away > 0 && s > 0) {
		double taylor =
		    dual->entropy - away * dual->slope - away * away * dual->curvature / (2 * s);

		bound = taylor > bound ? taylor : bound;
	}
	gap = strads_logloss_objective(sums) - bound;
	/* The gap cannot be negative; its rounding can. NaN stays. */
	return gap < 0 ? 0 : gap;
}

double
strads_logloss_radius(double gap)
{
	return sqrt(0.5 * gap);
}

/* ‖Xᵀr‖∞ */
static double
steepest(size_t rows, size_t cols, const double *x, const double *r)
{
	double most = 0;

	for (size_t j = 0; j < cols; j++) {
		double g = 0;

		for (size_t i = 0; i < rows; i++)
			g += x[j * rows + i] * r[i];
		most = fmax(most, fabs(g));
	}
	return most;
}

double
strads_logloss_gap_reference(size_t rows, size_t cols, const double *x, const double *y,
			     const double *beta, double intercept, bool balanced, double lambda,
			     double *r, double *objective)
{
	struct strads_logloss_sums sums = {0};
	double primal = 0, dual = 0, positive = 1, negative = 1, scale;

	for (size_t i = 0; i < rows; i++) {
		double m = intercept;

		for (size_t j = 0; j < cols; j++)
			m += x[j * rows + i] * beta[j];
		strads_logloss_add_reference(1, &y[i], &m, 0, NULL, &sums);
		r[i] = y[i] / (1 + exp(y[i] * m));
	}
	primal = sums.loss;
	for (size_t j = 0; j < cols; j++)
		primal += lambda * fabs(beta[j]);
	if (balanced)
		strads_logloss_balance(&sums, &positive, &negative);
	for (size_t i = 0; i < rows; i++)
		r[i] *= y[i] > 0 ? positive : negative;
	scale = fmin(1, lambda / steepest(rows, cols, x, r));
	for (size_t i = 0; i < rows; i++) {
		double t = scale * fabs(r[i]);

		dual -= (t > 0 ? t * log(t) : 0) + (t < 1 ? (1 - t) * log(1 - t) : 0);
	}
	*objective = primal;
	return primal - dual;
}

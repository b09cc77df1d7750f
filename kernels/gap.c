#include "strads/gap.h"

#include <math.h>

double
strads_gap_objective(const struct strads_gap_sums *sums)
{
	return 0.5 * sums->r_square + sums->lambda * (sums->l1 + 0.5 * sums->ridge);
}

double
strads_gap(const struct strads_gap_sums *sums)
{
	/* With s = λ·min(1/λ, 1/‖g‖∞), so that θ = (s/λ)·r:  D(θ) = s·rᵀy − ½s²‖r‖², r with the
	 * rows below. */
	double s = sums->gradient_max > sums->lambda ? sums->lambda / sums->gradient_max : 1.0;
	double r_square = sums->r_square + sums->lambda * sums->ridge;
	double dual = s * sums->r_y - 0.5 * s * s * r_square;
	double gap = strads_gap_objective(sums) - dual;

	/* The gap cannot be negative; its rounding can. NaN stays. */
	return gap < 0 ? 0.0 : gap;
}

double
strads_gap_reference(size_t rows, size_t cols, const double *x, const double *y, const double *beta,
		     double lambda, double *r)
{
	double primal = 0, dual = 0, largest = 0, scale;

	for (size_t i = 0; i < rows; i++) {
		r[i] = y[i];
		for (size_t j = 0; j < cols; j++)
			r[i] -= x[j * rows + i] * beta[j];
		primal += 0.5 * r[i] * r[i];
	}
	for (size_t j = 0; j < cols; j++) {
		double g = 0;

		for (size_t i = 0; i < rows; i++)
			g += x[j * rows + i] * r[i];
		primal += lambda * fabs(beta[j]);
		largest = fmax(largest, fabs(g));
	}
	scale = fmin(1 / lambda, 1 / largest);
	for (size_t i = 0; i < rows; i++) {
		double away = scale * r[i] - y[i] / lambda;

		dual += 0.5 * y[i] * y[i] - 0.5 * lambda * lambda * away * away;
	}
	return primal - dual;
}

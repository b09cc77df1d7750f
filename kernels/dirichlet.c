#include "strads/dirichlet.h"

#include <math.h>

/* From here on the first terms of the asymptotic series are exact to a double's last digits. */
#define LARGE 10.0

double
strads_digamma(double x)
{
	double below = 0, y;

	/* ψ(x) = ψ(x + 1) − 1/x */
	while (x < LARGE) {
		below += 1 / x;
		x += 1;
	}
	y = 1 / (x * x);
	/* ψ(x) = ln x − 1/(2x) − Σ_j B_2j / (2j x^2j) */
	return log(x) - 0.5 / x -
	       y * (1.0 / 12 -
		    y * (1.0 / 120 -
			 y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * 691.0 / 32760))))) -
	       below;
}

double
strads_dirichlet_gain(const uint32_t *above, uint64_t n, double a)
{
	double sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += above[i] / (a + (double)i);
	return sum;
}

double
strads_dirichlet_step(double a, double gain, double lengths)
{
	return (a * gain + STRADS_DIRICHLET_SHAPE) / (lengths + STRADS_DIRICHLET_RATE);
}

#include "strads/descent.h"

#include "strads/threshold.h"

#include <math.h>

/* A column varies if its curvature exceeds this part of what it is without a centre. */
#define VARIES 1e-12

static inline uint32_t
row_of(const struct strads_packed *x, uint64_t entry)
{
	return x->narrow ? x->narrow[entry] : x->wide[entry];
}

void
strads_descent_prepare(const struct strads_descent *descent, bool balanced, size_t n,
		       struct strads_descent_member *member)
{
	const struct strads_packed *x = descent->x;
	double total = descent->weight_sum;

	for (struct strads_descent_member *m = member; m < member + n; m++) {
		double square = 0, c;

		m->weighted = 0;
		for (uint64_t k = x->start[m->at]; k < x->start[m->at + 1]; k++) {
			double wx = descent->weight[row_of(x, k)] * x->value[k];

			m->weighted += wx;
			square += wx * x->value[k];
		}
		if (balanced)
			m->centre = total > 0 ? m->weighted / total : 0;
		c = m->centre;
		m->curvature = square - 2 * c * m->weighted + c * c * total;
		if (!(m->curvature > VARIES * square))
			m->curvature = 0;
	}
}

/* The gradient, given x_jᵀ of the residual's sparse part. */
static inline double
gradient_of(const struct strads_descent *descent, const struct strads_descent_member *m, double dot)
{
	return dot + descent->shift * m->weighted -
	       m->centre * (descent->sum + descent->shift * descent->weight_sum);
}

/* Notes the member as it is and updates it; returns by how much. */
static inline double
member_update(struct strads_descent *descent, struct strads_descent_member *m, double g,
	      struct strads_descent_tally *tally)
{
	double beta = m->beta, delta, lambda = descent->lambda;

	tally->steepest = fabs(g) > tally->steepest ? fabs(g) : tally->steepest;
	tally->l1 += fabs(beta);
	tally->slack += lambda * fabs(beta) - beta * g;
	m->beta = strads_soft_threshold(g + m->curvature * beta, lambda) / m->curvature;
	delta = m->beta - beta;
	descent->sum -= delta * m->weighted;
	descent->shift += delta * m->centre;
	return delta;
}

/* A sweep, by the width of the row numbers. */
#define SWEEP(row)                                                                                 \
	do {                                                                                       \
		for (struct strads_descent_member *m = member; m < member + n; m++) {              \
			uint64_t first = start[m->at], end = start[m->at + 1], k = first;          \
			double s0 = 0, s1 = 0, s2 = 0, s3 = 0, delta;                              \
                                                                                                   \
			if (!(m->curvature > 0))                                                   \
				continue;                                                          \
			/* Four sums: one alone would wait four cycles for each addition. */       \
			for (; k + 4 <= end; k += 4) {                                             \
				s0 += value[k] * residual[(row)[k]];                               \
				s1 += value[k + 1] * residual[(row)[k + 1]];                       \
				s2 += value[k + 2] * residual[(row)[k + 2]];                       \
				s3 += value[k + 3] * residual[(row)[k + 3]];                       \
			}                                                                          \
			for (; k < end; k++)                                                       \
				s0 += value[k] * residual[(row)[k]];                               \
			delta = member_update(                                                     \
			    descent, m, gradient_of(descent, m, (s0 + s1) + (s2 + s3)), &tally);   \
			if (delta == 0)                                                            \
				continue;                                                          \
			for (k = first; k < end; k++)                                              \
				residual[(row)[k]] -= delta * (weight[(row)[k]] * value[k]);       \
		}                                                                                  \
	} while (0)

struct strads_descent_tally
strads_descent_sweep(struct strads_descent *descent, size_t n, struct strads_descent_member *member)
{
	const uint64_t *start = descent->x->start;
	const double *value = descent->x->value, *restrict weight = descent->weight;
	double *restrict residual = descent->residual;
	struct strads_descent_tally tally = {0};

	if (descent->x->narrow)
		SWEEP(descent->x->narrow);
	else
		SWEEP(descent->x->wide);
	return tally;
}

struct strads_descent_tally
strads_descent_sweep_reference(struct strads_descent *descent, size_t n,
			       struct strads_descent_member *member)
{
	const struct strads_packed *x = descent->x;
	struct strads_descent_tally tally = {0};

	for (struct strads_descent_member *m = member; m < member + n; m++) {
		double dot = 0, delta;

		if (!(m->curvature > 0))
			continue;
		for (uint64_t k = x->start[m->at]; k < x->start[m->at + 1]; k++)
			dot += x->value[k] * descent->residual[row_of(x, k)];
		delta = member_update(descent, m, gradient_of(descent, m, dot), &tally);
		for (uint64_t k = x->start[m->at]; k < x->start[m->at + 1]; k++)
			descent->residual[row_of(x, k)] -=
			    delta * descent->weight[row_of(x, k)] * x->value[k];
	}
	return tally;
}

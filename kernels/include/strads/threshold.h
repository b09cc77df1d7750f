/*
 * The soft threshold.
 */
#ifndef STRADS_THRESHOLD_H
#define STRADS_THRESHOLD_H

#ifdef __cplusplus
extern "C" {
#endif

/* S(z, λ) = sign(z)·max(|z| − λ, 0), λ ≥ 0; NaN stays NaN. Thread: any. */
static inline double
strads_soft_threshold(double z, double lambda)
{
	if (z > lambda)
		return z - lambda;
	if (z < -lambda)
		return z + lambda;
	return z != z ? z : 0.0;
}

#ifdef __cplusplus
}
#endif

#endif

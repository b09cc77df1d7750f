/*
 * The passes of strads/rank_one.h in one precision; included once for each, with REAL and its name.
 */

/* First half of a pass on one row of n entries; returns w_i. */
static REAL
FOR_REAL(row_update)(const struct strads_rank_one_pass *pass, uint64_t n, const uint32_t *col,
		     REAL *r, REAL w)
{
	const REAL *change = pass->change;
	REAL up0 = 0, up1 = 0, down0 = 0, down1 = 0, ridge = (REAL)pass->lambda;
	uint64_t e = 0;

	/* Two sums each: one alone would wait for every addition. */
	for (; e + 2 <= n; e += 2) {
		const REAL *h = change + 2 * (size_t)col[e], *g = change + 2 * (size_t)col[e + 1];

		r[e] += w * h[0];
		r[e + 1] += w * g[0];
		up0 += r[e] * h[1];
		up1 += r[e + 1] * g[1];
		down0 += h[1] * h[1];
		down1 += g[1] * g[1];
	}
	for (; e < n; e++) {
		const REAL *h = change + 2 * (size_t)col[e];

		r[e] += w * h[0];
		up0 += r[e] * h[1];
		down0 += h[1] * h[1];
	}
	if (!pass->solve)
		return w;
	if (pass->weighted)
		ridge *= (REAL)n;
	ridge += down0 + down1;
	return ridge > 0 ? (up0 + up1) / ridge : 0;
}

static void
FOR_REAL(row_subtract)(const REAL *change, uint64_t n, const uint32_t *col, REAL *r, REAL w)
{
	for (uint64_t e = 0; e < n; e++)
		r[e] -= w * change[2 * (size_t)col[e] + 1];
}

static void
FOR_REAL(row_sum)(uint64_t n, const uint32_t *col, const REAL *r, REAL next, REAL *sums)
{
	REAL square = next * next;

	for (uint64_t e = 0; e < n; e++) {
		REAL *sum = sums + 2 * (size_t)col[e];

		sum[0] += r[e] * next;
		sum[1] += square;
	}
}

/* The last step of the first half and the second half together. */
static void
FOR_REAL(row_subtract_sum)(const REAL *restrict change, uint64_t n, const uint32_t *restrict col,
			   REAL *restrict r, REAL w, REAL next, REAL *restrict sums)
{
	REAL square = next * next;

	for (uint64_t e = 0; e < n; e++) {
		size_t at = 2 * (size_t)col[e];
		REAL left = r[e] - w * change[at + 1];

		r[e] = left;
		sums[at] += left * next;
		sums[at + 1] += square;
	}
}

static void
FOR_REAL(pass)(const struct strads_rank_one_rows *rows, const struct strads_rank_one_pass *pass,
	       uint32_t first, uint32_t end)
{
	const REAL *change = pass->change, *next = pass->next;
	REAL *w = pass->w, *sums = pass->sums;

	for (uint32_t i = first; i < end; i++) {
		uint64_t begin = rows->start[i], n = rows->start[i + 1] - begin;
		const uint32_t *col = rows->col + begin;
		REAL *r = (REAL *)rows->residual + begin;

		if (change)
			w[i] = FOR_REAL(row_update)(pass, n, col, r, w[i]);
		if (change && next)
			FOR_REAL(row_subtract_sum)(change, n, col, r, w[i], next[i], sums);
		else if (change)
			FOR_REAL(row_subtract)(change, n, col, r, w[i]);
		else
			FOR_REAL(row_sum)(n, col, r, next[i], sums);
	}
}

static void
FOR_REAL(follow)(const struct strads_rank_one_rows *rows, const REAL *change, const REAL *before,
		 const REAL *after)
{
	REAL *r = rows->residual;

	for (uint32_t i = 0; i < rows->rows; i++)
		for (uint64_t e = rows->start[i]; e < rows->start[i + 1]; e++) {
			const REAL *h = change + 2 * (size_t)rows->col[e];

			r[e] += before[i] * h[0] - after[i] * h[1];
		}
}

static double
FOR_REAL(squares)(uint64_t n, const REAL *r)
{
	double even = 0, odd = 0;
	uint64_t e = 0;

	for (; e + 2 <= n; e += 2) {
		even += (double)r[e] * r[e];
		odd += (double)r[e + 1] * r[e + 1];
	}
	if (e < n)
		even += (double)r[e] * r[e];
	return even + odd;
}

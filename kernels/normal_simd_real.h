/*
 * The loops of normal_simd.h on numbers of one precision; included once for each, with REAL and its
 * name. VECTOR_BYTES is the length of the processor's vectors, TILE as many rows of sums as its
 * registers hold.
 */

#define LANES          (VECTOR_BYTES / sizeof(REAL))
#define LINE           (STRADS_NORMAL_LINE_BYTES / sizeof(REAL))
#define VECTORS        (LINE / LANES)
#define FOR_VECTOR     FOR_REAL(vector)
#define BLOCK_ELEMENTS ((STRADS_NORMAL_STEPS + 1) * LINE)

typedef REAL FOR_VECTOR
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

/* TILE rows of one block of the square: out ← out + scale·Σ_e a_e b_eᵀ. */
static inline void
FOR_REAL(tile)(const REAL *restrict a, const REAL *restrict b, size_t steps, double scale,
	       double *restrict out, size_t stride)
{
	FOR_VECTOR sum[TILE][VECTORS] = {{{0}}};
	REAL row[LINE];

	for (size_t e = 0; e < steps; e++, a += LINE, b += LINE) {
		FOR_VECTOR line[VECTORS];

		for (size_t v = 0; v < VECTORS; v++)
			line[v] = *(const FOR_VECTOR *)(b + v * LANES);
		for (size_t i = 0; i < TILE; i++)
			for (size_t v = 0; v < VECTORS; v++)
				sum[i][v] += a[i] * line[v];
	}
	for (size_t i = 0; i < TILE; i++, out += stride) {
		for (size_t v = 0; v < VECTORS; v++)
			*(FOR_VECTOR *)(row + v * LANES) = sum[i][v];
		for (size_t j = 0; j < LINE; j++)
			out[j] += scale * (double)row[j];
	}
}

static void
FOR_REAL(add)(const REAL *panel, size_t steps, size_t blocks, double scale, double *square,
	      size_t stride)
{
	const REAL *panel_right = panel;

	for (size_t right = 0; right < blocks; right++, panel_right += BLOCK_ELEMENTS) {
		for (size_t i = 0; i < (right + 1) * LINE; i += TILE) {
			const REAL *left = panel + i / LINE * BLOCK_ELEMENTS + i % LINE;
			double *out = square + i * stride + right * LINE;

			FOR_REAL(tile)(left, panel_right, steps, scale, out, stride);
		}
	}
}

/* Two vectors of sums: one alone would wait for every addition. */
static REAL
FOR_REAL(dot)(size_t n, const REAL *a, const REAL *b)
{
	FOR_VECTOR even = {0}, odd = {0};
	REAL sum = 0;
	size_t i = 0;

	for (; i + 2 * LANES <= n; i += 2 * LANES) {
		even += *(const FOR_VECTOR *)(a + i) * *(const FOR_VECTOR *)(b + i);
		odd += *(const FOR_VECTOR *)(a + i + LANES) * *(const FOR_VECTOR *)(b + i + LANES);
	}
	even += odd;
	for (size_t v = 0; v < LANES; v++)
		sum += even[v];
	for (; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

#undef LANES
#undef LINE
#undef VECTORS
#undef FOR_VECTOR
#undef BLOCK_ELEMENTS

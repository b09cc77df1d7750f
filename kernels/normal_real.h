/*
 * Filling panels (normal_simd.h) in one precision; included once for each, with REAL and its name.
 */

#define LINE (STRADS_NORMAL_LINE_BYTES / sizeof(REAL))

/* Number j of a panel's row e. */
static inline REAL *
FOR_REAL(place)(struct strads_normal *normal, size_t e, size_t j)
{
	return (REAL *)normal->panel + (j / LINE * (STRADS_NORMAL_STEPS + 1) + e) * LINE + j % LINE;
}

/* Entries first … first + steps − 1: of each its row, then its value. */
static void
FOR_REAL(gather)(struct strads_normal *normal, const struct strads_normal_table *table,
		 const struct strads_normal_problem *problem, uint64_t first, size_t steps)
{
	size_t columns = table->columns;

	for (size_t e = 0; e < steps; e++) {
		const REAL *row = (const REAL *)table->rows + problem->index[first + e] * columns;
		REAL value = ((const REAL *)problem->value)[first + e];
		size_t j = 0;

		for (; j + LINE <= columns; j += LINE)
			memcpy(FOR_REAL(place)(normal, e, j), row + j, LINE * sizeof(REAL));
		memset(FOR_REAL(place)(normal, e, columns / LINE * LINE), 0, LINE * sizeof(REAL));
		memcpy(FOR_REAL(place)(normal, e, j), row + j, (columns - j) * sizeof(REAL));
		if (table->biased) {
			*FOR_REAL(place)(normal, e, columns - 1) = 1;
			value -= row[columns - 1];
		}
		*FOR_REAL(place)(normal, e, columns) = value;
	}
}

/* Columns first … first + steps − 1 of all n ≤ D rows, as rows of the panel. */
static void
FOR_REAL(turn)(struct strads_normal *normal, const struct strads_normal_table *table,
	       const struct strads_normal_problem *problem, size_t first, size_t steps)
{
	size_t columns = table->columns, padded = (problem->n + LINE - 1) / LINE * LINE;

	for (size_t e = 0; e < padded; e++) {
		size_t index = e < problem->n ? problem->index[e] : 0;
		const REAL *row = (const REAL *)table->rows + index * columns + first;
		REAL *place = FOR_REAL(place)(normal, 0, e);

		for (size_t k = 0; k < steps; k++)
			place[k * LINE] = e < problem->n ? row[k] : 0;
		if (e < problem->n && table->biased && first + steps == columns)
			place[(steps - 1) * LINE] = 1;
	}
}

/* Value e, its row's offset taken off. */
static double
FOR_REAL(value)(const struct strads_normal_table *table,
		const struct strads_normal_problem *problem, uint64_t e)
{
	const REAL *row = (const REAL *)table->rows + problem->index[e] * (size_t)table->columns;
	REAL value = ((const REAL *)problem->value)[e];

	return (double)(table->biased ? value - row[table->columns - 1] : value);
}

/* x ← Σ z_e row_e. */
static void
FOR_REAL(combine)(const struct strads_normal_table *table,
		  const struct strads_normal_problem *problem, const double *z, double *x)
{
	size_t columns = table->columns, free = columns - table->biased;

	memset(x, 0, columns * sizeof *x);
	for (uint64_t e = 0; e < problem->n; e++) {
		const REAL *row = (const REAL *)table->rows + problem->index[e] * columns;

		for (size_t k = 0; k < free; k++)
			x[k] += z[e] * (double)row[k];
		if (table->biased)
			x[free] += z[e];
	}
}

static double
FOR_REAL(error)(const struct strads_normal_table *table,
		const struct strads_normal_problem *problem, const REAL *x)
{
	const struct strads_normal_simd *simd = strads_normal_simd();
	size_t columns = table->columns, free = columns - table->biased;
	double sum = 0;

	for (uint64_t e = 0; e < problem->n; e++) {
		const REAL *row = (const REAL *)table->rows + problem->index[e] * columns;
		double wrong = FOR_REAL(value)(table, problem, e);

		wrong -= (double)simd->FOR_REAL(dot)(free, row, x);
		wrong -= table->biased ? (double)x[free] : 0;
		sum += wrong * wrong;
	}
	return sum;
}

#undef LINE

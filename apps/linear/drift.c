#include "drift.h"

#include <math.h>
#include <stdlib.h>

void
strads_linear_drift_take(struct strads_linear_drift *drift, uint64_t count,
			 struct strads_linear_need *need)
{
	drift->norm = strads_linear_take(need, count, sizeof *drift->norm);
	drift->since = strads_linear_take(need, count, sizeof *drift->since);
}

void
strads_linear_drift_give(struct strads_linear_drift *drift)
{
	free(drift->norm);
	free(drift->since);
	*drift = (struct strads_linear_drift){0};
}

void
strads_linear_drift_start(struct strads_linear_drift *drift,
			  const struct strads_linear_portion *portion,
			  const struct strads_linear_columns *columns)
{
	drift->travelled = 0;
	for (uint64_t k = 0; k < portion->count; k++) {
		drift->norm[k] = columns->norm[strads_linear_portion_key(portion, k)];
		drift->since[k] = -INFINITY;
	}
}

void
strads_linear_drift_note(struct strads_linear_drift *drift, uint64_t position, double gradient)
{
	double norm = drift->norm[position];
	double since = norm > 0 ? drift->travelled - gradient / norm : drift->travelled;

	/* Down, by more than the rounding to a float and that of the gradient. */
	drift->since[position] = (float)(since - 1e-6 * (fabs(since) + drift->travelled + 1e-30));
}

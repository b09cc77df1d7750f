/*
 * Sets chosen by signals from neighbours: what that needs before the first set.
 */
#include "state.h"

#include "strads/columns.h"

static bool
schedules(const struct strads_lasso *lasso)
{
	return lasso->rank < lasso->options.engine.schedulers;
}

/* Every rank's columns, of which the schedulers read all, while the graph is made. */
static int
columns_open(struct strads_lasso *lasso, struct strads_columns **columns)
{
	struct strads_columns_options options;
	uint64_t cols = lasso->train->x.cols;

	strads_columns_defaults(&options);
	options.cache_bytes = options.columns_max = 4096;
	if (schedules(lasso)) {
		options.cache_bytes = lasso->options.column_cache_bytes;
		options.columns_max = (uint32_t)cols + 1;
	}
	return strads_columns_new(lasso->fabric, lasso->train->region, &lasso->train->x, &options,
				  columns);
}

static int
signalling_open(struct strads_lasso *lasso, struct strads_columns *columns)
{
	struct strads_graph_options graph = {.variables = lasso->train->x.cols,
					     .rows = lasso->train->rows_total +
						     lasso->train->absent_total,
					     .absent = lasso->train->absent_total,
					     .centred = lasso->columns.centred,
					     .scheduler = lasso->rank,
					     .schedulers = lasso->options.engine.schedulers};
	struct strads_signalling_options options = {.scale = lasso->columns.scale,
						    .seed = lasso->options.seed,
						    .joint = lasso->options.set_update ==
							     STRADS_SET_UPDATE_GRAM};
	int status;

	if (!schedules(lasso))
		return STRADS_OK;
	status = strads_graph_new(lasso->fabric, columns, &graph, &lasso->graph);
	if (status)
		return status;
	options.graph = lasso->graph;
	lasso->memory_bytes += strads_graph_bytes(lasso->graph) + strads_signalling_bytes(&options);
	return strads_signalling_new(&options, &lasso->signalling);
}

int
strads_lasso_neighbours_open(struct strads_lasso *lasso)
{
	struct strads_columns *columns = NULL;
	int status;

	if (lasso->options.scheduler != STRADS_LINEAR_SIGNALLING)
		return STRADS_OK;
	status = strads_graph_check(lasso->train->x.cols);
	if (!status)
		status = columns_open(lasso, &columns);
	if (status)
		return status;
	/* Nobody's columns go while another reads them. */
	status =
	    strads_job_agree(strads_fabric_job(lasso->fabric), signalling_open(lasso, columns));
	strads_columns_delete(&columns);
	return status;
}

void
strads_lasso_neighbours_close(struct strads_lasso *lasso)
{
	strads_signalling_delete(&lasso->signalling);
	strads_graph_delete(&lasso->graph);
}

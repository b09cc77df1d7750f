#include "strads/graph.h"

#include <math.h>
#include <stdlib.h>

/* An own column's entry, in a row's list. */
struct entry {
	uint32_t key;
	double value;
};

/* The own columns, row by row, while the graph is made. */
struct maker {
	struct strads_fabric *fabric;
	struct strads_columns *columns;
	struct strads_graph *graph;
	double *mean;        /* [variables], 0 unless centred */
	uint64_t *row;       /* [rows + 1] where a row's entries begin */
	struct entry *entry; /* [row[rows]] */
	double *product;     /* [variables] x_jᵀx_k of the present j */
	bool *touched;       /* [variables] */
};

int
strads_graph_check(uint64_t variables)
{
	if (variables <= STRADS_GRAPH_VARIABLES_MAX)
		return STRADS_OK;
	return strads_fail(
	    STRADS_ERR_INPUT,
	    "%llu variables: signalling to neighbours is for at most %llu; use another "
	    "scheduler, --scheduler priority or working-set",
	    (unsigned long long)variables, (unsigned long long)STRADS_GRAPH_VARIABLES_MAX);
}

static bool
is_own(const struct strads_graph_options *options, strads_key key)
{
	return key % (uint64_t)options->schedulers == (uint64_t)options->scheduler;
}

static double
observations(const struct strads_graph_options *options)
{
	return (double)(options->rows - options->absent);
}

/* Column `key`, waited for. */
static int
hold(struct maker *maker, strads_key key, struct strads_column *column)
{
	bool moved = false;
	int status;

	while ((status = strads_columns_hold(maker->columns, key, column, &moved)) ==
	       STRADS_AGAIN) {
		if (!moved)
			strads_fabric_wait(maker->fabric,
					   strads_fabric_clock_ns(maker->fabric) + 1000000);
		moved = false;
		status = strads_fabric_progress(maker->fabric);
		if (status)
			return status;
	}
	strads_fabric_awake(maker->fabric);
	if (status == STRADS_COLUMNS_FULL)
		return strads_fail(STRADS_ERR_MEMORY, "no room for column %llu",
				   (unsigned long long)key);
	return status;
}

/* The means, and how many own entries each row has, into row[i + 1]. */
static int
count_rows(struct maker *maker)
{
	const struct strads_graph_options *options = &maker->graph->options;

	for (strads_key j = 0; j < options->variables; j++) {
		struct strads_column column;
		double sum = 0;
		int status = hold(maker, j, &column);

		if (status)
			return status;
		for (uint32_t e = 0; e < column.entries; e++) {
			sum += column.value[e];
			maker->row[column.row[e] + 1] += is_own(options, j);
		}
		maker->mean[j] = options->centred ? sum / observations(options) : 0;
		strads_columns_release(maker->columns, j);
	}
	for (uint64_t i = 0; i < options->rows; i++)
		maker->row[i + 1] += maker->row[i];
	return STRADS_OK;
}

/* The own entries, row by row; row[i] moves to the end of row i, and is moved back. */
static int
fill_rows(struct maker *maker)
{
	const struct strads_graph_options *options = &maker->graph->options;

	maker->entry = calloc(maker->row[options->rows] + 1, sizeof *maker->entry);
	if (!maker->entry)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu entries by row",
				   (unsigned long long)maker->row[options->rows]);
	for (strads_key k = (strads_key)options->scheduler; k < options->variables;
	     k += (uint64_t)options->schedulers) {
		struct strads_column column;
		int status = hold(maker, k, &column);

		if (status)
			return status;
		for (uint32_t e = 0; e < column.entries; e++)
			maker->entry[maker->row[column.row[e]]++] =
			    (struct entry){(uint32_t)k, column.value[e]};
		strads_columns_release(maker->columns, k);
	}
	for (uint64_t i = options->rows; i > 0; i--)
		maker->row[i] = maker->row[i - 1];
	maker->row[0] = 0;
	return STRADS_OK;
}

/* product[k] = x_jᵀx_k over the rows of column j. */
static int
multiply(struct maker *maker, strads_key j)
{
	struct strads_column column;
	int status = hold(maker, j, &column);

	for (uint32_t e = 0; !status && e < column.entries; e++) {
		uint32_t row = column.row[e];

		for (uint64_t at = maker->row[row]; at < maker->row[row + 1]; at++) {
			const struct entry *entry = &maker->entry[at];

			maker->product[entry->key] += column.value[e] * entry->value;
			maker->touched[entry->key] = true;
		}
	}
	if (!status)
		strads_columns_release(maker->columns, j);
	return status;
}

/* Room for another edge. */
static int
grow(struct strads_graph *graph, uint64_t edges)
{
	uint64_t room = graph->room ? 2 * graph->room : 1024;
	uint32_t *to;
	float *weight;

	if (edges < graph->room)
		return STRADS_OK;
	if (edges == STRADS_GRAPH_EDGES_MAX)
		return strads_fail(STRADS_ERR_INPUT,
				   "more than %llu pairs of variables interact: signalling to "
				   "neighbours is for fewer; use another scheduler, --scheduler "
				   "priority or working-set",
				   (unsigned long long)STRADS_GRAPH_EDGES_MAX);
	to = realloc(graph->to, room * sizeof *to);
	if (to)
		graph->to = to;
	weight = to ? realloc(graph->weight, room * sizeof *weight) : NULL;
	if (!weight)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu interactions",
				   (unsigned long long)room);
	graph->weight = weight;
	graph->room = room;
	return STRADS_OK;
}

/* The edges from j; product and touched are cleared. */
static int
connect(struct maker *maker, strads_key j)
{
	struct strads_graph *graph = maker->graph;
	const struct strads_graph_options *options = &graph->options;
	uint64_t edges = graph->first[j];
	int status = STRADS_OK;

	for (strads_key k = (strads_key)options->scheduler; !status && k < options->variables;
	     k += (uint64_t)options->schedulers) {
		double product =
		    maker->product[k] - observations(options) * maker->mean[j] * maker->mean[k];
		bool interact = (maker->touched[k] || options->centred) && product != 0 && k != j;

		maker->product[k] = 0;
		maker->touched[k] = false;
		if (!interact)
			continue;
		status = grow(graph, edges);
		if (status)
			break;
		graph->to[edges] = (uint32_t)k;
		graph->weight[edges++] = (float)fabs(product);
	}
	graph->first[j + 1] = edges;
	return status;
}

static int
make(struct maker *maker)
{
	const struct strads_graph_options *options = &maker->graph->options;
	int status;

	maker->mean = calloc(options->variables, sizeof *maker->mean);
	maker->row = calloc(options->rows + 1, sizeof *maker->row);
	maker->product = calloc(options->variables, sizeof *maker->product);
	maker->touched = calloc(options->variables, sizeof *maker->touched);
	maker->graph->first = calloc(options->variables + 1, sizeof *maker->graph->first);
	if (!maker->mean || !maker->row || !maker->product || !maker->touched ||
	    !maker->graph->first)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the graph of %llu variables",
				   (unsigned long long)options->variables);
	status = count_rows(maker);
	if (!status)
		status = fill_rows(maker);
	for (strads_key j = 0; !status && j < options->variables; j++) {
		status = multiply(maker, j);
		if (!status)
			status = connect(maker, j);
	}
	return status;
}

int
strads_graph_new(struct strads_fabric *fabric, struct strads_columns *columns,
		 const struct strads_graph_options *options, struct strads_graph **out)
{
	struct maker maker = {.fabric = fabric, .columns = columns};
	int status = strads_graph_check(options->variables);

	if (status)
		return status;
	maker.graph = calloc(1, sizeof *maker.graph);
	if (!maker.graph)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a graph");
	maker.graph->options = *options;
	status = make(&maker);
	free(maker.mean);
	free(maker.row);
	free(maker.entry);
	free(maker.product);
	free(maker.touched);
	if (status)
		strads_graph_delete(&maker.graph);
	else
		*out = maker.graph;
	return status;
}

void
strads_graph_delete(struct strads_graph **pointer)
{
	struct strads_graph *graph = *pointer;

	if (!graph)
		return;
	free(graph->first);
	free(graph->to);
	free(graph->weight);
	free(graph);
	*pointer = NULL;
}

size_t
strads_graph_bytes(const struct strads_graph *graph)
{
	return sizeof *graph + (graph->options.variables + 1) * sizeof *graph->first +
	       graph->room * (sizeof *graph->to + sizeof *graph->weight);
}

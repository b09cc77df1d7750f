#include "ranking.h"

#include "../data/text.h"
#include "../pairs/products.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Coefficients looked at in one exchange, so that its size does not depend on the model's. */
#define CHUNK 1024

/* Sums over one column's values other than 0. */
struct moments {
	double count, sum, squares;
};

static struct moments
values_moments(const double *value, uint64_t n)
{
	struct moments m = {0};

	for (uint64_t k = 0; k < n; k++) {
		if (value[k] == 0)
			continue;
		m.count++;
		m.sum += value[k];
		m.squares += value[k] * value[k];
	}
	return m;
}

/* Of n variables over own rows: columns of x, or products of two. Returns STRADS_OK or ERR_MEMORY.
 */
static int
own_moments(const struct strads_csc *x, bool products, const uint64_t *index, size_t n,
	    struct moments *own)
{
	uint32_t *row = products ? calloc((size_t)x->rows + 1, sizeof *row) : NULL;
	double *value = products ? calloc((size_t)x->rows + 1, sizeof *value) : NULL;
	int status = STRADS_OK;

	if (products && (!row || !value))
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to rank the terms");
	for (size_t i = 0; !status && i < n; i++) {
		if (products)
			own[i] =
			    values_moments(value, strads_products_column(x, index[i], row, value));
		else if (index[i] < x->cols)
			own[i] = values_moments(x->value + x->start[index[i]],
						strads_csc_entries(x, index[i]));
	}
	free(row);
	free(value);
	return status;
}

/* The moments over all ranks of the n variables that rank 0 gives. */
static int
exchange_chunk(struct strads_job *job, const struct strads_csc *x, bool products,
	       const uint64_t *columns, size_t n, struct moments *total)
{
	void *asked = NULL, *all = NULL;
	struct moments mine[CHUNK] = {0};
	int status = strads_job_gather(job, STRADS_OK, columns, n * sizeof *columns, &asked);

	if (status)
		return status;
	status = own_moments(x, products, asked, n, mine);
	free(asked);
	status = strads_job_gather(job, status, mine, n * sizeof *mine, &all);
	if (status)
		return status;
	for (size_t i = 0; i < n; i++) {
		const struct moments *one = (const struct moments *)all + i;

		total[i] = (struct moments){0};
		for (int r = 0; r < strads_job_size(job); r++, one += n) {
			total[i].count += one->count;
			total[i].sum += one->sum;
			total[i].squares += one->squares;
		}
	}
	free(all);
	return STRADS_OK;
}

static struct strads_ranked_term
describe(uint64_t index, double coefficient, const struct moments *m, double rows)
{
	double mean = m->sum / rows, variance = m->squares / rows - mean * mean;

	return (struct strads_ranked_term){
	    .index = index,
	    .coefficient = coefficient,
	    .share = m->count / rows,
	    .effect = m->count > 0 ? coefficient * m->sum / m->count : 0,
	    .strength = fabs(coefficient) * sqrt(fmax(variance, 0)),
	};
}

/* Rank 0's nonzero coefficients as terms without names; elsewhere *all becomes NULL. */
static int
describe_all(struct strads_job *job, const struct strads_dataset *train,
	     const struct strads_linear_model *model, uint64_t count, bool products,
	     struct strads_ranked_term **all)
{
	bool root = strads_job_rank(job) == 0;
	struct strads_ranked_term *terms = root ? calloc(count + 1, sizeof *terms) : NULL;
	int status = strads_job_agree(
	    job, root && !terms ? strads_fail(STRADS_ERR_MEMORY, "no memory to rank the terms")
				: STRADS_OK);

	for (uint64_t first = 0; !status && first < count; first += CHUNK) {
		size_t n = count - first < CHUNK ? (size_t)(count - first) : CHUNK;
		struct moments total[CHUNK];
		uint64_t columns[CHUNK] = {0};

		if (terms)
			memcpy(columns, model->index + first, n * sizeof *columns);
		status = exchange_chunk(job, &train->x, products, columns, n, total);
		for (size_t i = 0; terms && !status && i < n; i++)
			terms[first + i] = describe(columns[i], model->value[first + i], &total[i],
						    (double)train->rows_total);
	}
	if (status) {
		free(terms);
		return status;
	}
	*all = terms;
	return STRADS_OK;
}

static int
by_strength(const void *left, const void *right)
{
	const struct strads_ranked_term *a = left, *b = right;

	if (a->strength != b->strength)
		return a->strength < b->strength ? 1 : -1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* The first `most` of `all` (sorted) whose coefficient has the given sign. */
static int
take(const struct strads_ranked_term *all, uint64_t count, int sign, size_t most,
     struct strads_ranked_term **taken, size_t *taken_count)
{
	struct strads_ranked_term *some = calloc(most + 1, sizeof *some);
	size_t n = 0;

	if (!some)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to rank the terms");
	for (uint64_t k = 0; k < count && n < most; k++) {
		if (all[k].coefficient * sign > 0)
			some[n++] = all[k];
	}
	*taken = some;
	*taken_count = n;
	return STRADS_OK;
}

/* Appends a factor to a term's name: the vocabulary's, or "#17" if it has none. */
static int
name_append(struct strads_ranked_term *term, uint64_t column, const char *name)
{
	char number[24], *longer;

	snprintf(number, sizeof number, "#%" PRIu64, column + 1);
	if (asprintf(&longer, "%s%s%s", term->name ? term->name : "", term->name ? "*" : "",
		     name ? name : number) < 0)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the terms' names");
	free(term->name);
	term->name = longer;
	return STRADS_OK;
}

/* Names those of the terms in which one of the columns first … end − 1 occurs, by `name` or, if
 * NULL, by number. A product has its first factor named before its second. */
static int
name_terms(struct strads_ranked_term *terms, size_t count, uint64_t base, uint64_t first,
	   uint64_t end, const char *name)
{
	int status = STRADS_OK;

	for (size_t k = 0; !status && k < count; k++) {
		uint64_t a = base ? terms[k].index / base : terms[k].index;
		uint64_t b = base ? terms[k].index % base : UINT64_MAX;

		if (a >= first && a < end)
			status = name_append(&terms[k], a, name);
		if (!status && b >= first && b < end)
			status = name_append(&terms[k], b, name);
	}
	return status;
}

/* The same of both lists of terms. */
static int
name_both(struct strads_ranking *terms, uint64_t base, uint64_t first, uint64_t end,
	  const char *name)
{
	int status = name_terms(terms->positive, terms->positive_count, base, first, end, name);

	if (status)
		return status;
	return name_terms(terms->negative, terms->negative_count, base, first, end, name);
}

/* The name on a line of `length` bytes, without the line end; `first`: and a byte order mark. */
static const char *
line_name(char *line, size_t length, bool first)
{
	size_t mark = strlen(STRADS_BYTE_ORDER_MARK);

	if (length && line[length - 1] == '\n')
		length--;
	if (length && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	return first && strncmp(line, STRADS_BYTE_ORDER_MARK, mark) == 0 ? line + mark : line;
}

static int
read_names(const char *vocabulary, uint64_t base, struct strads_ranking *terms)
{
	FILE *in = fopen(vocabulary, "r");
	char *line = NULL;
	size_t room = 0;
	uint64_t index = 0;
	ssize_t n;
	int status = STRADS_OK;

	if (!in)
		return strads_fail(STRADS_ERR_IO, "cannot open the vocabulary %s: %s", vocabulary,
				   strerror(errno));
	for (; !status && (n = getline(&line, &room, in)) > 0; index++)
		status = name_both(terms, base, index, index + 1,
				   line_name(line, (size_t)n, index == 0));
	if (!status && ferror(in))
		status = strads_fail(STRADS_ERR_IO, "cannot read the vocabulary %s", vocabulary);
	free(line);
	fclose(in);
	return status ? status : name_both(terms, base, index, UINT64_MAX, NULL);
}

/* Rank 0's part: sorts, takes the strongest and names them. */
static int
select_terms(struct strads_ranked_term *all, uint64_t count, uint64_t base, const char *vocabulary,
	     size_t most, struct strads_ranking *terms)
{
	int status;

	qsort(all, count, sizeof *all, by_strength);
	status = take(all, count, 1, most, &terms->positive, &terms->positive_count);
	if (!status)
		status = take(all, count, -1, most, &terms->negative, &terms->negative_count);
	return status ? status : read_names(vocabulary, base, terms);
}

int
strads_ranking_find(struct strads_job *job, const struct strads_dataset *train,
		    const struct strads_linear_model *model, const char *vocabulary, size_t most,
		    struct strads_ranking *terms)
{
	struct strads_ranked_term *all = NULL;
	struct strads_ranking found = {0};
	const uint64_t mine[2] = {model->count, model->base};
	void *counts = NULL;
	uint64_t count, base;
	int status = strads_job_gather(job, STRADS_OK, mine, sizeof mine, &counts);

	if (status)
		return status;
	count = ((const uint64_t *)counts)[0];
	base = ((const uint64_t *)counts)[1];
	free(counts);
	status = describe_all(job, train, model, count, base > 0, &all);
	if (status)
		return status;
	if (all)
		status = select_terms(all, count, base, vocabulary, most, &found);
	status = strads_job_agree(job, status);
	free(all);
	if (status)
		strads_ranking_free(&found);
	else
		*terms = found;
	return status;
}

static void
free_terms(struct strads_ranked_term *terms, size_t count)
{
	for (size_t k = 0; k < count; k++)
		free(terms[k].name);
	free(terms);
}

void
strads_ranking_free(struct strads_ranking *terms)
{
	free_terms(terms->positive, terms->positive_count);
	free_terms(terms->negative, terms->negative_count);
	*terms = (struct strads_ranking){0};
}

#include "ratings.h"

#include "counts.h"
#include "rating_list.h"

#include <stdlib.h>
#include <string.h>

#include "strads/random.h"

/* Of the random numbers that choose what is held out: streams from here on, one a user. */
#define HOLDOUT_STREAM (UINT64_C(1) << 63)

static int
no_memory(uint64_t ratings)
{
	strads_fail(STRADS_ERR_MEMORY, "no memory for %llu ratings: use more ranks on more hosts",
		    (unsigned long long)ratings);
	return STRADS_ERR_MEMORY;
}

/* ---- This rank's rows --------------------------------------------------------------------- */

static int
part_new(struct strads_rank_one_rows *part, bool wide, uint32_t rows, uint64_t entries)
{
	uint64_t *start = calloc((size_t)rows + 1, sizeof(*start));
	uint32_t *col = malloc((entries + 1) * sizeof(*col));
	void *residual = malloc((entries + 1) * (wide ? sizeof(double) : sizeof(float)));

	if (!start || !col || !residual) {
		free(start);
		free(col);
		free(residual);
		return no_memory(entries);
	}
	*part = (struct strads_rank_one_rows){.wide = wide, .rows = rows};
	part->start = start;
	part->col = col;
	part->residual = residual;
	return STRADS_OK;
}

static void
part_free(struct strads_rank_one_rows *part)
{
	free((void *)part->start);
	free((void *)part->col);
	free(part->residual);
	*part = (struct strads_rank_one_rows){0};
}

static void
part_put(struct strads_rank_one_rows *part, uint64_t at, uint32_t col, double value)
{
	((uint32_t *)part->col)[at] = col;
	if (part->wide)
		((double *)part->residual)[at] = value;
	else
		((float *)part->residual)[at] = (float)value;
}

static int
compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Sorts one row of n entries by column; of equal columns the last is kept. Returns how many are
 * left. key, value: [n] to work in. */
static uint64_t
row_sort(uint64_t n, uint32_t *col, double *rating, uint64_t *key, double *value)
{
	uint64_t kept = 0;

	for (uint64_t e = 0; e < n; e++)
		key[e] = (uint64_t)col[e] << 32 | e;
	memcpy(value, rating, n * sizeof(*value));
	qsort(key, n, sizeof(*key), compare);
	for (uint64_t e = 0; e < n; e++) {
		if (e + 1 < n && key[e] >> 32 == key[e + 1] >> 32)
			continue;
		col[kept] = (uint32_t)(key[e] >> 32);
		rating[kept++] = value[key[e] & UINT32_MAX];
	}
	return kept;
}

/* Sorts all rows and closes the gaps between them. */
static int
rows_sort(struct strads_rows *rows, uint64_t *replaced)
{
	uint64_t longest = 0, to = 0;
	uint64_t *key;
	double *value;

	for (size_t i = 0; i < rows->rows; i++) {
		uint64_t n = rows->first[i + 1] - rows->first[i];

		longest = n > longest ? n : longest;
	}
	if (longest > UINT32_MAX)
		return strads_fail(STRADS_ERR_INPUT, "a user has %llu ratings: at most 2^32 - 1",
				   (unsigned long long)longest);
	key = malloc((longest + 1) * sizeof(*key));
	value = malloc((longest + 1) * sizeof(*value));
	for (size_t i = 0; key && value && i < rows->rows; i++) {
		uint64_t from = rows->first[i], n = rows->first[i + 1] - from, kept;

		kept = n ? row_sort(n, rows->col + from, rows->value + from, key, value) : 0;
		if (kept)
			memmove(rows->col + to, rows->col + from, kept * sizeof(*rows->col));
		if (kept)
			memmove(rows->value + to, rows->value + from, kept * sizeof(*rows->value));
		rows->first[i] = to;
		to += kept;
		*replaced += n - kept;
	}
	free(key);
	free(value);
	if (!key || !value)
		return no_memory(longest);
	rows->first[rows->rows] = to;
	rows->entries = to;
	return STRADS_OK;
}

/* How ratings are chosen to be held out. */
struct choice {
	double share;
	uint64_t seed;
	uint64_t first_user;
};

static bool
held_out(const struct choice *choice, uint64_t user, uint32_t item)
{
	uint64_t random =
	    strads_random(choice->seed, HOLDOUT_STREAM | (choice->first_user + user), item);

	return (double)(random >> 11) * 0x1p-53 < choice->share;
}

/* Those of the sorted rows that are held out, or those that are not. */
static int
part_take(const struct strads_rows *rows, const struct choice *choice, bool held, bool wide,
	  struct strads_rank_one_rows *part)
{
	struct strads_rank_one_rows new;
	uint64_t count = 0, *start;
	int status;

	for (size_t i = 0; i < rows->rows; i++)
		for (uint64_t e = rows->first[i]; e < rows->first[i + 1]; e++)
			count += held_out(choice, i, rows->col[e]) == held;
	status = part_new(&new, wide, (uint32_t)rows->rows, count);
	if (status != STRADS_OK)
		return status;
	start = (uint64_t *)new.start;
	for (size_t i = 0; i < rows->rows; i++) {
		start[i + 1] = start[i];
		for (uint64_t e = rows->first[i]; e < rows->first[i + 1]; e++)
			if (held_out(choice, i, rows->col[e]) == held)
				part_put(&new, start[i + 1]++, rows->col[e], rows->value[e]);
	}
	*part = new;
	return STRADS_OK;
}

/* ---- Who has which user ------------------------------------------------------------------- */

/* Cuts the users where a rank has its share of all ratings. */
static void
users_cut(const uint64_t *count, uint64_t users, int ranks, uint64_t *first)
{
	uint64_t total = 0, before = 0;
	int rank = 1;

	for (uint64_t i = 0; i < users; i++)
		total += count[i];
	first[0] = 0;
	for (uint64_t i = 0; i < users; i++) {
		/* A user belongs to the side on which more of its ratings are. */
		while (rank < ranks &&
		       (double)before + (double)count[i] / 2 >= (double)total * rank / ranks)
			first[rank++] = i;
		before += count[i];
	}
	while (rank <= ranks)
		first[rank++] = users;
}

static int
users_split(struct strads_fabric *fabric, const struct strads_triplets *triplets,
	    struct strads_ratings *ratings)
{
	struct strads_job *job = strads_fabric_job(fabric);
	uint64_t users = ratings->users.count, *count = calloc(users + 1, sizeof(*count));
	int ranks = strads_job_size(job), status = STRADS_OK;

	ratings->first = calloc((size_t)ranks + 1, sizeof(*ratings->first));
	if (!count || !ratings->first)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to count the ratings of users");
	for (size_t k = 0; status == STRADS_OK && count && k < triplets->count; k++)
		count[triplets->entry[k].row]++;
	status = strads_job_agree(job, status);
	if (status == STRADS_OK)
		status = strads_counts_sum(fabric, count, users);
	if (status == STRADS_OK && count && ratings->first) {
		users_cut(count, users, ranks, ratings->first);
		ratings->first_user = ratings->first[strads_job_rank(job)];
	}
	free(count);
	return status;
}

/* ---- Files -------------------------------------------------------------------------------- */

/* Gives users and items the numbers that all ranks agree on. */
static int
names_agree(struct strads_fabric *fabric, struct strads_rating_list *list)
{
	uint32_t *user = NULL, *item = NULL;
	int status = strads_names_join(fabric, list->users, &user);

	if (status == STRADS_OK)
		status = strads_names_join(fabric, list->items, &item);
	for (size_t k = 0; status == STRADS_OK && k < list->ratings.count; k++) {
		struct strads_triplet *entry = &list->ratings.entry[k];

		entry->row = user[entry->row];
		entry->col = item[entry->col];
	}
	free(user);
	free(item);
	return status;
}

/* Brings a list's ratings to the ranks that have their users, sorted. */
static int
list_exchange(struct strads_fabric *fabric, struct strads_rating_list *list,
	      struct strads_ratings *ratings, struct strads_rows *rows)
{
	uint64_t replaced = 0;
	int status = strads_triplets_exchange(fabric, &list->ratings, ratings->first,
					      ratings->items.count, rows);

	if (status != STRADS_OK)
		return status;
	status = strads_job_agree(strads_fabric_job(fabric), rows_sort(rows, &replaced));
	ratings->replaced += replaced;
	return status;
}

static int
train_read(struct strads_fabric *fabric, const struct strads_ratings_options *options,
	   struct strads_ratings *ratings)
{
	struct strads_rating_list list = {.users = &ratings->users, .items = &ratings->items};
	struct strads_rows rows = {0};
	int status = strads_rating_list_read(&list, fabric, options->data);

	if (status == STRADS_OK)
		status = names_agree(fabric, &list);
	if (status == STRADS_OK)
		status = users_split(fabric, &list.ratings, ratings);
	if (status == STRADS_OK)
		status = list_exchange(fabric, &list, ratings, &rows);
	if (status == STRADS_OK) {
		const struct choice choice = {options->holdout, options->seed, ratings->first_user};

		status = part_take(&rows, &choice, false, options->wide, &ratings->train);
		if (status == STRADS_OK && options->holdout > 0)
			status = part_take(&rows, &choice, true, options->wide, &ratings->test);
		status = strads_job_agree(strads_fabric_job(fabric), status);
	}
	strads_triplets_free(&list.ratings);
	strads_rows_free(&rows);
	return status;
}

static int
test_read(struct strads_fabric *fabric, const struct strads_ratings_options *options,
	  struct strads_ratings *ratings)
{
	struct strads_rating_list list = {
	    .users = &ratings->users, .items = &ratings->items, .closed = true};
	const struct choice none = {0};
	struct strads_rows rows = {0};
	int status = strads_rating_list_read(&list, fabric, options->test);

	if (status == STRADS_OK)
		status = list_exchange(fabric, &list, ratings, &rows);
	if (status == STRADS_OK)
		status =
		    strads_job_agree(strads_fabric_job(fabric),
				     part_take(&rows, &none, false, options->wide, &ratings->test));
	ratings->unknown = list.unknown;
	ratings->unknown_sum = list.unknown_sum;
	ratings->unknown_squares = list.unknown_squares;
	strads_triplets_free(&list.ratings);
	strads_rows_free(&rows);
	return status;
}

static double
part_sum(const struct strads_rank_one_rows *part)
{
	uint64_t n = part->start[part->rows];
	double sum = 0;

	for (uint64_t e = 0; e < n; e++)
		sum += part->wide ? ((const double *)part->residual)[e]
				  : (double)((const float *)part->residual)[e];
	return sum;
}

/* Adds up over the ranks what each knows of its own part. */
static int
totals_sum(struct strads_job *job, struct strads_ratings *ratings)
{
	struct totals {
		uint64_t train, test, replaced, unknown;
		double sum, unknown_sum, unknown_squares;
	} mine = {ratings->train.start[ratings->train.rows],
		  ratings->test.start ? ratings->test.start[ratings->test.rows] : 0,
		  ratings->replaced,
		  ratings->unknown,
		  part_sum(&ratings->train),
		  ratings->unknown_sum,
		  ratings->unknown_squares},
	  total = {0};
	void *all = NULL;
	int status = strads_job_gather(job, STRADS_OK, &mine, sizeof(mine), &all);

	if (status != STRADS_OK)
		return status;
	for (int r = 0; r < strads_job_size(job); r++) {
		const struct totals *theirs = (const struct totals *)all + r;

		total.train += theirs->train;
		total.test += theirs->test;
		total.replaced += theirs->replaced;
		total.unknown += theirs->unknown;
		total.sum += theirs->sum;
		total.unknown_sum += theirs->unknown_sum;
		total.unknown_squares += theirs->unknown_squares;
	}
	free(all);
	if (total.train == 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "every rating is held out: give a smaller share");
	ratings->train_total = total.train;
	ratings->test_total = total.test + total.unknown;
	ratings->replaced = total.replaced;
	ratings->mean = total.sum / (double)total.train;
	ratings->unknown = total.unknown;
	ratings->unknown_sum = total.unknown_sum;
	ratings->unknown_squares = total.unknown_squares;
	return STRADS_OK;
}

int
strads_ratings_read(struct strads_fabric *fabric, const struct strads_ratings_options *options,
		    struct strads_ratings *ratings)
{
	struct strads_ratings new = {0};
	int status = train_read(fabric, options, &new);

	if (status == STRADS_OK && options->test)
		status = test_read(fabric, options, &new);
	if (status == STRADS_OK)
		status = totals_sum(strads_fabric_job(fabric), &new);
	if (status != STRADS_OK) {
		strads_ratings_free(&new);
		return status;
	}
	*ratings = new;
	return STRADS_OK;
}

void
strads_ratings_free(struct strads_ratings *ratings)
{
	part_free(&ratings->train);
	part_free(&ratings->test);
	strads_names_free(&ratings->users);
	strads_names_free(&ratings->items);
	free(ratings->first);
	*ratings = (struct strads_ratings){0};
}

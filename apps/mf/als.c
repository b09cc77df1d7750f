/*
 * Alternating least squares. A sweep is two sets.
 *
 *     (Σ_i w_i w_iᵀ + λ_j I) h_j = Σ_i a_ij w_i    of every item j, over its users
 *     (Σ_j h_j h_jᵀ + λ_i I) w_i = Σ_j a_ij h_j    of every user i, over its items
 *
 * In the first a block is some items of one owner; its partial is the sums of each over own users,
 * (K + 1)(K + 2)/2 numbers, so that no rank has more of them than the engine's window holds. The
 * owner solves and commits h_j, of which every rank keeps a copy. Blocks go round the owners, as it
 * is they who solve. In the second each rank solves for its own users alone: its blocks, without
 * variables, partials and commits, only cut the work into pieces. With biases K is one more: a
 * row's offset is an unknown for which the other side has a 1.
 */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "strads/normal.h"

/* A block of items has partials of about so many bytes: small enough for caches, large enough for
 * its messages not to count. */
#define BLOCK_BYTES 131072

/* A block of users is so many multiplications: about a millisecond. */
#define BLOCK_WORK 2e7

struct strads_mf_als {
	struct strads_normal *normal;
	void *h;              /* [items][K] of all owners */
	uint64_t *start;      /* [items + 1] own ratings by item: … */
	uint32_t *user;       /* [entries] … their own users, ascending, … */
	void *rating;         /* [entries] … and what they are */
	double *x;            /* [K] */
	uint32_t block_items; /* of a block, at most */
	uint64_t owner_parts; /* such blocks of an owner, at most */
	uint64_t block_users;
	uint64_t user_parts; /* such blocks of a rank, at most */
};

/* ---- State -------------------------------------------------------------------------------- */

void
strads_mf_als_start(struct strads_mf *mf)
{
	const struct strads_rank_one_rows *train = &mf->ratings->train;
	struct strads_mf_als *als = mf->als;

	for (uint64_t e = 0; e < train->start[train->rows]; e++)
		als->start[train->col[e] + 1]++;
	for (uint64_t j = 0; j < mf->table.keys; j++)
		als->start[j + 1] += als->start[j];
	for (uint32_t i = 0; i < train->rows; i++)
		for (uint64_t e = train->start[i]; e < train->start[i + 1]; e++) {
			uint64_t to = als->start[train->col[e]]++;

			als->user[to] = i;
			memcpy((char *)als->rating + to * mf->real_bytes,
			       (const char *)train->residual + e * mf->real_bytes, mf->real_bytes);
		}
	for (uint64_t j = mf->table.keys; j > 0; j--)
		als->start[j] = als->start[j - 1];
	als->start[0] = 0;
}

/* Cuts items and users into blocks, alike on all ranks. */
static void
blocks_cut(struct strads_mf *mf)
{
	struct strads_mf_als *als = mf->als;
	const struct strads_ratings *ratings = mf->ratings;
	double k = mf->columns, users = (double)ratings->users.count;
	double work = k * k * (k / 3 + (double)ratings->train_total / users);
	size_t bytes = strads_normal_sums(mf->columns) * sizeof(double);
	uint64_t most_items = strads_table_first(&mf->table, 1), most_users = 0;

	als->block_items = bytes < BLOCK_BYTES / STRADS_MF_BLOCK_ITEMS ? STRADS_MF_BLOCK_ITEMS
			   : bytes < BLOCK_BYTES ? (uint32_t)(BLOCK_BYTES / bytes)
						 : 1;
	als->owner_parts = (most_items + als->block_items - 1) / als->block_items;
	for (int r = 0; r < mf->ranks; r++) {
		uint64_t rows = ratings->first[r + 1] - ratings->first[r];

		most_users = rows > most_users ? rows : most_users;
	}
	als->block_users = work < BLOCK_WORK ? (uint64_t)(BLOCK_WORK / work) : 1;
	als->user_parts = (most_users + als->block_users - 1) / als->block_users;
}

int
strads_mf_als_plan(struct strads_mf *mf)
{
	mf->als = calloc(1, sizeof *mf->als);
	if (!mf->als)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to plan a factorization");
	blocks_cut(mf);
	return STRADS_OK;
}

void
strads_mf_als_take(struct strads_mf *mf, struct strads_linear_need *need)
{
	const struct strads_rank_one_rows *train = &mf->ratings->train;
	uint64_t entries = train->start[train->rows], items = mf->table.keys;
	uint32_t columns = mf->columns;
	struct strads_mf_als *als = mf->als;

	als->h = strads_linear_take(need, items, columns * mf->real_bytes);
	als->start = strads_linear_take(need, items + 1, sizeof *als->start);
	als->user = strads_linear_take(need, entries, sizeof *als->user);
	als->rating = strads_linear_take(need, entries, mf->real_bytes);
	als->x = strads_linear_take(need, columns, sizeof *als->x);
	strads_linear_count(need, 1, strads_normal_bytes(columns));
	if (need->status || need->dry)
		return;
	als->normal = strads_normal_new(columns);
	if (!als->normal)
		need->status = strads_fail(
		    STRADS_ERR_MEMORY,
		    "no memory for least squares in %u unknowns: ask for fewer factors", columns);
}

void
strads_mf_als_give(struct strads_mf *mf)
{
	struct strads_mf_als *als = mf->als;

	if (!als)
		return;
	strads_normal_delete(&als->normal);
	free(als->h);
	free(als->start);
	free(als->user);
	free(als->rating);
	free(als->x);
	free(als);
	mf->als = NULL;
}

/* ---- Blocks ------------------------------------------------------------------------------- */

void
strads_mf_als_sizes(const struct strads_mf *mf, struct strads_program *program)
{
	const struct strads_mf_als *als = mf->als;
	size_t elems = als->block_items * strads_normal_sums(mf->columns);
	size_t bytes = als->block_items * (size_t)mf->columns * mf->real_bytes;

	if (als->block_items > program->block_max)
		program->block_max = als->block_items;
	if (elems > program->partial_max)
		program->partial_max = elems;
	if (bytes > program->commit_max)
		program->commit_max = bytes;
}

/* Part b / P of owner b mod P. */
static void
draft_items(const struct strads_mf *mf, uint32_t index, struct strads_block_draft *draft)
{
	const struct strads_mf_als *als = mf->als;
	int owner = (int)(index % (uint32_t)mf->ranks);
	strads_key end = strads_table_first(&mf->table, owner + 1), first;

	first = strads_table_first(&mf->table, owner) +
		index / (uint32_t)mf->ranks * (uint64_t)als->block_items;
	first = first < end ? first : end;
	draft->range = true;
	draft->first = first;
	draft->n = (uint32_t)(end - first < als->block_items ? end - first : als->block_items);
	draft->reducer = owner;
	draft->last = index + 1 == als->owner_parts * (uint64_t)mf->ranks;
}

void
strads_mf_als_draft(const struct strads_mf *mf, uint32_t index, struct strads_block_draft *draft)
{
	if (draft->kind == STRADS_MF_ALS_ITEMS)
		draft_items(mf, index, draft);
	else
		draft->last = index + 1 == mf->als->user_parts;
}

/* ---- The primitives ----------------------------------------------------------------------- */

size_t
strads_mf_als_elems(const struct strads_mf *mf, const struct strads_block *block)
{
	return block->n * strads_normal_sums(mf->columns);
}

/* Rows of one side, of which the other's are combinations. */
static struct strads_normal_table
table_of(const struct strads_mf *mf, const void *rows)
{
	return (struct strads_normal_table){
	    .wide = mf->wide,
	    .biased = mf->options.biases,
	    .columns = mf->columns,
	    .rows = rows,
	};
}

/* Entries start … end − 1 of some index and reals. */
static struct strads_normal_problem
problem_of(const struct strads_mf *mf, const uint32_t *index, const void *value, uint64_t start,
	   uint64_t end)
{
	return (struct strads_normal_problem){
	    .n = end - start,
	    .index = index + start,
	    .value = (const char *)value + start * mf->real_bytes,
	};
}

static void
items_push(const struct strads_mf *mf, const struct strads_block *block, double *partial)
{
	const struct strads_mf_als *als = mf->als;
	const struct strads_normal_table users = table_of(mf, mf->w);
	size_t sums = strads_normal_sums(mf->columns);

	for (uint32_t j = 0; j < block->n; j++) {
		const uint64_t *start = als->start + block->first + j;
		const struct strads_normal_problem item =
		    problem_of(mf, als->user, als->rating, start[0], start[1]);

		strads_normal_add(als->normal, &users, &item, partial + j * sums);
	}
}

/* Row `row` of reals becomes x [K]. */
static void
row_put(const struct strads_mf *mf, void *reals, uint64_t row, const double *x)
{
	size_t columns = mf->columns;

	for (size_t k = 0; k < columns; k++)
		strads_mf_set(mf->wide, reals, row * columns + k, x[k]);
}

static void
users_solve(const struct strads_mf *mf, const struct strads_block *block)
{
	const struct strads_mf_als *als = mf->als;
	const struct strads_rank_one_rows *train = &mf->ratings->train;
	const struct strads_normal_table items = table_of(mf, als->h);
	uint64_t first = block->index * als->block_users, end = first + als->block_users;

	for (uint64_t i = first; i < end && i < train->rows; i++) {
		const struct strads_normal_problem user = problem_of(
		    mf, train->col, train->residual, train->start[i], train->start[i + 1]);

		if (user.n == 0)
			memset(als->x, 0, mf->columns * sizeof *als->x);
		else
			strads_normal_fit(als->normal, &items, &user, strads_mf_ridge(mf, user.n),
					  als->x);
		row_put(mf, mf->w, i, als->x);
	}
}

void
strads_mf_als_push(struct strads_mf *mf, const struct strads_block *block, double *partial)
{
	if (block->kind == STRADS_MF_ALS_ITEMS)
		items_push(mf, block, partial);
	else
		users_solve(mf, block);
}

size_t
strads_mf_als_pull(const struct strads_mf *mf, const struct strads_block *block, const double *sum,
		   void *commit)
{
	const struct strads_mf_als *als = mf->als;
	size_t sums = strads_normal_sums(mf->columns);

	for (uint32_t j = 0; j < block->n; j++) {
		uint32_t ratings = mf->count[block->first + j];

		if (ratings == 0)
			memset(als->x, 0, mf->columns * sizeof *als->x);
		else
			strads_normal_solve(als->normal, sum + j * sums,
					    strads_mf_ridge(mf, ratings), als->x);
		row_put(mf, commit, j, als->x);
	}
	return (size_t)block->n * mf->columns * mf->real_bytes;
}

int
strads_mf_als_sync(struct strads_mf *mf, const struct strads_block *block, const void *commit,
		   size_t bytes)
{
	size_t row = mf->columns * mf->real_bytes;

	if (bytes != block->n * row)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: %zu bytes for %u items",
				   (unsigned long long)block->set, bytes, block->n);
	if (bytes == 0)
		return STRADS_OK;
	memcpy((char *)mf->als->h + block->first * row, commit, bytes);
	if (block->reducer == mf->rank)
		memcpy((char *)mf->h + (block->first - mf->first_item) * row, commit, bytes);
	return STRADS_OK;
}

double
strads_mf_als_squares(const struct strads_mf *mf, const struct strads_rank_one_rows *part)
{
	const struct strads_normal_table items = table_of(mf, mf->als->h);
	size_t row = mf->columns * mf->real_bytes;
	double sum = 0;

	for (uint64_t i = 0; i < part->rows; i++) {
		const struct strads_normal_problem user =
		    problem_of(mf, part->col, part->residual, part->start[i], part->start[i + 1]);

		sum += strads_normal_error(&items, &user, (const char *)mf->w + i * row);
	}
	return sum;
}

/* ---- Typical costs on one core ------------------------------------------------------------ */

#define NS_MULTIPLICATION 0.05

double
strads_mf_als_push_cost_ns(const struct strads_mf *mf, const struct strads_block *block)
{
	const struct strads_mf_als *als = mf->als;
	double k = mf->columns;

	switch (block->kind) {
	case STRADS_MF_ALS_ITEMS:
		return NS_MULTIPLICATION * k * k *
		       (double)(als->start[block->first + block->n] - als->start[block->first]);
	case STRADS_MF_ALS_USERS:
		return NS_MULTIPLICATION * BLOCK_WORK;
	default:
		return NS_MULTIPLICATION * k * (double)als->start[mf->table.keys];
	}
}

double
strads_mf_als_pull_cost_ns(const struct strads_mf *mf, const struct strads_block *block)
{
	double k = mf->columns;

	return NS_MULTIPLICATION * k * k * k / 3 * block->n;
}

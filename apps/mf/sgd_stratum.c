/*
 * Sets of kind STRATUM, and what an evaluation asks of the ratings: both go through a block of
 * items at a time.
 */
#include "sgd.h"

/* So many factors of ratings between two looks at the fabric: about a millisecond. */
#define PART_WORK UINT64_C(2000000)

int
strads_mf_sgd_holder(const struct strads_mf_sgd *sgd, int block)
{
	uint64_t ranks = (uint64_t)sgd->mf->ranks;
	uint64_t t = sgd->strata > 0 ? (sgd->strata - 1) % ranks : 0;

	return (int)(((uint64_t)block + ranks - t) % ranks);
}

int
strads_mf_sgd_held(const struct strads_mf_sgd *sgd)
{
	uint64_t ranks = (uint64_t)sgd->mf->ranks;

	return (int)(((uint64_t)sgd->mf->rank + (sgd->strata > 0 ? sgd->strata - 1 : 0)) % ranks);
}

/* Reads a block from the rank that has it into the copy that this rank does not need: AGAIN until
 * it is here. */
static int
block_fetch(struct strads_mf_sgd *sgd, int block)
{
	const struct strads_mf *mf = sgd->mf;
	int status;

	if (!sgd->asked) {
		sgd->counter = (struct strads_counter){0};
		status =
		    strads_get(mf->fabric, strads_mf_sgd_holder(sgd, block), sgd->copy[sgd->held],
			       0, strads_region_base(sgd->copy[1 - sgd->held]),
			       strads_mf_sgd_block_rows(mf, block) * sgd->row_bytes, &sgd->counter);
		if (status)
			return status;
		sgd->asked = true;
	}
	if (sgd->counter.done < sgd->counter.posted)
		return STRADS_AGAIN;
	sgd->asked = false;
	return strads_fabric_explain(mf->fabric, sgd->counter.status);
}

/* ---- A stratum ---------------------------------------------------------------------------- */

/* Goes through own ratings of a block, looking after the fabric now and then. */
static int
stratum_run(struct strads_mf_sgd *sgd, int block, void *items)
{
	const struct strads_mf *mf = sgd->mf;
	bool first_only = sgd->strata < (uint64_t)mf->ranks;
	uint64_t part = PART_WORK / mf->options.factors, done = 0;
	int status = STRADS_OK;

	for (int s = 0; s < sgd->item_tiles; s++)
		for (int x = 0; status == STRADS_OK && x < sgd->user_tiles; x++) {
			struct strads_sgd_tile tile = strads_mf_sgd_tile(
			    sgd, &sgd->train, block, items, x, (s + x) % sgd->item_tiles);

			strads_sgd_step(&sgd->shape, &tile, mf->options.rate, first_only);
			done += tile.n;
			if (done >= part) {
				done = 0;
				status = strads_fabric_progress(mf->fabric);
			}
		}
	return status;
}

int
strads_mf_sgd_push(struct strads_mf *mf, const struct strads_block *block)
{
	struct strads_mf_sgd *sgd = mf->sgd;
	uint64_t ranks = (uint64_t)mf->ranks;
	int due = (int)(((uint64_t)mf->rank + sgd->strata) % ranks);
	bool moves = sgd->strata > 0 && ranks > 1;
	int status = STRADS_OK;

	if (block->arg != sgd->strata % ranks)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: stratum %llu is out of turn",
				   (unsigned long long)block->set, (unsigned long long)block->arg);
	if (moves)
		status = block_fetch(sgd, due);
	if (status)
		return status;
	return stratum_run(sgd, due,
			   strads_region_base(sgd->copy[moves ? 1 - sgd->held : sgd->held]));
}

void
strads_mf_sgd_finish(struct strads_mf *mf)
{
	struct strads_mf_sgd *sgd = mf->sgd;
	uint32_t factors = mf->options.factors;
	uint64_t ranks = (uint64_t)mf->ranks;

	if (sgd->strata > 0 && ranks > 1)
		sgd->held = 1 - sgd->held;
	if (sgd->strata < ranks && factors > STRADS_SGD_FIRST)
		factors = STRADS_SGD_FIRST;
	factors += mf->options.biases;
	sgd->strata++;
	if (sgd->strata % ranks == 0)
		mf->course.updates += 2 * factors * mf->ratings->train_total;
}

/* ---- An evaluation ------------------------------------------------------------------------ */

static double
block_squares(const struct strads_mf_sgd *sgd, const struct strads_mf_sgd_part *part, int block,
	      void *items)
{
	double sum = 0;

	for (int x = 0; x < sgd->user_tiles; x++)
		for (int y = 0; y < sgd->item_tiles; y++) {
			struct strads_sgd_tile tile =
			    strads_mf_sgd_tile(sgd, part, block, items, x, y);

			sum += strads_sgd_squares(&sgd->shape, &tile);
		}
	return sum;
}

int
strads_mf_sgd_look(struct strads_mf *mf, double *train, double *test)
{
	struct strads_mf_sgd *sgd = mf->sgd;
	double unit = sgd->scale * sgd->scale;

	for (; sgd->looked < mf->ranks; sgd->looked++) {
		int block = (strads_mf_sgd_held(sgd) + sgd->looked) % mf->ranks;
		int status = sgd->looked > 0 ? block_fetch(sgd, block) : STRADS_OK;
		void *items =
		    strads_region_base(sgd->copy[sgd->looked > 0 ? 1 - sgd->held : sgd->held]);

		if (status == STRADS_OK)
			status = strads_fabric_progress(mf->fabric);
		if (status)
			return status;
		sgd->train_squares += block_squares(sgd, &sgd->train, block, items);
		sgd->test_squares += block_squares(sgd, &sgd->test, block, items);
	}
	*train = sgd->train_squares * unit;
	*test = sgd->test_squares * unit;
	sgd->train_squares = sgd->test_squares = 0;
	sgd->looked = 0;
	return STRADS_OK;
}

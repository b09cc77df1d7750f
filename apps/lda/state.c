#include "state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "strads/random.h"

/* Topics in a block: its partial, 32 KiB, is less than one message of the usual size. */
#define BLOCK_TOPICS 4096

/* Up to so many topics a number for each of them and of each document is faster than lists. */
#define DENSE_TOPICS 512

/* Of the random numbers that choose documents: a stream of their own. */
#define HOLDOUT_STREAM (UINT64_C(1) << 63)

#define LINE_BYTES 64

/* A huge page, and from how many on an array is asked to lie in such. */
#define HUGE_BYTES ((size_t)2 << 20)
#define HUGE_MANY  4

bool
strads_lda_is_held(const struct strads_lda_options *options, uint64_t document)
{
	uint64_t random = strads_random(options->seed, HOLDOUT_STREAM, document);

	return (double)(random >> 11) * 0x1p-53 < options->holdout;
}

void *
strads_lda_take_lines(struct strads_linear_need *need, uint64_t count, size_t bytes)
{
	size_t all = (count * bytes / LINE_BYTES + 1) * LINE_BYTES;
	size_t align = all >= HUGE_MANY * HUGE_BYTES ? HUGE_BYTES : LINE_BYTES;
	void *memory;

	if (need->status)
		return NULL;
	strads_linear_count(need, 1, all);
	if (need->dry)
		return NULL;
	memory = aligned_alloc(align, (all + align - 1) / align * align);
	/* Rows are read in no order: every one would be a miss of the page table's cache. */
	if (memory && align == HUGE_BYTES)
		(void)madvise(memory, all, MADV_HUGEPAGE);
	if (memory)
		memset(memory, 0, all);
	else
		need->status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for %s: %zu bytes", need->what, all);
	return memory;
}

/* ---- Blocks of topics --------------------------------------------------------------------- */

/* Cuts the topics into blocks, which end where owners change. */
static void
blocks_cut(struct strads_lda *lda)
{
	lda->blocks = 0;
	for (int r = 0; r < lda->ranks; r++) {
		strads_key end = strads_table_first(&lda->table, r + 1);

		for (strads_key at = strads_table_first(&lda->table, r); at < end;
		     at += BLOCK_TOPICS)
			lda->block_at[lda->blocks++] = at;
	}
	lda->block_at[lda->blocks] = lda->table.keys;
}

/* ---- Own tokens --------------------------------------------------------------------------- */

uint64_t
strads_lda_document_tokens(const struct strads_lda *lda, uint32_t d)
{
	const struct strads_documents *documents = lda->documents;
	uint64_t tokens = 0;

	if (strads_lda_is_held(&lda->options, documents->first + d))
		return 0;
	for (uint64_t e = documents->start[d]; e < documents->start[d + 1]; e++)
		tokens += documents->count[e];
	return tokens;
}

/* Brings the tokens into the order of their words' places, in it by document. */
static void
tokens_order(struct strads_lda *lda, uint64_t *place_of)
{
	const struct strads_documents *documents = lda->documents;
	const struct strads_lda_layout *layout = &lda->model->layout;
	uint64_t *next = lda->token_start;

	for (uint64_t i = 0; i < layout->words; i++)
		place_of[layout->word_at[i]] = i;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t d = 0; d < documents->docs; d++) {
			if (strads_lda_is_held(&lda->options, documents->first + d))
				continue;
			for (uint64_t e = documents->start[d]; e < documents->start[d + 1]; e++) {
				uint64_t *at = &next[place_of[documents->word[e]]];

				for (uint32_t i = 0; pass == 1 && i < documents->count[e]; i++)
					lda->doc[*at + i] = d;
				*at += documents->count[e];
			}
		}
		/* Counts become starts; then what are ends become starts again. */
		for (uint64_t i = layout->words; i > 0; i--)
			next[i] = next[i - 1];
		next[0] = 0;
		for (uint64_t i = 0; pass == 0 && i < layout->words; i++)
			next[i + 1] += next[i];
	}
	memset(lda->topic, 0xff, lda->tokens * sizeof *lda->topic);
}

/* ---- The table of documents --------------------------------------------------------------- */

/* Of every document the room for its list, whole chunks: start [documents + 1], or NULL. Returns
 * the room of all. */
static uint64_t
lists_lay(const struct strads_lda *lda, uint64_t *start)
{
	uint64_t end = 0;

	for (uint32_t d = 0; d < lda->documents->docs; d++) {
		uint64_t n = strads_lda_document_tokens(lda, d);

		n = n < lda->options.topics ? n : lda->options.topics;
		end += (n + STRADS_GIBBS_LANES - 1) / STRADS_GIBBS_LANES * STRADS_GIBBS_LANES;
		if (start)
			start[d + 1] = end;
	}
	return end;
}

static void
documents_take(struct strads_lda *lda, struct strads_linear_need *need)
{
	struct strads_gibbs_docs *docs = &lda->docs;
	uint32_t n = lda->documents->docs;
	uint64_t room;

	docs->padded = strads_gibbs_padded(lda->options.topics);
	if (!lda->sparse) {
		docs->dense =
		    strads_lda_take_lines(need, (uint64_t)n * docs->padded, sizeof *docs->dense);
		return;
	}
	docs->start = strads_linear_take(need, (uint64_t)n + 1, sizeof *docs->start);
	docs->n = strads_linear_take(need, n, sizeof *docs->n);
	room = lists_lay(lda, docs->start);
	docs->topic = strads_lda_take_lines(need, room, sizeof *docs->topic);
	docs->count = strads_lda_take_lines(need, room, sizeof *docs->count);
}

static void
gibbs_take(struct strads_lda *lda, struct strads_linear_need *need)
{
	struct strads_gibbs *gibbs = &lda->gibbs;
	uint32_t padded = strads_gibbs_padded(lda->options.topics);

	gibbs->topics = lda->options.topics;
	gibbs->alpha = strads_lda_take_lines(need, padded, sizeof *gibbs->alpha);
	gibbs->total = strads_lda_take_lines(need, padded, sizeof *gibbs->total);
	gibbs->count = strads_lda_take_lines(need, padded, sizeof *gibbs->count);
	gibbs->listed = strads_lda_take_lines(need, padded, sizeof *gibbs->listed);
	gibbs->place = strads_lda_take_lines(need, padded, sizeof *gibbs->place);
	gibbs->share = strads_lda_take_lines(need, padded, sizeof *gibbs->share);
	gibbs->sums = strads_lda_take_lines(need, padded, sizeof *gibbs->sums);
	gibbs->word_part[0] = strads_lda_take_lines(need, padded / 16, sizeof *gibbs->word_part[0]);
	gibbs->word_part[1] =
	    strads_lda_take_lines(need, padded / 256 + 1, sizeof *gibbs->word_part[1]);
	for (int l = 0; lda->sparse && l < STRADS_GIBBS_LEVELS; l++) {
		size_t n = strads_gibbs_level(lda->options.topics, l);

		if (n > 0)
			gibbs->level[l] = strads_lda_take_lines(need, n, sizeof *gibbs->level[l]);
	}
}

/* ---- All ---------------------------------------------------------------------------------- */

static int
sampler_choose(struct strads_lda *lda, const void *longest, int ranks)
{
	uint64_t most = 0;

	for (int r = 0; r < ranks; r++)
		most =
		    ((const uint64_t *)longest)[r] > most ? ((const uint64_t *)longest)[r] : most;
	if (lda->options.sampler == STRADS_LDA_DENSE && most > UINT16_MAX)
		return strads_fail(STRADS_ERR_INPUT,
				   "a document has %llu tokens, the dense sampler counts to 65535: "
				   "take the sparse one",
				   (unsigned long long)most);
	lda->sparse = lda->options.sampler == STRADS_LDA_SPARSE ||
		      (lda->options.sampler == STRADS_LDA_ANY &&
		       (lda->options.topics > DENSE_TOPICS || most > UINT16_MAX));
	return STRADS_OK;
}

/* All ranks take the same sampler. */
static int
sampler_agree(struct strads_lda *lda)
{
	struct strads_job *job = strads_fabric_job(lda->fabric);
	uint64_t longest = 0;
	void *all = NULL;
	int status;

	for (uint32_t d = 0; d < lda->documents->docs; d++) {
		uint64_t tokens = strads_lda_document_tokens(lda, d);

		longest = tokens > longest ? tokens : longest;
	}
	status = strads_job_gather(job, STRADS_OK, &longest, sizeof longest, &all);
	if (status == STRADS_OK)
		status = sampler_choose(lda, all, strads_job_size(job));
	free(all);
	return status;
}

static void
tables_take(struct strads_lda *lda, struct strads_linear_need *need)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	uint32_t topics = lda->options.topics;
	uint64_t words = layout->words, *place_of;

	lda->base = strads_linear_take(need, topics, sizeof *lda->base);
	lda->row_topic = strads_linear_take(need, topics, sizeof *lda->row_topic);
	lda->row_count = strads_linear_take(need, topics, sizeof *lda->row_count);
	lda->coming = strads_linear_take(need, layout->parts, sizeof *lda->coming);
	lda->token_start = strads_linear_take(need, words + 1, sizeof *lda->token_start);
	lda->doc = strads_linear_take(need, lda->tokens, sizeof *lda->doc);
	lda->topic = strads_linear_take(need, lda->tokens, sizeof *lda->topic);
	place_of = strads_linear_take(need, words, sizeof *place_of);
	if (place_of)
		tokens_order(lda, place_of);
	free(place_of);
}

int
strads_lda_state_plan(struct strads_lda *lda)
{
	struct strads_linear_need need = {.what = "planning"};
	uint32_t topics = lda->options.topics;
	int status = sampler_agree(lda);

	if (status != STRADS_OK)
		return status;
	lda->table = (struct strads_table){.keys = topics, .ranks = lda->ranks};
	lda->block_at = strads_linear_take(&need, topics / BLOCK_TOPICS + (uint64_t)lda->ranks + 2,
					   sizeof *lda->block_at);
	if (need.status == STRADS_OK)
		blocks_cut(lda);
	strads_lda_held_plan(lda, &need);
	lda->progress.memory_bytes = need.bytes;
	return strads_job_agree(strads_fabric_job(lda->fabric), need.status);
}

int
strads_lda_state_take(struct strads_lda *lda, struct strads_linear_need *need)
{
	uint64_t inbox = lda->model->layout.capacity * sizeof(uint32_t);

	tables_take(lda, need);
	gibbs_take(lda, need);
	documents_take(lda, need);
	strads_lda_prior_take(lda, need);
	strads_lda_held_take(lda, need);
	strads_lda_replicas_take(lda, need);
	if (lda->ranks > 1 || lda->options.mode == STRADS_LDA_REPLICAS || lda->held.docs > 0) {
		strads_linear_count(need, 1, inbox);
		if (need->status == STRADS_OK && !need->dry)
			need->status =
			    strads_region_new(lda->fabric, STRADS_LOCAL, inbox, &lda->inbox);
	}
	if (need->status == STRADS_OK && !need->dry)
		strads_lda_prior_start(lda);
	return need->status;
}

void
strads_lda_state_give(struct strads_lda *lda)
{
	struct strads_gibbs *gibbs = &lda->gibbs;

	if (lda->inbox)
		strads_region_delete(&lda->inbox);
	strads_lda_replicas_give(&lda->replicas);
	strads_lda_held_give(&lda->held);
	strads_lda_prior_give(&lda->prior);
	free(lda->docs.count);
	free(lda->docs.topic);
	free(lda->docs.n);
	free(lda->docs.start);
	free(lda->docs.dense);
	for (int l = 0; l < STRADS_GIBBS_LEVELS; l++)
		free(gibbs->level[l]);
	free(gibbs->sums);
	free(gibbs->share);
	free(gibbs->word_part[1]);
	free(gibbs->word_part[0]);
	free(gibbs->place);
	free(gibbs->listed);
	free(gibbs->count);
	free(gibbs->total);
	free(gibbs->alpha);
	free(lda->topic);
	free(lda->doc);
	free(lda->token_start);
	free(lda->coming);
	free(lda->row_count);
	free(lda->row_topic);
	free(lda->base);
	free(lda->block_at);
}

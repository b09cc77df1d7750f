/*
 * The topics of the tokens once the sampling is over, kept where peers can read them.
 */
#include "../data/fetch.h"
#include "state.h"

#include <assert.h>
#include <stdlib.h>

/* Read at a time. */
#define WINDOW_TOKENS ((size_t)1 << 16)

static_assert(sizeof(struct strads_lda_token) == 3 * sizeof(uint32_t), "read as three numbers");

/* Where each word's tokens are: place_of [V]; and where those of each document go: next [docs]. */
static void
places_find(const struct strads_lda *lda, uint64_t *place_of, uint64_t *next)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	uint64_t at = 0;

	for (uint64_t i = 0; i < layout->words; i++)
		place_of[layout->word_at[i]] = i;
	for (uint64_t i = 0; i < lda->tokens; i++)
		next[lda->doc[i]]++;
	for (uint32_t d = 0; d < lda->documents->docs; d++) {
		uint64_t n = next[d];

		next[d] = at;
		at += n;
	}
}

/* By document, in it by word. */
static void
tokens_write(const struct strads_lda *lda, const uint64_t *place_of, uint64_t *next,
	     struct strads_lda_token *token)
{
	for (uint64_t w = 0; w < lda->model->layout.words; w++) {
		uint64_t end = lda->token_start[place_of[w] + 1];

		for (uint64_t i = lda->token_start[place_of[w]]; i < end; i++)
			token[next[lda->doc[i]]++] =
			    (struct strads_lda_token){lda->doc[i], (uint32_t)w, lda->topic[i]};
	}
}

int
strads_lda_assignments_keep(struct strads_lda *lda)
{
	struct strads_lda_model *model = lda->model;
	uint64_t *place_of = calloc(model->layout.words + 1, sizeof *place_of);
	uint64_t *next = calloc((size_t)lda->documents->docs + 1, sizeof *next);
	int status;

	/* One more, so that there is something to read in any case. */
	if (place_of && next)
		status = strads_region_new(lda->fabric, STRADS_REMOTE_READ,
					   (lda->tokens + 1) * sizeof(struct strads_lda_token),
					   &model->assignments);
	else
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to sort %llu tokens",
				     (unsigned long long)lda->tokens);
	if (status == STRADS_OK && place_of && next) {
		places_find(lda, place_of, next);
		tokens_write(lda, place_of, next, strads_region_base(model->assignments));
	}
	free(next);
	free(place_of);
	return status;
}

static int
tokens_check(const struct strads_lda_model *model, const struct strads_lda_token *token, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (token[i].word >= model->layout.words || token[i].topic >= model->topics)
			return strads_fail(STRADS_ERR_PROTOCOL,
					   "a rank tells of word %u and topic %u: there are %llu "
					   "and %u",
					   token[i].word, token[i].topic,
					   (unsigned long long)model->layout.words, model->topics);
	return STRADS_OK;
}

int
strads_lda_model_tokens(struct strads_lda_model *model, int rank, strads_lda_take *take, void *arg)
{
	const size_t bytes = sizeof(struct strads_lda_token);
	uint64_t tokens = strads_region_bytes(model->assignments, rank) / bytes - 1;
	struct strads_region *window = NULL;
	int status = strads_region_new(model->fabric, STRADS_LOCAL, WINDOW_TOKENS * bytes, &window);

	for (uint64_t at = 0; status == STRADS_OK && at < tokens; at += WINDOW_TOKENS) {
		size_t n = tokens - at < WINDOW_TOKENS ? tokens - at : WINDOW_TOKENS;
		const struct strads_lda_token *token = strads_region_base(window);

		status = strads_fetch(model->fabric, rank, model->assignments, at * bytes,
				      strads_region_base(window), n * bytes);
		if (status == STRADS_OK)
			status = tokens_check(model, token, n);
		if (status == STRADS_OK)
			status = take(arg, model->first_document[rank], token, n);
	}
	if (window)
		strads_region_delete(&window);
	return status;
}

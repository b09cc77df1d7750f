#include "lda_assignments.h"

#include "../data/output.h"

static int
tokens_put(void *arg, uint64_t first_document, const struct strads_lda_token *token, size_t n)
{
	struct strads_output *output = arg;

	for (size_t i = 0; i < n; i++) {
		char *to = strads_output_room(output);

		to = strads_output_digits(to, first_document + token[i].document);
		*to++ = ' ';
		to = strads_output_digits(to, token[i].word);
		*to++ = ' ';
		to = strads_output_digits(to, token[i].topic);
		*to++ = '\n';
		strads_output_wrote(output, to);
	}
	return output->status;
}

int
strads_lda_assignments_save(struct strads_lda_model *model, int ranks, const char *path)
{
	struct strads_output output;
	int status = strads_output_open(&output, path), closed;

	if (status != STRADS_OK)
		return status;
	for (int r = 0; status == STRADS_OK && r < ranks; r++)
		status = strads_lda_model_tokens(model, r, tokens_put, &output);
	closed = strads_output_close(&output, status == STRADS_OK);
	return status != STRADS_OK ? status : closed;
}

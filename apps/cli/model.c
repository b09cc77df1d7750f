#include "model.h"

#include "file.h"
#include "model_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
strads_model_family(enum strads_linear_family family)
{
	return family == STRADS_LINEAR_LOGISTIC ? "logistic" : "squared";
}

/* The intercept, then the nonzeros, a line each. */
static void
write_coefficients(FILE *out, const struct strads_linear_model *model)
{
	fprintf(out, "intercept %.17g\n", model->intercept);
	for (uint64_t k = 0; k < model->count; k++) {
		if (model->base)
			fprintf(out, "%" PRIu64 "*%" PRIu64 " %.17g\n",
				model->index[k] / model->base + 1,
				model->index[k] % model->base + 1, model->value[k]);
		else
			fprintf(out, "%" PRIu64 " %.17g\n", model->index[k] + 1, model->value[k]);
	}
}

/* A path that nobody chose from is written whole. */
static void
write_text(FILE *out, const struct strads_linear_model *model, const struct strads_fit_path *fit)
{
	if (!fit || fit->cross.count > 0) {
		write_coefficients(out, model);
		return;
	}
	for (uint64_t k = 0; k < fit->path.count; k++) {
		fprintf(out, "lambda %.17g\n", fit->path.point[k].at.lambda);
		write_coefficients(out, &fit->path.point[k].model);
	}
}

int
strads_model_text(const struct strads_linear_model *model, const struct strads_model_about *about,
		  void **image, size_t *bytes)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int bad;

	if (!out)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the text of the model");
	/* Of a Lasso nothing is said, as ever. */
	if (about->family != STRADS_LINEAR_SQUARED)
		fprintf(out, "family %s\n", strads_model_family(about->family));
	write_text(out, model, about->path);
	bad = ferror(out);
	if (fclose(out) || bad) {
		free(text);
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the text of the model");
	}
	*image = text;
	*bytes = size;
	return STRADS_OK;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

int
strads_model_save(const char *path, const struct strads_linear_model *model,
		  const struct strads_model_about *about)
{
	void *image = NULL;
	size_t bytes = 0;
	int status;

	if (ends_with(path, ".h5"))
		status = strads_model_hdf5(model, about, &image, &bytes);
	else
		status = strads_model_text(model, about, &image, &bytes);
	if (status)
		return status;
	status = strads_file_replace(path, "model", image, bytes);
	free(image);
	return status;
}

#include "recommend_model.h"

#include <stdlib.h>
#include <string.h>

#define CLOSED                                                                                     \
	{                                                                                          \
		.set = H5I_INVALID_HID, .space = H5I_INVALID_HID, .type = H5I_INVALID_HID          \
	}

static int
damaged(const struct strads_recommend_model *model)
{
	return strads_fail(STRADS_ERR_IO, "%s: HDF5 cannot read it: the file is damaged",
			   model->path);
}

/* A column of numbers for each of the rows. */
static bool
is_column(const struct strads_hdf5_set *set, uint64_t rows)
{
	return !set->text && set->rows == rows && set->columns == 1;
}

static bool
biases_open(struct strads_recommend_model *model)
{
	uint64_t biases = 0;

	if (!strads_hdf5_get_count(model->file, "biases", &biases) || biases == 0)
		return true;
	model->biases = true;
	return strads_hdf5_get_real(model->file, "mean", &model->mean) &&
	       strads_hdf5_set_open(model->file, "user_bias", &model->user_bias) &&
	       strads_hdf5_set_open(model->file, "item_bias", &model->item_bias) &&
	       is_column(&model->user_bias, model->user_count) &&
	       is_column(&model->item_bias, model->item_count);
}

/* Whether the data sets are there and fit each other. */
static bool
sets_open(struct strads_recommend_model *model)
{
	if (!strads_hdf5_set_open(model->file, "users", &model->users) ||
	    !strads_hdf5_set_open(model->file, "items", &model->items) ||
	    !strads_hdf5_set_open(model->file, "W", &model->w) ||
	    !strads_hdf5_set_open(model->file, "H", &model->h))
		return false;
	model->user_count = model->w.rows;
	model->item_count = model->h.rows;
	model->factors = (uint32_t)model->w.columns;
	return model->users.text && model->users.columns == 1 && model->items.text &&
	       model->items.columns == 1 && model->users.rows == model->user_count &&
	       model->items.rows == model->item_count && !model->w.text && !model->h.text &&
	       model->factors > 0 && model->w.columns <= UINT32_MAX &&
	       model->h.columns == model->w.columns && biases_open(model);
}

int
strads_recommend_model_open(const char *path, struct strads_recommend_model *model)
{
	struct strads_recommend_model new = {.path = path,
					     .users = CLOSED,
					     .items = CLOSED,
					     .w = CLOSED,
					     .h = CLOSED,
					     .user_bias = CLOSED,
					     .item_bias = CLOSED};
	char format[32] = "";
	int status = strads_hdf5_open(path, &new.file);

	if (status)
		return status;
	if (!strads_hdf5_get_text(new.file, "format", format, sizeof format) ||
	    strcmp(format, "strads-mf-1") != 0)
		status = strads_fail(STRADS_ERR_INPUT,
				     "%s is no factorization: name a model of `strads mf`", path);
	else if (!sets_open(&new))
		status = strads_fail(STRADS_ERR_INPUT,
				     "%s: factors and ids do not fit each other: the file is "
				     "damaged",
				     path);
	if (status)
		strads_recommend_model_close(&new);
	else
		*model = new;
	return status;
}

void
strads_recommend_model_close(struct strads_recommend_model *model)
{
	if (!model->path)
		return;
	strads_hdf5_set_close(&model->item_bias);
	strads_hdf5_set_close(&model->user_bias);
	strads_hdf5_set_close(&model->h);
	strads_hdf5_set_close(&model->w);
	strads_hdf5_set_close(&model->items);
	strads_hdf5_set_close(&model->users);
	H5Fclose(model->file);
	model->path = NULL;
}

/* ---- Ids ---------------------------------------------------------------------------------- */

typedef int take_word(void *arg, const char *word, size_t length, uint64_t row);

/* Gives every id of a data set, a part of it in memory at a time. */
static int
words_read(const struct strads_recommend_model *model, const struct strads_hdf5_set *set,
	   take_word *take, void *arg)
{
	char *texts = malloc(STRADS_RECOMMEND_ROWS * set->bytes);
	int status = STRADS_OK;

	if (!texts)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for ids");
	for (hsize_t at = 0; !status && at < set->rows; at += STRADS_RECOMMEND_ROWS) {
		hsize_t left = set->rows - at;
		hsize_t n = left < STRADS_RECOMMEND_ROWS ? left : STRADS_RECOMMEND_ROWS;

		if (!strads_hdf5_set_read(set, at, n, H5I_INVALID_HID, texts))
			status = damaged(model);
		for (hsize_t i = 0; !status && i < n; i++) {
			const char *word = texts + i * set->bytes;

			status = take(arg, word, strnlen(word, set->bytes), at + i);
		}
	}
	free(texts);
	return status;
}

struct search {
	const struct strads_names *names;
	uint64_t *row;
};

static int
compare_word(void *arg, const char *word, size_t length, uint64_t row)
{
	struct search *search = arg;
	uint32_t number;

	if (strads_names_find(search->names, word, length, &number))
		search->row[number] = row;
	return STRADS_OK;
}

int
strads_recommend_model_find(const struct strads_recommend_model *model,
			    const struct strads_names *names, uint64_t *row)
{
	struct search search = {names, row};

	for (size_t i = 0; i < names->count; i++)
		row[i] = UINT64_MAX;
	return words_read(model, &model->users, compare_word, &search);
}

struct addition {
	const struct strads_recommend_model *model;
	struct strads_names *names;
};

static int
add_word(void *arg, const char *word, size_t length, uint64_t row)
{
	struct addition *addition = arg;
	uint32_t number = 0;
	int status =
	    length > 0 ? strads_names_add(addition->names, word, length, &number) : STRADS_OK;

	if (status || (length > 0 && number == row))
		return status;
	return strads_fail(STRADS_ERR_INPUT, "%s: item %llu has an empty id, or that of another",
			   addition->model->path, (unsigned long long)row);
}

int
strads_recommend_model_items(const struct strads_recommend_model *model, struct strads_names *names)
{
	struct addition addition = {model, names};

	return words_read(model, &model->items, add_word, &addition);
}

/* ---- Factors ------------------------------------------------------------------------------ */

/* Some rows of factors, and of the biases if there are any. */
static int
rows_read(const struct strads_recommend_model *model, const struct strads_hdf5_set *factors,
	  const struct strads_hdf5_set *biases, uint64_t first, uint32_t n, double *rows,
	  double *bias)
{
	memset(bias, 0, n * sizeof *bias);
	if (!strads_hdf5_set_read(factors, first, n, H5T_NATIVE_DOUBLE, rows) ||
	    (model->biases && !strads_hdf5_set_read(biases, first, n, H5T_NATIVE_DOUBLE, bias)))
		return damaged(model);
	return STRADS_OK;
}

int
strads_recommend_model_user(const struct strads_recommend_model *model, uint64_t row, double *w,
			    double *bias)
{
	return rows_read(model, &model->w, &model->user_bias, row, 1, w, bias);
}

int
strads_recommend_model_rows(const struct strads_recommend_model *model, uint64_t first, uint32_t n,
			    double *h, double *biases)
{
	return rows_read(model, &model->h, &model->item_bias, first, n, h, biases);
}

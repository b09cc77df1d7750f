#include "lda_known.h"

#include "hdf5_get.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	const char *path;
	hid_t file;
	struct strads_lda_known *known;
};

static int
misfit(const struct reading *reading, const char *what)
{
	return strads_fail(STRADS_ERR_INPUT, "%s: %s: the file is damaged", reading->path, what);
}

/* A column of numbers as a new array of `rows`, or of any number if *rows is UINT64_MAX. */
static int
column_read(const struct reading *reading, const char *name, hid_t as, size_t bytes, uint64_t *rows,
	    void *values)
{
	struct strads_hdf5_set set;
	void *new = NULL;
	int status = STRADS_OK;

	if (!strads_hdf5_set_open(reading->file, name, &set))
		return strads_fail(STRADS_ERR_INPUT, "%s has no data set %s: the file is damaged",
				   reading->path, name);
	if (set.text || set.columns != 1 || (*rows != UINT64_MAX && set.rows != *rows))
		status = strads_fail(STRADS_ERR_INPUT,
				     "%s: data set %s is not of the size it should be: the file "
				     "is damaged",
				     reading->path, name);
	if (status == STRADS_OK) {
		new = calloc(set.rows + 1, bytes);
		if (!new)
			status = strads_fail(STRADS_ERR_MEMORY, "no memory for the model %s",
					     reading->path);
		else if (!strads_hdf5_set_read(&set, 0, set.rows, as, new))
			status = strads_fail(STRADS_ERR_IO,
					     "%s: HDF5 cannot read %s: the file is damaged",
					     reading->path, name);
	}
	*rows = set.rows;
	strads_hdf5_set_close(&set);
	if (status == STRADS_OK)
		memcpy(values, &new, sizeof new);
	else
		free(new);
	return status;
}

static int
priors_read(const struct reading *reading)
{
	struct strads_lda_known *known = reading->known;
	uint64_t topics = known->topics;
	int status = column_read(reading, "alpha", H5T_NATIVE_DOUBLE, sizeof *known->alpha, &topics,
				 &known->alpha);

	if (status == STRADS_OK)
		status = column_read(reading, "totals", H5T_NATIVE_INT32, sizeof *known->total,
				     &topics, &known->total);
	for (uint64_t k = 0; status == STRADS_OK && k < topics; k++)
		if (!(known->alpha[k] > 0 && isfinite(known->alpha[k])) || known->total[k] < 0)
			status = misfit(reading, "an alpha is not above 0, or a count below");
	if (status == STRADS_OK && (!strads_hdf5_get_real(reading->file, "beta", &known->beta) ||
				    !(known->beta > 0 && isfinite(known->beta))))
		status = misfit(reading, "there is no beta above 0");
	return status;
}

/* The words' counts must be those that the totals add up. */
static int
words_check(const struct reading *reading, uint64_t entries)
{
	const struct strads_lda_known *known = reading->known;
	const struct strads_lda_table *words = &known->words;
	int64_t *left = calloc(known->topics, sizeof *left);
	bool sound = words->start[0] == 0 && words->start[words->rows] == entries;

	if (!left)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the model %s", reading->path);
	for (uint32_t k = 0; k < known->topics; k++)
		left[k] = known->total[k];
	for (uint64_t w = 0; sound && w < words->rows; w++)
		sound = words->start[w] <= words->start[w + 1];
	for (uint64_t e = 0; sound && e < entries; e++) {
		sound = words->topic[e] < known->topics && words->count[e] > 0;
		if (sound)
			left[words->topic[e]] -= words->count[e];
	}
	for (uint32_t k = 0; k < known->topics; k++)
		sound = sound && left[k] == 0;
	free(left);
	return sound ? STRADS_OK : misfit(reading, "its tables do not fit each other");
}

static int
words_read(const struct reading *reading)
{
	struct strads_lda_table *words = &reading->known->words;
	uint64_t starts = UINT64_MAX, entries = UINT64_MAX;
	int status = column_read(reading, "words/start", H5T_NATIVE_UINT64, sizeof *words->start,
				 &starts, &words->start);

	if (status == STRADS_OK && (starts < 2 || starts > UINT32_MAX))
		return misfit(reading, "it has no words, or too many");
	words->rows = starts - 1;
	if (status == STRADS_OK)
		status = column_read(reading, "words/topic", H5T_NATIVE_UINT32,
				     sizeof *words->topic, &entries, &words->topic);
	if (status == STRADS_OK)
		status = column_read(reading, "words/count", H5T_NATIVE_UINT32,
				     sizeof *words->count, &entries, &words->count);
	return status == STRADS_OK ? words_check(reading, entries) : status;
}

static int
names_take(const struct reading *reading, const struct strads_hdf5_set *set, const char *texts)
{
	struct strads_names *names = &reading->known->vocabulary;

	for (uint64_t w = 0; w < set->rows; w++) {
		const char *word = texts + w * set->bytes;
		size_t length = strnlen(word, set->bytes);
		uint32_t number = 0;
		int status =
		    length > 0 ? strads_names_add(names, word, length, &number) : STRADS_OK;

		if (status != STRADS_OK)
			return status;
		if (length == 0 || number != w)
			return misfit(reading, "a word is empty, or that of another");
	}
	return STRADS_OK;
}

/* The vocabulary, where there is one. */
static int
vocabulary_read(const struct reading *reading)
{
	struct strads_hdf5_set set;
	char *texts = NULL;
	int status;

	if (H5Lexists(reading->file, "vocabulary", H5P_DEFAULT) <= 0)
		return STRADS_OK;
	if (!strads_hdf5_set_open(reading->file, "vocabulary", &set))
		return misfit(reading, "its vocabulary cannot be read");
	if (!set.text || set.columns != 1 || set.rows != reading->known->words.rows)
		status = misfit(reading, "its vocabulary is not of its words");
	else if (!(texts = malloc(set.rows * set.bytes + 1)))
		status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for the model %s", reading->path);
	else if (!strads_hdf5_set_read(&set, 0, set.rows, H5I_INVALID_HID, texts))
		status = misfit(reading, "its vocabulary cannot be read");
	else
		status = names_take(reading, &set, texts);
	free(texts);
	strads_hdf5_set_close(&set);
	return status;
}

static int
all_read(const struct reading *reading)
{
	char format[32] = "";
	uint64_t topics = 0;
	int status;

	if (!strads_hdf5_get_text(reading->file, "format", format, sizeof format) ||
	    strcmp(format, "strads-lda-1") != 0)
		return strads_fail(STRADS_ERR_INPUT, "%s: name a model of `strads lda`",
				   reading->path);
	if (!strads_hdf5_get_count(reading->file, "topics", &topics) || topics < 1 ||
	    topics > STRADS_LDA_TOPICS_MAX)
		return misfit(reading, "its number of topics is none");
	reading->known->topics = (uint32_t)topics;
	status = priors_read(reading);
	if (status == STRADS_OK)
		status = words_read(reading);
	return status == STRADS_OK ? vocabulary_read(reading) : status;
}

int
strads_lda_known_read(const char *path, struct strads_lda_known *known)
{
	struct strads_lda_known new = {0};
	struct reading reading = {.path = path, .known = &new};
	int status = strads_hdf5_open(path, &reading.file);

	if (status != STRADS_OK)
		return status;
	status = all_read(&reading);
	H5Fclose(reading.file);
	if (status == STRADS_OK)
		*known = new;
	else
		strads_lda_known_free(&new);
	return status;
}

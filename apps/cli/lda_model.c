#include "lda_model.h"

#include "../data/grow.h"
#include "hdf5_put.h"

#include <stdlib.h>
#include <string.h>

/* What is being written. */
struct saving {
	const struct strads_lda_saved *saved;
	int status; /* of what failed beside HDF5 */
};

/* A group of that name: where each row starts, topics and counts. */
static bool
put_table(hid_t file, const char *name, const struct strads_lda_table *table)
{
	uint64_t entries = table->start[table->rows];
	hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	bool done = group >= 0 &&
		    strads_hdf5_put_array(group, "start", H5T_STD_U64LE, H5T_NATIVE_UINT64,
					  table->rows + 1, table->start) &&
		    strads_hdf5_put_array(group, "topic", H5T_STD_U32LE, H5T_NATIVE_UINT32, entries,
					  table->topic) &&
		    strads_hdf5_put_array(group, "count", H5T_STD_U32LE, H5T_NATIVE_UINT32, entries,
					  table->count);

	if (group >= 0)
		H5Gclose(group);
	return done;
}

/* Rows of which some come after the other. */
struct pile {
	struct strads_lda_table table;
	size_t start_room, topic_room, count_room;
};

static int
pile_add(struct pile *pile, const struct strads_lda_table *more)
{
	struct strads_lda_table *all = &pile->table;
	uint64_t have = all->rows ? all->start[all->rows] : 0, add = more->start[more->rows];
	int status = strads_grow((void **)&all->start, &pile->start_room,
				 all->rows + more->rows + 1, sizeof *all->start);

	if (status == STRADS_OK)
		status = strads_grow((void **)&all->topic, &pile->topic_room, have + add + 1,
				     sizeof *all->topic);
	if (status == STRADS_OK)
		status = strads_grow((void **)&all->count, &pile->count_room, have + add + 1,
				     sizeof *all->count);
	if (status != STRADS_OK || !all->start || !all->topic || !all->count)
		return status;
	memcpy(all->topic + have, more->topic, add * sizeof *all->topic);
	memcpy(all->count + have, more->count, add * sizeof *all->count);
	for (uint64_t i = 0; i <= more->rows; i++)
		all->start[all->rows + i] = have + more->start[i];
	all->rows += more->rows;
	return STRADS_OK;
}

/* The documents of all ranks, which follow each other. */
static bool
put_documents(struct saving *saving, hid_t file)
{
	const struct strads_lda_saved *saved = saving->saved;
	struct pile all = {0};
	bool done = false;

	for (int r = 0; saving->status == STRADS_OK && r < saved->result->ranks; r++) {
		struct strads_lda_table part = {0};
		uint64_t first;

		saving->status = strads_lda_model_documents(saved->model, r, &first, &part);
		if (saving->status == STRADS_OK)
			saving->status = pile_add(&all, &part);
		strads_lda_table_free(&part);
	}
	if (saving->status == STRADS_OK && all.table.start)
		done = put_table(file, "documents", &all.table);
	strads_lda_table_free(&all.table);
	return done;
}

static bool
put_all(hid_t file, void *arg, int *why)
{
	struct saving *saving = arg;
	const struct strads_lda_saved *saved = saving->saved;
	const struct strads_lda_settings *settings = saved->settings;
	const struct strads_lda_result *result = saved->result;
	bool done =
	    strads_hdf5_put_text(file, "format", "strads-lda-1") &&
	    strads_hdf5_put_count(file, "topics", settings->topics) &&
	    strads_hdf5_put_real(file, "alpha",
				 result->last.alpha_sum / (double)settings->topics) &&
	    strads_hdf5_put_real(file, "beta", strads_lda_model_beta(saved->model)) &&
	    strads_hdf5_put_count(file, "seed", settings->seed) &&
	    strads_hdf5_put_count(file, "sweeps", result->last.sweeps) &&
	    strads_hdf5_put_real(file, "log_likelihood", result->last.log_likelihood) &&
	    strads_hdf5_put_real(file, "heldout_perplexity", result->last.perplexity) &&
	    strads_hdf5_put_real(file, "mean_coherence", result->coherence) &&
	    strads_hdf5_put_text(file, "status", result->status) &&
	    strads_hdf5_put_array(file, "totals", H5T_STD_I32LE, H5T_NATIVE_INT32, settings->topics,
				  strads_lda_model_totals(saved->model)) &&
	    strads_hdf5_put_array(file, "alpha", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
				  settings->topics, strads_lda_model_alpha(saved->model)) &&
	    strads_hdf5_put_array(file, "coherence", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
				  settings->topics, saved->coherence) &&
	    (saved->vocabulary->count == 0 ||
	     strads_hdf5_put_names(file, "vocabulary", saved->vocabulary)) &&
	    put_table(file, "words", saved->words) && put_documents(saving, file);

	*why = saving->status;
	return done;
}

int
strads_lda_model_save(const struct strads_lda_saved *saved)
{
	struct saving saving = {saved, STRADS_OK};

	return strads_hdf5_save(saved->settings->model, put_all, &saving);
}

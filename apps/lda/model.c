#include "../data/fetch.h"
#include "rows.h"
#include "state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a rank's table of documents begins with. */
struct table_head {
	uint64_t documents, entries;
};

static_assert(sizeof(struct table_head) == 2 * sizeof(uint64_t), "read as two numbers");

/* Of such a table. */
static size_t
documents_bytes(uint64_t documents, uint64_t entries)
{
	return sizeof(struct table_head) + (documents + 1) * sizeof(uint64_t) +
	       2 * entries * sizeof(uint32_t);
}

/* ---- Making ------------------------------------------------------------------------------- */

static int
tables_new(struct strads_lda_model *model)
{
	const struct strads_lda_layout *layout = &model->layout;
	int status = strads_lda_layout_make(&model->layout);

	if (status != STRADS_OK)
		return status;
	model->length = calloc((size_t)layout->blocks * layout->parts, sizeof *model->length);
	model->total = calloc(model->topics, sizeof *model->total);
	model->alpha = calloc(model->topics, sizeof *model->alpha);
	if (!model->length || !model->total || !model->alpha)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the totals of %u topics",
				   model->topics);
	return STRADS_OK;
}

int
strads_lda_model_new(struct strads_lda *lda, uint64_t *count, struct strads_lda_model **model)
{
	struct strads_lda_model *made = calloc(1, sizeof *made);
	int status;

	if (made) {
		*made = (struct strads_lda_model){
		    .fabric = lda->fabric,
		    .rank = lda->rank,
		    .ranks = lda->ranks,
		    .topics = lda->options.topics,
		    .layout = {.words = lda->documents->words,
			       .blocks = lda->ranks,
			       .parts = lda->options.parts,
			       .topics = lda->options.topics,
			       .changes = lda->options.mode == STRADS_LDA_REPLICAS,
			       .count = count},
		};
		status = tables_new(made);
	} else {
		free(count);
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for a model");
	}
	status = strads_job_agree(strads_fabric_job(lda->fabric), status);
	if (status == STRADS_OK)
		*model = made;
	else
		strads_lda_model_delete(&made);
	return status;
}

static size_t
words_bytes(const struct strads_lda_layout *layout)
{
	return 2 * layout->capacity * sizeof(uint32_t);
}

uint64_t
strads_lda_model_bytes(const struct strads_lda *lda)
{
	const struct strads_lda_model *model = lda->model;
	const struct strads_lda_layout *layout = &model->layout;
	uint64_t parts = (uint64_t)layout->blocks * layout->parts, entries = 0;

	for (uint32_t d = 0; d < lda->documents->docs; d++) {
		uint64_t n = strads_lda_document_tokens(lda, d);

		entries += n < model->topics ? n : model->topics;
	}
	return strads_lda_layout_bytes(layout) + words_bytes(layout) +
	       parts * sizeof *model->length +
	       model->topics * (sizeof *model->total + sizeof *model->alpha) +
	       documents_bytes(lda->documents->docs, entries);
}

int
strads_lda_model_wire(struct strads_lda_model *model)
{
	int status = strads_region_new(model->fabric, STRADS_REMOTE_READ,
				       words_bytes(&model->layout), &model->words);

	status = strads_job_agree(strads_fabric_job(model->fabric), status);
	return status == STRADS_OK ? strads_fabric_wire(model->fabric) : status;
}

void
strads_lda_model_delete(struct strads_lda_model **model)
{
	struct strads_lda_model *gone = *model;

	if (!gone)
		return;
	*model = NULL;
	if (gone->assignments)
		strads_region_delete(&gone->assignments);
	if (gone->documents)
		strads_region_delete(&gone->documents);
	if (gone->words)
		strads_region_delete(&gone->words);
	strads_lda_layout_free(&gone->layout);
	free(gone->first_document);
	free(gone->alpha);
	free(gone->total);
	free(gone->length);
	free(gone);
}

/* ---- Documents, to be read by peers ------------------------------------------------------- */

static int
by_number(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* The counts above 0 of a document as topic << 32 | count, by topic; returns how many. */
static uint32_t
document_list(const struct strads_lda *lda, uint32_t d, uint64_t *key)
{
	const struct strads_gibbs_docs *docs = &lda->docs;
	uint32_t n = 0, most = docs->dense ? lda->options.topics : docs->n[d];

	for (uint32_t i = 0; i < most; i++) {
		uint64_t at = docs->dense ? (uint64_t)d * docs->padded + i : docs->start[d] + i;
		uint64_t topic = docs->dense ? i : docs->topic[at];
		uint32_t count = docs->dense ? docs->dense[at] : docs->count[at];

		if (count > 0)
			key[n++] = topic << 32 | count;
	}
	if (!docs->dense)
		qsort(key, n, sizeof *key, by_number);
	return n;
}

/* Writes the table of documents, as struct strads_lda_table has it, behind its head. */
static int
documents_write(struct strads_lda *lda, uint64_t *key)
{
	uint32_t docs = lda->documents->docs;
	uint64_t entries = 0, *start;
	struct table_head *head;
	uint32_t *topic, *count;
	int status;

	for (uint32_t d = 0; d < docs; d++)
		entries += document_list(lda, d, key);
	status = strads_region_new(lda->fabric, STRADS_REMOTE_READ, documents_bytes(docs, entries),
				   &lda->model->documents);
	if (status != STRADS_OK)
		return status;
	head = strads_region_base(lda->model->documents);
	*head = (struct table_head){docs, entries};
	start = (uint64_t *)(head + 1);
	topic = (uint32_t *)(start + docs + 1);
	count = topic + entries;
	for (uint32_t d = 0; d < docs; d++) {
		uint32_t n = document_list(lda, d, key);

		for (uint32_t i = 0; i < n; i++) {
			topic[start[d] + i] = (uint32_t)(key[i] >> 32);
			count[start[d] + i] = (uint32_t)key[i];
		}
		start[d + 1] = start[d] + n;
	}
	return STRADS_OK;
}

int
strads_lda_model_keep(struct strads_lda *lda)
{
	struct strads_lda_model *model = lda->model;
	struct strads_job *job = strads_fabric_job(lda->fabric);
	uint64_t *key = calloc(lda->options.topics, sizeof *key);
	void *all = NULL;
	int status;

	memcpy(model->total, lda->base, lda->options.topics * sizeof *model->total);
	memcpy(model->alpha, lda->prior.alpha, lda->options.topics * sizeof *model->alpha);
	model->beta = lda->prior.beta;
	status = key ? documents_write(lda, key)
		     : strads_fail(STRADS_ERR_MEMORY, "no memory to sort %u topics",
				   lda->options.topics);
	free(key);
	if (status == STRADS_OK && lda->options.assignments)
		status = strads_lda_assignments_keep(lda);
	status = strads_job_gather(job, status, &lda->documents->first,
				   sizeof *model->first_document, &all);
	if (status != STRADS_OK)
		return status;
	model->first_document = all;
	return strads_fabric_wire(lda->fabric);
}

/* ---- Reading words ------------------------------------------------------------------------ */

const int32_t *
strads_lda_model_totals(const struct strads_lda_model *model)
{
	return model->total;
}

const double *
strads_lda_model_alpha(const struct strads_lda_model *model)
{
	return model->alpha;
}

double
strads_lda_model_beta(const struct strads_lda_model *model)
{
	return model->beta;
}

/* What goes through all words: row by row as pairs, to be counted or to be kept. */
struct walk {
	struct strads_lda_model *model;
	struct strads_region *window;
	uint32_t *topic, *count;        /* [K] */
	struct strads_lda_table *table; /* where `start` is there */
	bool keep;                      /* the second time */
};

static void
walk_row(struct walk *walk, uint32_t word, uint32_t n)
{
	struct strads_lda_table *table = walk->table;

	if (!walk->keep) {
		table->start[word + 1] = n;
		return;
	}
	memcpy(table->topic + table->start[word], walk->topic, n * sizeof *table->topic);
	memcpy(table->count + table->start[word], walk->count, n * sizeof *table->count);
}

static int
walk_part(struct walk *walk, uint64_t part, const uint32_t *from)
{
	const struct strads_lda_model *model = walk->model;
	const struct strads_lda_layout *layout = &model->layout;
	const uint32_t *end = from + model->length[part];
	int status = strads_lda_part_check(layout, from, part, model->turn, model->length[part]);

	from += STRADS_LDA_HEAD;
	for (uint64_t i = layout->part_first[part];
	     status == STRADS_OK && i < layout->part_first[part + 1]; i++) {
		uint32_t n = 0;

		status = strads_lda_row_read(from, end, layout->topics, walk->topic, walk->count,
					     &n, &from);
		if (status == STRADS_OK)
			walk_row(walk, layout->word_at[i], n);
	}
	return status;
}

/* Goes through the words of all ranks. */
static int
walk_all(struct walk *walk)
{
	struct strads_lda_model *model = walk->model;
	const struct strads_lda_layout *layout = &model->layout;
	char *window = strads_region_base(walk->window);
	int status = STRADS_OK;

	for (int r = 0; status == STRADS_OK && r < model->ranks; r++) {
		uint64_t first = (uint64_t)strads_lda_block(layout, r, model->turn) * layout->parts;

		for (uint64_t part = first; status == STRADS_OK && part < first + layout->parts;
		     part++) {
			size_t offset = layout->part_offset[part] * sizeof(uint32_t);

			status = strads_fetch(model->fabric, r, model->words,
					      strads_lda_buffer(layout, model->turn) + offset,
					      window, model->length[part] * sizeof(uint32_t));
			if (status == STRADS_OK)
				status = walk_part(walk, part, (const uint32_t *)window);
		}
	}
	return status;
}

/* Sorts every row by topic. */
static int
rows_sort(struct strads_lda_table *table, uint32_t topics)
{
	uint64_t *key = calloc(topics, sizeof *key);

	if (!key)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to sort %u topics", topics);
	for (uint64_t row = 0; row < table->rows; row++) {
		uint64_t first = table->start[row], n = table->start[row + 1] - first;

		for (uint64_t i = 0; i < n; i++)
			key[i] = (uint64_t)table->topic[first + i] << 32 | table->count[first + i];
		qsort(key, n, sizeof *key, by_number);
		for (uint64_t i = 0; i < n; i++) {
			table->topic[first + i] = (uint32_t)(key[i] >> 32);
			table->count[first + i] = (uint32_t)key[i];
		}
	}
	free(key);
	return STRADS_OK;
}

static int
entries_new(struct strads_lda_table *table, uint64_t entries)
{
	table->topic = malloc((entries + 1) * sizeof *table->topic);
	table->count = malloc((entries + 1) * sizeof *table->count);
	if (table->topic && table->count)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu counts",
			   (unsigned long long)entries);
}

static int
words_read(struct walk *walk)
{
	struct strads_lda_table *table = walk->table;
	int status = walk_all(walk);

	for (uint64_t w = 0; w < table->rows; w++)
		table->start[w + 1] += table->start[w];
	if (status == STRADS_OK)
		status = entries_new(table, table->start[table->rows]);
	walk->keep = true;
	if (status == STRADS_OK)
		status = walk_all(walk);
	return status == STRADS_OK ? rows_sort(table, walk->model->topics) : status;
}

int
strads_lda_model_words(struct strads_lda_model *model, struct strads_lda_table *words)
{
	struct strads_lda_table table = {.rows = model->layout.words};
	struct walk walk = {.model = model,
			    .topic = calloc(model->topics, sizeof *walk.topic),
			    .count = calloc(model->topics, sizeof *walk.count),
			    .table = &table};
	int status = STRADS_OK;

	table.start = calloc(table.rows + 1, sizeof *table.start);
	if (!walk.topic || !walk.count || !table.start)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for the counts of %llu words",
				     (unsigned long long)table.rows);
	if (status == STRADS_OK)
		status = strads_region_new(model->fabric, STRADS_LOCAL,
					   model->layout.capacity * sizeof(uint32_t), &walk.window);
	if (status == STRADS_OK)
		status = words_read(&walk);
	if (walk.window)
		strads_region_delete(&walk.window);
	free(walk.count);
	free(walk.topic);
	if (status == STRADS_OK)
		*words = table;
	else
		strads_lda_table_free(&table);
	return status;
}

/* ---- Reading documents -------------------------------------------------------------------- */

/* Takes over what a rank has told of its documents, [bytes]. */
static int
documents_take(const struct table_head *head, size_t bytes, uint32_t topics,
	       struct strads_lda_table *table)
{
	const uint64_t *start = (const uint64_t *)(head + 1);
	uint64_t entries = head->entries;
	bool sound = head->documents < bytes / sizeof *start && entries < bytes &&
		     bytes == documents_bytes(head->documents, entries);
	const uint32_t *topic = sound ? (const uint32_t *)(start + head->documents + 1) : NULL;
	int status;

	sound = sound && start[0] == 0 && start[head->documents] == entries;
	for (uint64_t d = 0; sound && d < head->documents; d++)
		sound = start[d] <= start[d + 1];
	for (uint64_t i = 0; sound && i < entries; i++)
		sound = topic[i] < topics;
	if (!sound)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "a rank's table of documents makes no sense");
	status = entries_new(table, entries);
	table->rows = head->documents;
	table->start = malloc((table->rows + 1) * sizeof *start);
	if (status != STRADS_OK)
		return status;
	if (!table->start || !table->topic || !table->count)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu documents",
				   (unsigned long long)table->rows);
	memcpy(table->start, start, (table->rows + 1) * sizeof *start);
	memcpy(table->topic, topic, entries * sizeof *topic);
	memcpy(table->count, topic + entries, entries * sizeof *topic);
	return STRADS_OK;
}

int
strads_lda_model_documents(struct strads_lda_model *model, int rank, uint64_t *first,
			   struct strads_lda_table *table)
{
	size_t bytes = strads_region_bytes(model->documents, rank);
	struct strads_lda_table new = {0};
	struct strads_region *window = NULL;
	int status = strads_region_new(model->fabric, STRADS_LOCAL, bytes, &window);

	if (status == STRADS_OK)
		status = strads_fetch(model->fabric, rank, model->documents, 0,
				      strads_region_base(window), bytes);
	if (status == STRADS_OK)
		status = documents_take(strads_region_base(window), bytes, model->topics, &new);
	if (window)
		strads_region_delete(&window);
	if (status != STRADS_OK) {
		strads_lda_table_free(&new);
		return status;
	}
	*first = model->first_document[rank];
	*table = new;
	return STRADS_OK;
}

void
strads_lda_table_free(struct strads_lda_table *table)
{
	free(table->count);
	free(table->topic);
	free(table->start);
	*table = (struct strads_lda_table){0};
}

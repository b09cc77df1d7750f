#include "documents.h"

#include "document_cut.h"
#include "document_list.h"
#include "lines.h"
#include "split.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

/* ---- The vocabulary ----------------------------------------------------------------------- */

static int
vocabulary_line(struct strads_names *names, const char *line, const char *stop)
{
	char copy[STRADS_TOKEN_BYTES];
	size_t before = names->count;
	uint32_t number = 0;
	int status;

	line = strads_skip_blanks(line);
	while (stop > line && strads_is_blank(stop[-1]))
		stop--;
	if (line >= stop)
		return strads_fail(STRADS_ERR_INPUT, "the word is missing: a line is a word");
	if (memchr(line, '\0', (size_t)(stop - line)))
		return strads_fail(STRADS_ERR_INPUT, "word '%s' has a byte of zeros in it",
				   strads_token_show(line, stop, copy));
	status = strads_names_add(names, line, (size_t)(stop - line), &number);
	if (status == STRADS_OK && names->count == before)
		return strads_fail(STRADS_ERR_INPUT, "word '%s' is that of line %u, too",
				   strads_token_show(line, stop, copy), number + 1);
	return status;
}

static int
vocabulary_lines(struct strads_text *text, struct strads_names *names)
{
	struct strads_lines lines;
	const char *line, *stop;
	int status = strads_lines_open(&lines, text, 0, text->bytes);

	if (status != STRADS_OK)
		return status;
	for (;;) {
		status = strads_lines_next(&lines, &line, &stop);
		if (status != STRADS_OK || !line)
			break;
		status = vocabulary_line(names, line, stop);
		if (status == STRADS_ERR_INPUT)
			status = strads_text_fail(text, lines.line_offset);
		if (status != STRADS_OK)
			break;
	}
	strads_lines_close(&lines);
	return status;
}

static int
vocabulary_read(struct strads_fabric *fabric, const char *path, struct strads_names *names)
{
	struct strads_text *text;
	int status = strads_text_open(fabric, path, &text);

	if (status != STRADS_OK)
		return status;
	status = strads_job_agree(strads_fabric_job(fabric), vocabulary_lines(text, names));
	strads_text_close(&text);
	return status;
}

/* ---- The documents ------------------------------------------------------------------------ */

static int
range_parse(struct strads_document_list *list, struct strads_text *text, uint64_t begin,
	    uint64_t end)
{
	struct strads_lines lines;
	const char *line, *stop;
	int status = strads_lines_open(&lines, text, begin, end);

	if (status != STRADS_OK)
		return status;
	for (;;) {
		status = strads_lines_next(&lines, &line, &stop);
		if (status != STRADS_OK || !line)
			break;
		status = strads_document_list_parse(list, line, stop, lines.line_offset);
		if (status == STRADS_ERR_INPUT)
			status = strads_text_fail(text, lines.line_offset);
		if (status != STRADS_OK)
			break;
	}
	strads_lines_close(&lines);
	return status;
}

/* What each rank found in its part of the file. */
struct tally {
	uint64_t docs;    /* lines that are documents */
	uint64_t words;   /* largest word number + 1 */
	uint64_t entries; /* of DOCWORD … */
	uint64_t first;   /* … and the document of the first one; UINT64_MAX: none */
};

/* Cuts the documents where the parts of the file that ranks have read begin, as well as a file
 * allows that is not in their order. first [ranks + 1]. */
static void
documents_cut(const struct tally *all, int ranks, uint64_t docs, uint64_t *first)
{
	first[ranks] = docs;
	for (int r = ranks - 1; r > 0; r--)
		first[r] = all[r].first < docs ? all[r].first : first[r + 1];
	first[0] = 0;
	for (int r = 1; r < ranks; r++)
		if (first[r] < first[r - 1])
			first[r] = first[r - 1];
}

/* Of DOCWORD: brings the entries to the ranks that have their documents. */
static int
docword_split(struct strads_fabric *fabric, struct strads_document_list *list,
	      const struct tally *all, struct strads_documents *documents)
{
	struct strads_job *job = strads_fabric_job(fabric);
	int ranks = strads_job_size(job), rank = strads_job_rank(job), status;
	uint64_t *first = calloc((size_t)ranks + 1, sizeof *first), entries = 0;

	for (int r = 0; r < ranks; r++)
		entries += all[r].entries;
	if (!first)
		status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for the shares of %d ranks", ranks);
	else if (entries != list->entries)
		status = strads_fail(STRADS_ERR_INPUT,
				     "%s has %llu entries, its header announces %llu: it is "
				     "truncated or the header is wrong",
				     list->name, (unsigned long long)entries,
				     (unsigned long long)list->entries);
	else
		status = STRADS_OK;
	status = strads_job_agree(job, status);
	if (status == STRADS_OK && first) {
		documents_cut(all, ranks, list->docs, first);
		documents->first = first[rank];
		documents->docs_total = list->docs;
		status = strads_triplets_exchange(fabric, &list->triplets, first, list->words,
						  &list->rows);
	}
	free(first);
	return status;
}

/* Of the other formats: every rank has the documents it read. */
static int
lines_split(struct strads_fabric *fabric, struct strads_document_list *list,
	    const struct tally *all, struct strads_documents *documents)
{
	struct strads_job *job = strads_fabric_job(fabric);
	int rank = strads_job_rank(job), status = strads_rows_end(&list->rows);
	uint32_t *number_of = NULL;

	for (int r = 0; r < strads_job_size(job); r++) {
		documents->first += r < rank ? all[r].docs : 0;
		documents->docs_total += all[r].docs;
	}
	status = strads_job_agree(job, status);
	if (status != STRADS_OK || list->format != STRADS_DOCUMENTS_TEXT || list->closed)
		return status;
	status = strads_names_join(fabric, list->names, &number_of);
	for (size_t e = 0; status == STRADS_OK && e < list->rows.entries; e++)
		list->rows.col[e] = number_of[list->rows.col[e]];
	list->words = list->names->count;
	free(number_of);
	return status;
}

static int
documents_split(struct strads_fabric *fabric, struct strads_document_list *list, int status,
		struct strads_documents *documents)
{
	struct strads_job *job = strads_fabric_job(fabric);
	const struct strads_triplets *triplets = &list->triplets;
	struct tally mine = {list->rows.rows, list->rows.cols, list->counted,
			     triplets->count ? triplets->entry[0].row : UINT64_MAX};
	void *all = NULL;

	status = strads_job_gather(job, status, &mine, sizeof mine, &all);
	if (status != STRADS_OK)
		return status;
	for (int r = 0;
	     list->format == STRADS_DOCUMENTS_LDAC && !list->known && r < strads_job_size(job);
	     r++) {
		uint64_t words = ((const struct tally *)all)[r].words;

		list->words = words > list->words ? words : list->words;
	}
	status = list->format == STRADS_DOCUMENTS_DOCWORD
		     ? docword_split(fabric, list, all, documents)
		     : lines_split(fabric, list, all, documents);
	free(all);
	documents->words = list->words;
	return status;
}

/* Keeps the rows as documents. */
static int
documents_keep(struct strads_document_list *list, struct strads_documents *documents)
{
	const struct strads_rows *rows = &list->rows;

	documents->docs = (uint32_t)rows->rows;
	documents->start = malloc((rows->rows + 1) * sizeof *documents->start);
	documents->word = malloc((rows->entries + 1) * sizeof *documents->word);
	documents->count = malloc((rows->entries + 1) * sizeof *documents->count);
	if (!documents->start || !documents->word || !documents->count)
		return strads_fail(STRADS_ERR_MEMORY,
				   "no memory for %zu documents: use more ranks on more hosts",
				   rows->rows);
	documents->start[0] = 0;
	for (size_t d = 0; d < rows->rows; d++)
		documents->start[d + 1] = rows->first[d + 1];
	for (size_t e = 0; e < rows->entries; e++) {
		documents->word[e] = rows->col[e];
		documents->count[e] = (uint32_t)rows->value[e];
	}
	return STRADS_OK;
}

/* Adds up over the ranks what each knows of its own part. */
static int
totals_sum(struct strads_job *job, const char *data, struct strads_documents *documents)
{
	struct {
		uint64_t tokens, empty, left;
	} mine = {.left = documents->left_tokens}, *each;
	void *all = NULL;
	int status;

	for (uint32_t d = 0; d < documents->docs; d++)
		mine.empty += documents->start[d + 1] == documents->start[d];
	for (uint64_t e = 0; e < documents->start[documents->docs]; e++)
		mine.tokens += documents->count[e];
	status = strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &all);
	if (status != STRADS_OK)
		return status;
	documents->tokens = mine.tokens;
	each = all;
	for (int r = 0; r < strads_job_size(job); r++) {
		documents->tokens_total += each[r].tokens;
		documents->empty_total += each[r].empty;
		documents->left_tokens_total += each[r].left;
	}
	free(all);
	if (documents->tokens_total > 0)
		return STRADS_OK;
	if (documents->left_tokens_total > 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "every word of %s is left out: ask for fewer documents or a "
				   "larger share of them, or for fewer stop words",
				   data);
	return strads_fail(STRADS_ERR_INPUT, "%s has no words", data);
}

static int
data_read(struct strads_fabric *fabric, const struct strads_documents_options *options,
	  struct strads_document_list *list, struct strads_documents *documents)
{
	struct strads_job *job = strads_fabric_job(fabric);
	int rank = strads_job_rank(job), ranks = strads_job_size(job);
	struct strads_text *text;
	int status = strads_text_open(fabric, options->data, &text);

	if (status != STRADS_OK)
		return status;
	status = strads_job_agree(job, strads_document_list_header(list, text));
	if (status == STRADS_OK) {
		uint64_t begin = list->begin, bytes = text->bytes - begin;

		status = range_parse(list, text, begin + strads_split_first(bytes, ranks, rank),
				     begin + strads_split_first(bytes, ranks, rank + 1));
		status = documents_split(fabric, list, status, documents);
	}
	if (status == STRADS_OK)
		status = strads_job_agree(job, documents_keep(list, documents));
	if (status == STRADS_OK)
		status = strads_document_cut(fabric, options,
					     list->format == STRADS_DOCUMENTS_DOCWORD, documents);
	if (status == STRADS_OK)
		status = totals_sum(job, options->data, documents);
	strads_text_close(&text);
	return status;
}

int
strads_documents_read(struct strads_fabric *fabric, const struct strads_documents_options *options,
		      struct strads_documents *documents)
{
	struct strads_documents new = {0};
	struct strads_document_list list = {
	    .name = options->data,
	    .format = options->format,
	    .names = &new.vocabulary,
	    .tokens = options->tokens,
	    .bytes_min = options->bytes_min,
	};
	int status = STRADS_OK;

	if (options->vocabulary) {
		status = vocabulary_read(fabric, options->vocabulary, &new.vocabulary);
		list.known = options->vocabulary;
		list.words = new.vocabulary.count;
		list.closed = true;
	}
	if (status == STRADS_OK)
		status = data_read(fabric, options, &list, &new);
	strads_document_list_free(&list);
	if (status != STRADS_OK) {
		strads_documents_free(&new);
		return status;
	}
	*documents = new;
	return STRADS_OK;
}

void
strads_documents_free(struct strads_documents *documents)
{
	free(documents->start);
	free(documents->word);
	free(documents->count);
	strads_names_free(&documents->vocabulary);
	*documents = (struct strads_documents){0};
}

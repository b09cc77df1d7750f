/*
 * The lines of a file of documents while they are being read. Internal to apps/data/.
 */
#ifndef STRADS_DOCUMENT_LIST_H
#define STRADS_DOCUMENT_LIST_H

#include "documents.h"
#include "text.h"
#include "triplets.h"

struct strads_document_list {
	const char *name;                   /* of the file, for messages; borrowed */
	enum strads_document_format format; /* not ANY once the header is read */
	uint64_t words;                     /* bound of the word numbers; 0: none is known (LDAC) */
	const char *known;                  /* the file that gives this bound, or NULL */

	/* Of DOCWORD: from the header; then entries of any documents. */
	uint64_t begin; /* offset of the first line that is no header */
	uint64_t docs, entries;
	uint64_t counted;
	struct strads_triplets triplets;

	/* Of the others: a row for each line, and of TEXT its words. */
	struct strads_rows rows;
	struct strads_names *names;         /* borrowed */
	bool closed;                        /* they are all there are: other words are left out */
	enum strads_document_tokens tokens; /* what is one … */
	uint32_t bytes_min;                 /* … if it has so many bytes */
	char *word;                         /* of the text, in lower case … */
	size_t word_room;                   /* … with room for so many bytes */
};

/* Finds the format, and of DOCWORD reads the header. Returns STRADS_OK, ERR_INPUT (with file and
 * line), ERR_MEMORY, or as strads_text_read. */
STRADS_MUST_CHECK int strads_document_list_header(struct strads_document_list *list,
						  struct strads_text *text);

/* Appends what a line holds. Returns STRADS_OK, ERR_INPUT (without the line), ERR_MEMORY.
 * Thread: any. */
STRADS_MUST_CHECK int strads_document_list_parse(struct strads_document_list *list,
						 const char *line, const char *stop,
						 uint64_t offset);

/* Frees all that it does not borrow. */
void strads_document_list_free(struct strads_document_list *list);

#endif

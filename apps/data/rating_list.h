/*
 * A file of ratings while it is being read: the lines of a rank's range. Internal to apps/data/.
 */
#ifndef STRADS_RATING_LIST_H
#define STRADS_RATING_LIST_H

#include "names.h"
#include "triplets.h"

/* Ratings with users as rows and items as columns, numbered by the names. */
struct strads_rating_list {
	struct strads_names *users, *items;
	bool closed; /* names are looked up, not added */
	struct strads_triplets ratings;
	uint64_t lines; /* with a rating, known or not */
	/* Of those whose user or item was not found: number, sum, sum of squares. */
	uint64_t unknown;
	double unknown_sum, unknown_squares;
};

/* Parses one line, `user item rating` and perhaps more, separated by blanks, a comma, a semicolon
 * or `::`. Blank lines and those that begin with # or % have no rating. Returns STRADS_OK,
 * ERR_INPUT (without the line), ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_rating_list_parse(struct strads_rating_list *list, const char *line,
					       const char *stop);

/* Appends this rank's range of the file. Collective: all ranks succeed or fail together. Returns
 * STRADS_OK, ERR_INPUT (with file and line), ERR_MEMORY, ERR_IO, or as strads_text_open. Thread:
 * owner. */
STRADS_MUST_CHECK int strads_rating_list_read(struct strads_rating_list *list,
					      struct strads_fabric *fabric, const char *path);

#endif

/*
 * Rows of svmlight/libsvm text: label [qid:n] index:value … [# comment].
 */
#ifndef STRADS_SVMLIGHT_H
#define STRADS_SVMLIGHT_H

#include "rows.h"

#include <stddef.h>

/* Parses one line [line, stop), *stop a newline, which starts at `offset` of its text, and appends
 * its row to `rows` (none if it is blank or a comment). Indices start at 1 and may come in any
 * order; entries with an index above `max_cols` (0: no bound) and explicit zeros are left out.
 * Returns STRADS_OK, ERR_INPUT (with a sentence that names the fault but not the line), ERR_MEMORY.
 * Thread: any. */
STRADS_MUST_CHECK int strads_svmlight_parse(struct strads_rows *rows, const char *line,
					    const char *stop, uint64_t offset, uint64_t max_cols);

#endif

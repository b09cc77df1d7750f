/*
 * Writing output files so that nobody ever finds half of one.
 */
#ifndef STRADS_CLI_FILE_H
#define STRADS_CLI_FILE_H

#include "strads/transport.h"

#include <stddef.h>

/* Writes all of [data, data + bytes) to the descriptor. Returns 0 or an errno. Thread: any. */
int strads_file_write(int fd, const void *data, size_t bytes);

/* Makes `path` hold exactly these bytes: written to a temporary file beside it, synced, renamed
 * over it; on failure `path` is as it was and nothing is left beside it. What is there but is no
 * regular file (a device, a pipe) is written to directly. `what` names the content in messages
 * ("model"). Returns STRADS_OK, ERR_IO, ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_file_replace(const char *path, const char *what, const void *data,
					  size_t bytes);

/* Writes a whole file of this name, which exists and is empty. Returns STRADS_OK or why not. */
typedef int strads_file_writer(const char *name, void *arg);

/* The same for what is too large for memory: `writer` writes the temporary file. A device or a pipe
 * is refused. Returns STRADS_OK, ERR_IO, ERR_MEMORY, or as the writer. Thread: any. */
STRADS_MUST_CHECK int strads_file_replace_by(const char *path, const char *what,
					     strads_file_writer *writer, void *arg);

/* Whether strads_file_replace could start now; asked before a long run. Leaves nothing behind.
 * Returns STRADS_OK, ERR_IO, ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_file_writable(const char *path, const char *what);

/* Refuses a run that would write over a file of its own: none of the first `written` of `count`
 * names, any of which may be NULL, may lead to the same regular file as another one. Returns
 * STRADS_OK, ERR_INPUT. Thread: any. */
STRADS_MUST_CHECK int strads_file_apart(const char *const *names, size_t written, size_t count);

#endif

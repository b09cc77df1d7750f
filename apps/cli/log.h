/*
 * The run's log: JSON lines, one object a line, each written as a whole as soon as it is known.
 */
#ifndef STRADS_CLI_LOG_H
#define STRADS_CLI_LOG_H

#include "strads/transport.h"

#include <jansson.h>

struct strads_log;

/* Creates or empties `path`. NULL: a log that drops every line. Returns STRADS_OK, ERR_IO,
 * ERR_MEMORY. */
STRADS_MUST_CHECK int strads_log_open(const char *path, struct strads_log **log);

/* Appends `line` and takes the reference. After a write has failed the log drops every further
 * line; strads_log_close says what happened. A `line` of NULL counts as a failure for lack of
 * memory. Thread: owner. */
void strads_log_write(struct strads_log *log, json_t *line);

/* Closes, frees and nulls. Returns STRADS_OK, or the first failure of a write: ERR_IO, ERR_MEMORY.
 * NULL is closed already. */
STRADS_MUST_CHECK int strads_log_close(struct strads_log **log);

/* A number as JSON, null where it is not finite: JSON knows no NaN. A new reference. */
json_t *strads_log_number(double value);

/* A count as JSON: a text beyond 2^63 - 1, up to which integers of JSON go here. A new reference,
 * NULL without memory. */
json_t *strads_log_count(uint64_t value);

/* A text as JSON, null for NULL; where it is no UTF-8 (a file name may be anything), its bytes
 * beyond ASCII become question marks. A new reference, NULL without memory. */
json_t *strads_log_text(const char *text);

#endif

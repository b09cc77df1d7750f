#include "log.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct strads_log {
	char *path; /* NULL: no log */
	int fd;
	int status; /* the first failure */
	int error;  /* its errno */
};

int
strads_log_open(const char *path, struct strads_log **log)
{
	struct strads_log *made = calloc(1, sizeof *made);
	int error;

	if (!made)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the log");
	if (!path) {
		*log = made;
		return STRADS_OK;
	}
	made->path = strdup(path);
	made->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (made->path && made->fd >= 0) {
		*log = made;
		return STRADS_OK;
	}
	error = errno;
	if (made->fd >= 0)
		close(made->fd);
	free(made->path);
	free(made);
	return strads_fail(STRADS_ERR_IO, "cannot write the log %s: %s", path, strerror(error));
}

void
strads_log_write(struct strads_log *log, json_t *line)
{
	char *text = NULL;
	size_t bytes;

	if (!log->path || log->status)
		goto done;
	text = line ? json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	if (!text) {
		log->status = STRADS_ERR_MEMORY;
		log->error = ENOMEM;
		goto done;
	}
	bytes = strlen(text);
	text[bytes] = '\n'; /* the terminator's place: only `bytes` matters from here on */
	log->error = strads_file_write(log->fd, text, bytes + 1);
	if (log->error)
		log->status = STRADS_ERR_IO;
done:
	free(text);
	json_decref(line);
}

int
strads_log_close(struct strads_log **log)
{
	struct strads_log *closed = *log;
	int status;

	if (!closed)
		return STRADS_OK;
	*log = NULL;
	if (closed->path && close(closed->fd) && !closed->status) {
		closed->status = STRADS_ERR_IO;
		closed->error = errno;
	}
	status = closed->status;
	if (status)
		status = strads_fail(status, "the log %s is incomplete: %s", closed->path,
				     strerror(closed->error));
	free(closed->path);
	free(closed);
	return status;
}

json_t *
strads_log_number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

json_t *
strads_log_count(uint64_t value)
{
	return value <= INT64_MAX ? json_integer((json_int_t)value)
				  : json_sprintf("%" PRIu64, value);
}

json_t *
strads_log_text(const char *text)
{
	json_t *string;
	char *copy;

	if (!text)
		return json_null();
	string = json_string(text);
	if (string)
		return string;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *c = copy; *c; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
	string = json_string(copy);
	free(copy);
	return string;
}

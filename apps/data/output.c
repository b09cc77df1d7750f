#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)1 << 20)

static int
output_fail(struct strads_output *output, const char *what)
{
	if (output->status == STRADS_OK)
		output->status = strads_fail(STRADS_ERR_IO, "cannot %s %s: %s", what, output->path,
					     strerror(errno));
	return output->status;
}

/* What to write: a file beside the one that is to be replaced, or a device or pipe itself. */
static int
names_find(struct strads_output *output, const char *path)
{
	struct stat stat_path;

	output->path = realpath(path, NULL); /* so that a symbolic link stays one */
	if (!output->path)
		output->path = strdup(path);
	if (!output->path)
		return STRADS_ERR_MEMORY;
	output->direct = stat(output->path, &stat_path) == 0 && !S_ISREG(stat_path.st_mode);
	if (asprintf(&output->partial, output->direct ? "%s" : "%s.partial", output->path) < 0) {
		output->partial = NULL;
		return STRADS_ERR_MEMORY;
	}
	return STRADS_OK;
}

int
strads_output_open(struct strads_output *output, const char *path)
{
	*output = (struct strads_output){.fd = -1, .capacity = BUFFER_BYTES};
	output->buffer = malloc(BUFFER_BYTES);
	if (!output->buffer || names_find(output, path) < 0) {
		output->status = strads_fail(STRADS_ERR_MEMORY, "no memory to write %s", path);
		goto close;
	}
	output->fd = open(output->partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (output->fd < 0) {
		output_fail(output, "create");
		goto close;
	}
	return STRADS_OK;
close:
	return strads_output_close(output, false);
}

static void
output_flush(struct strads_output *output)
{
	const char *from = output->buffer;

	while (output->have && output->status == STRADS_OK) {
		ssize_t wrote = write(output->fd, from, output->have);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0) {
			output_fail(output, "write");
			break;
		}
		from += wrote;
		output->bytes += (uint64_t)wrote;
		output->have -= (size_t)wrote;
	}
	output->have = 0;
}

void
strads_output_write(struct strads_output *output, const void *data, size_t bytes)
{
	const char *from = data;

	while (bytes) {
		size_t room = output->capacity - output->have;
		size_t part = bytes < room ? bytes : room;

		memcpy(output->buffer + output->have, from, part);
		output->have += part;
		from += part;
		bytes -= part;
		if (output->have == output->capacity)
			output_flush(output);
	}
}

char *
strads_output_room(struct strads_output *output)
{
	if (output->capacity - output->have < STRADS_OUTPUT_ROOM)
		output_flush(output);
	return output->buffer + output->have;
}

void
strads_output_wrote(struct strads_output *output, const char *end)
{
	output->have = (size_t)(end - output->buffer);
}

void
strads_output_printf(struct strads_output *output, const char *format, ...)
{
	char *to = strads_output_room(output);
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(to, STRADS_OUTPUT_ROOM, format, args);
	va_end(args);
	if (length < 0 || length >= STRADS_OUTPUT_ROOM) {
		errno = EOVERFLOW;
		output_fail(output, "write");
	} else {
		strads_output_wrote(output, to + length);
	}
}

char *
strads_output_digits(char *to, uint64_t number)
{
	char digits[20];
	int count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		*to++ = digits[--count];
	return to;
}

char *
strads_output_fraction(char *to, uint64_t units, uint64_t scale)
{
	uint64_t whole = units / scale, rest = units - whole * scale;

	to = strads_output_digits(to, whole);
	if (rest)
		*to++ = '.';
	while (rest) {
		uint64_t digit = rest * 10 / scale;

		*to++ = (char)('0' + digit);
		rest = rest * 10 - digit * scale;
	}
	return to;
}

int
strads_output_close(struct strads_output *output, bool keep)
{
	int status;

	if (output->fd >= 0) {
		if (keep)
			output_flush(output);
		if (close(output->fd) < 0)
			output_fail(output, "write");
		keep &= output->status == STRADS_OK;
		if (keep && !output->direct && rename(output->partial, output->path) < 0) {
			output_fail(output, "rename the partial file of");
			keep = false;
		}
		if (!keep && !output->direct && output->partial)
			unlink(output->partial);
	}
	status = output->status;
	free(output->path);
	free(output->partial);
	free(output->buffer);
	*output = (struct strads_output){.fd = -1, .status = status, .bytes = output->bytes};
	return status;
}

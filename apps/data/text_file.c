#include "text_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct text_file {
	struct strads_text text;
	int fd;
};

static int
file_read(struct strads_text *text, uint64_t offset, void *into, size_t bytes)
{
	struct text_file *file = (struct text_file *)text;
	uint8_t *to = into;

	while (bytes) {
		ssize_t got = pread(file->fd, to, bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return strads_fail(STRADS_ERR_IO, "cannot read %s: %s", text->name,
					   strerror(errno));
		if (got == 0)
			return strads_fail(STRADS_ERR_IO,
					   "%s became shorter while it was read: start again",
					   text->name);
		to += got;
		offset += (uint64_t)got;
		bytes -= (size_t)got;
	}
	return STRADS_OK;
}

static void
file_close(struct strads_text *text)
{
	struct text_file *file = (struct text_file *)text;

	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

static const struct strads_text_ops file_ops = {
    .read = file_read,
    .close = file_close,
};

/* Opens the file and makes sure that it is the one rank 0 sees. */
static int
file_open(struct text_file *file)
{
	const char *path = file->text.name;
	struct stat stat;

	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return strads_fail(STRADS_ERR_INPUT, "cannot open %s: %s", path, strerror(errno));
	if (fstat(file->fd, &stat) < 0)
		return strads_fail(STRADS_ERR_IO, "cannot stat %s: %s", path, strerror(errno));
	if ((uint64_t)stat.st_size != file->text.bytes)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s has %lld bytes here and %llu on rank 0: every rank must see "
				   "the same file",
				   path, (long long)stat.st_size,
				   (unsigned long long)file->text.bytes);
	return STRADS_OK;
}

int
strads_text_file(struct strads_job *job, const char *path, uint64_t bytes,
		 struct strads_text **text)
{
	struct text_file *file = malloc(sizeof(*file));
	int status;

	if (file) {
		*file = (struct text_file){.text = {&file_ops, path, bytes, 0}, .fd = -1};
		status = file_open(file);
	} else {
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to read %s", path);
	}
	status = strads_job_agree(job, status);
	if (status == STRADS_OK)
		*text = &file->text;
	else if (file)
		file_close(&file->text);
	return status;
}

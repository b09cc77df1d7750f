#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
strads_file_write(int fd, const void *data, size_t bytes)
{
	const char *next = data;

	while (bytes > 0) {
		ssize_t n = write(fd, next, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		next += n;
		bytes -= (size_t)n;
	}
	return 0;
}

static int
fail(const char *path, const char *what, int error)
{
	return strads_fail(STRADS_ERR_IO, "cannot write the %s %s: %s", what, path,
			   strerror(error));
}

/* Where `path` leads: the file a symbolic link names, so that the link stays; a new string. */
static char *
destination(const char *path)
{
	char *resolved = realpath(path, NULL);

	return resolved ? resolved : strdup(path);
}

/* So that the rename itself survives a power cut; a file system that cannot sync a directory has
 * the data anyway. */
static void
sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(copy);
}

/* Opens a temporary file beside `target`, with the permissions any new file gets. Returns its name,
 * a new string; or NULL and errno. */
static char *
open_temporary(const char *target, int *fd)
{
	int error = EEXIST;

	for (int attempt = 0; error == EEXIST && attempt < 100; attempt++) {
		char *name;

		if (asprintf(&name, "%s.%ld-%d.tmp", target, (long)getpid(), attempt) < 0)
			return NULL;
		*fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (*fd >= 0)
			return name;
		error = errno;
		free(name);
	}
	errno = error;
	return NULL;
}

static int
write_beside(const char *target, const void *data, size_t bytes)
{
	int fd, error;
	char *name = open_temporary(target, &fd);

	if (!name)
		return errno;
	error = strads_file_write(fd, data, bytes);
	if (!error && fsync(fd))
		error = errno;
	if (close(fd) && !error)
		error = errno;
	if (!error && rename(name, target))
		error = errno;
	if (error)
		unlink(name);
	else
		sync_directory(target);
	free(name);
	return error;
}

/* The same by a function that is given the name to write to. */
static int
write_beside_by(const char *target, strads_file_writer *writer, void *arg, int *status)
{
	int fd, error = 0;
	char *name = open_temporary(target, &fd);

	if (!name)
		return errno;
	*status = writer(name, arg);
	if (*status == STRADS_OK && fsync(fd))
		error = errno;
	if (close(fd) && !error)
		error = errno;
	if (*status == STRADS_OK && !error && rename(name, target))
		error = errno;
	if (*status != STRADS_OK || error)
		unlink(name);
	else
		sync_directory(target);
	free(name);
	return error;
}

static int
write_directly(const char *target, const void *data, size_t bytes)
{
	int error, fd = open(target, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	error = strads_file_write(fd, data, bytes);
	if (close(fd) && !error)
		error = errno;
	return error;
}

static bool
is_special(const char *target)
{
	struct stat st;

	return stat(target, &st) == 0 && !S_ISREG(st.st_mode);
}

int
strads_file_replace(const char *path, const char *what, const void *data, size_t bytes)
{
	char *target = destination(path);
	int error;

	if (!target)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to write the %s %s", what, path);
	if (is_special(target))
		error = write_directly(target, data, bytes);
	else
		error = write_beside(target, data, bytes);
	free(target);
	return error ? fail(path, what, error) : STRADS_OK;
}

int
strads_file_replace_by(const char *path, const char *what, strads_file_writer *writer, void *arg)
{
	char *target = destination(path);
	int error = 0, status = STRADS_OK;

	if (!target)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to write the %s %s", what, path);
	if (is_special(target))
		error = EINVAL;
	else
		error = write_beside_by(target, writer, arg, &status);
	free(target);
	if (status)
		return status;
	return error ? fail(path, what, error) : STRADS_OK;
}

/* Whether something there that is no regular file would take data. Returns 0 or an errno. */
static int
try_special(const char *target)
{
	struct stat st;

	if (stat(target, &st) == 0 && S_ISDIR(st.st_mode))
		return EISDIR;
	return access(target, W_OK) ? errno : 0;
}

static int
try_beside(const char *target)
{
	int fd;
	char *name = open_temporary(target, &fd);

	if (!name)
		return errno;
	close(fd);
	unlink(name);
	free(name);
	return 0;
}

int
strads_file_writable(const char *path, const char *what)
{
	char *target = destination(path);
	int error;

	if (!target)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to write the %s %s", what, path);
	error = is_special(target) ? try_special(target) : try_beside(target);
	free(target);
	return error ? fail(path, what, error) : STRADS_OK;
}

/* Whether both names lead to one regular file, or would when it is there. */
static bool
same_file(const char *a, const char *b)
{
	struct stat at_a, at_b;

	if (strcmp(a, b) == 0)
		return !is_special(a);
	return stat(a, &at_a) == 0 && stat(b, &at_b) == 0 && S_ISREG(at_a.st_mode) &&
	       at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino;
}

int
strads_file_apart(const char *const *names, size_t written, size_t count)
{
	for (size_t i = 0; i < written; i++) {
		for (size_t j = i + 1; j < count; j++) {
			if (names[i] && names[j] && same_file(names[i], names[j]))
				return strads_fail(STRADS_ERR_INPUT,
						   "%s would be written over %s: give it a name of "
						   "its own",
						   names[i], names[j]);
		}
	}
	return STRADS_OK;
}

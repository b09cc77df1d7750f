#include "gnuplot.h"

#include "../data/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *
extension(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot : "";
}

int
strads_gnuplot_check(const char *path)
{
	if (strcmp(extension(path), ".svg") == 0 || strcmp(extension(path), ".png") == 0)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_INPUT, "--plot: '%s' ends in neither .svg nor .png", path);
}

static void
write_head(FILE *out, const char *path, int height)
{
	bool svg = strcmp(extension(path), ".svg") == 0;

	fprintf(out, "set terminal %s size 800,%d\n", svg ? "svg background 'white'" : "png",
		height);
}

/* Runs gnuplot with `script` on its standard input, `picture` as its standard output and its
 * messages dropped. Returns 0, or an errno: ENOENT if there is none, EIO if it fails. */
static int
run_gnuplot(int script, int picture)
{
	char program[] = "gnuplot", *argv[] = {program, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int error, wait_status;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, script, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, picture, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		return error;
	while (waitpid(pid, &wait_status, 0) < 0) {
		if (errno != EINTR)
			return errno;
	}
	return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 ? 0 : EIO;
}

static int
fail(const char *path, const char *why)
{
	return strads_fail(STRADS_ERR_IO, "cannot write the plot %s: %s", path, why);
}

/* Puts what the descriptor has into the file, all of it or nothing. */
static int
keep(int picture, const char *path)
{
	struct strads_output output;
	char block[4096];
	ssize_t got;
	int status, closed;

	if (lseek(picture, 0, SEEK_SET))
		return fail(path, strerror(errno));
	status = strads_output_open(&output, path);
	if (status != STRADS_OK)
		return status;
	while ((got = read(picture, block, sizeof block)) > 0)
		strads_output_write(&output, block, (size_t)got);
	if (got < 0)
		status = fail(path, strerror(errno));
	closed = strads_output_close(&output, status == STRADS_OK);
	return status ? status : closed;
}

/* gnuplot does not notice that a disk is full: it draws into memory. */
static int
draw(const char *path, FILE *script, int picture)
{
	int error = fflush(script) ? errno : 0;

	if (!error && lseek(fileno(script), 0, SEEK_SET))
		error = errno;
	if (!error)
		error = run_gnuplot(fileno(script), picture);
	if (error == ENOENT)
		return strads_fail(
		    STRADS_ERR_UNSUPPORTED,
		    "no plot: gnuplot is not installed (apt-get install gnuplot-nox)");
	if (error)
		return fail(path, error == EIO ? "gnuplot failed" : strerror(error));
	return keep(picture, path);
}

int
strads_gnuplot_draw(const char *path, int height, strads_gnuplot_script *write_script,
		    const void *what)
{
	FILE *script = tmpfile();
	int picture = memfd_create("strads-plot", MFD_CLOEXEC), status;

	if (script && picture >= 0) {
		write_head(script, path, height);
		write_script(script, what);
		status = draw(path, script, picture);
	} else {
		status = fail(path, strerror(errno));
	}
	if (script)
		fclose(script);
	if (picture >= 0)
		close(picture);
	return status;
}

#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* gnuplot's own quoting: single quotes, doubled inside. */
static void
put_quoted(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', out);
		fputc(*text, out);
	}
	fputc('\'', out);
}

static void
write_head(FILE *out, const char *path, int height)
{
	bool svg = strcmp(extension(path), ".svg") == 0;

	fprintf(out, "set terminal %s size 800,%d\nset output ",
		svg ? "svg background 'white'" : "png", height);
	put_quoted(out, path);
	fputc('\n', out);
}

/* Runs gnuplot with `script` on its standard input and its messages dropped. Returns 0, or an
 * errno: ENOENT if there is none, EIO if it fails. */
static int
run_gnuplot(int script)
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
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
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

int
strads_gnuplot_draw(const char *path, int height, strads_gnuplot_script *write_script,
		    const void *what)
{
	FILE *script = tmpfile();
	struct stat st;
	int error;

	if (!script)
		return fail(path, strerror(errno));
	write_head(script, path, height);
	write_script(script, what);
	fputs("unset output\n", script);
	error = fflush(script) ? errno : 0;
	if (!error && lseek(fileno(script), 0, SEEK_SET))
		error = errno;
	if (!error)
		error = run_gnuplot(fileno(script));
	fclose(script);
	if (error == ENOENT)
		return strads_fail(
		    STRADS_ERR_UNSUPPORTED,
		    "no plot: gnuplot is not installed (apt-get install gnuplot-nox)");
	if (error)
		return fail(path, error == EIO ? "gnuplot failed" : strerror(error));
	if (stat(path, &st))
		return fail(path, strerror(errno));
	return STRADS_OK;
}

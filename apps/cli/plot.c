#include "plot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
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
strads_plot_check(const char *path)
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

static bool
has_test(const struct strads_plot_point *points, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (isfinite(points[i].test_mse))
			return true;
	}
	return false;
}

/* The data as a named block, then one panel each for the gap, the objective and the test error. */
static void
write_script(FILE *out, const char *path, const struct strads_plot_point *points, size_t count)
{
	bool svg = strcmp(extension(path), ".svg") == 0, test = has_test(points, count);
	int panels = test ? 3 : 2;

	fputs("$run << END\n", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%.9g %.17g %.9g %.9g\n", points[i].seconds, points[i].objective,
			points[i].gap, points[i].test_mse);
	fputs("END\n", out);
	fprintf(out, "set terminal %s size 800,%d\nset output ",
		svg ? "svg background 'white'" : "png", 240 * panels);
	put_quoted(out, path);
	fprintf(out,
		"\nset multiplot layout %d,1\nset grid\nunset key\nset datafile missing 'nan'\n"
		"set style data linespoints\nset pointsize 0.3\nset lmargin 14\n",
		panels);
	fputs("set ylabel 'objective'\nplot $run using 1:2\n", out);
	fputs("set ylabel 'relative duality gap'\nset logscale y\nset format y '10^{%L}'\n", out);
	if (!test)
		fputs("set xlabel 'seconds since the data were ready'\n", out);
	fputs("plot $run using 1:($3 > 0 ? $3 : NaN)\nunset logscale y\nset format y '%g'\n", out);
	if (test)
		fputs("set xlabel 'seconds since the data were ready'\n"
		      "set ylabel 'held-out MSE'\nplot $run using 1:4\n",
		      out);
	fputs("unset multiplot\nunset output\n", out);
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
strads_plot_draw(const char *path, const struct strads_plot_point *points, size_t count)
{
	FILE *script = tmpfile();
	struct stat st;
	int error;

	if (!script)
		return fail(path, strerror(errno));
	write_script(script, path, points, count);
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

#include "plot.h"

#include "../gnuplot/gnuplot.h"

#include <math.h>

#define PANEL_HEIGHT 240

/* A whole run. */
struct curve {
	const struct strads_plot_point *points;
	const char *error; /* what the test error is */
	size_t count;
	bool test; /* some point has a test error */
};

int
strads_plot_check(const char *path)
{
	return strads_gnuplot_check(path);
}

static bool
has_test(const struct strads_plot_point *points, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (isfinite(points[i].test_error))
			return true;
	}
	return false;
}

/* The data as a named block, then one panel each for the objective, the gap and the test error. */
static void
write_script(FILE *out, const void *what)
{
	const struct curve *curve = what;
	const struct strads_plot_point *points = curve->points;

	fputs("$run << END\n", out);
	for (size_t i = 0; i < curve->count; i++)
		fprintf(out, "%.9g %.17g %.9g %.9g\n", points[i].seconds, points[i].objective,
			points[i].gap, points[i].test_error);
	fputs("END\n", out);
	fprintf(out,
		"set multiplot layout %d,1\nset grid\nunset key\nset datafile missing 'nan'\n"
		"set style data linespoints\nset pointsize 0.3\nset lmargin 14\n",
		curve->test ? 3 : 2);
	fputs("set ylabel 'objective'\nplot $run using 1:2\n", out);
	fputs("set ylabel 'relative duality gap'\nset logscale y\nset format y '10^{%L}'\n", out);
	if (!curve->test)
		fputs("set xlabel 'seconds since the data were ready'\n", out);
	fputs("plot $run using 1:($3 > 0 ? $3 : NaN)\nunset logscale y\nset format y '%g'\n", out);
	if (curve->test)
		fprintf(out,
			"set xlabel 'seconds since the data were ready'\n"
			"set ylabel 'held-out %s'\nplot $run using 1:4\n",
			curve->error);
	fputs("unset multiplot\n", out);
}

int
strads_plot_draw(const char *path, const char *error, const struct strads_plot_point *points,
		 size_t count)
{
	const struct curve curve = {
	    .points = points, .error = error, .count = count, .test = has_test(points, count)};

	return strads_gnuplot_draw(path, PANEL_HEIGHT * (curve.test ? 3 : 2), write_script, &curve);
}

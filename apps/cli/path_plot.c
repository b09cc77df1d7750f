#include "path_plot.h"

#include "../gnuplot/gnuplot.h"

#include <math.h>

#define PANEL_HEIGHT 240

static bool
has_errors(const struct strads_fit_path *fit)
{
	return fit->cross.count > 0 || isfinite(strads_fit_path_test_error(fit, 0));
}

/* The data as a named block: λ, nonzeros, explained, held-out error, cross-validated MSE, its
 * standard error. */
static void
write_data(FILE *out, const struct strads_fit_path *fit)
{
	fputs("$path << END\n", out);
	for (uint64_t k = 0; k < fit->path.count; k++) {
		const struct strads_linear_progress *at = &fit->path.point[k].at;
		bool validated = k < fit->cross.count;

		fprintf(out, "%.9g %llu %.9g %.9g %.9g %.9g\n", at->lambda,
			(unsigned long long)at->nonzeros, at->explained,
			strads_fit_path_test_error(fit, k), validated ? fit->cross.mean[k] : NAN,
			validated ? fit->cross.error[k] : NAN);
	}
	fputs("END\n", out);
}

static void
write_errors(FILE *out, const struct strads_fit_path *fit)
{
	const struct strads_lasso_cross *cross = &fit->cross;
	bool test = isfinite(strads_fit_path_test_error(fit, 0));

	if (cross->count > 0)
		fprintf(out,
			"set arrow 1 from %.9g, graph 0 to %.9g, graph 1 nohead dt 2\n"
			"set arrow 2 from %.9g, graph 0 to %.9g, graph 1 nohead dt 3\n",
			cross->lambda[cross->best], cross->lambda[cross->best],
			cross->lambda[cross->one_se], cross->lambda[cross->one_se]);
	fprintf(out, "set key top left\nset ylabel '%s'\nset xlabel 'lambda'\nplot ",
		fit->family == STRADS_LINEAR_LOGISTIC ? "log loss" : "MSE");
	if (cross->count > 0)
		fprintf(out, "$path using 1:5:6 with yerrorlines title 'cross-validated'%s",
			test ? ", " : "");
	if (test)
		fputs("$path using 1:4 title 'held out'", out);
	fputc('\n', out);
}

static void
write_script(FILE *out, const void *what)
{
	const struct strads_fit_path *fit = what;

	write_data(out, fit);
	fprintf(out,
		"set multiplot layout %d,1\nset grid\nunset key\nset datafile missing 'nan'\n"
		"set style data linespoints\nset pointsize 0.3\nset lmargin 14\n"
		"set logscale x\nset xrange [*:*] reverse\nset format x '%%g'\n",
		has_errors(fit) ? 3 : 2);
	fputs("set ylabel 'nonzeros'\nplot $path using 1:2\n", out);
	if (!has_errors(fit))
		fputs("set xlabel 'lambda'\n", out);
	fputs("set ylabel 'deviance explained'\nplot $path using 1:3\n", out);
	if (has_errors(fit))
		write_errors(out, fit);
	fputs("unset multiplot\n", out);
}

int
strads_path_plot_draw(const char *path, const struct strads_fit_path *fit)
{
	return strads_gnuplot_draw(path, PANEL_HEIGHT * (has_errors(fit) ? 3 : 2), write_script,
				   fit);
}

/*
 * The convergence of a run as a picture, drawn by gnuplot.
 */
#ifndef STRADS_CLI_PLOT_H
#define STRADS_CLI_PLOT_H

#include "strads/transport.h"

#include <stddef.h>

struct strads_plot_point {
	double seconds;
	double objective;
	double gap;
	double test_error; /* NaN without test data */
};

/* Whether the name ends in .svg or .png; else ERR_INPUT. */
STRADS_MUST_CHECK int strads_plot_check(const char *path);

/* Draws objective, gap and test error (what it is: `error`, "MSE") against seconds into `path`.
 * Returns STRADS_OK; ERR_UNSUPPORTED: there is no gnuplot on this machine; ERR_IO: gnuplot failed
 * or the file cannot be written. Thread: any. */
STRADS_MUST_CHECK int strads_plot_draw(const char *path, const char *error,
				       const struct strads_plot_point *points, size_t count);

#endif

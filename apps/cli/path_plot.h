/*
 * A path of λs as a picture, drawn by gnuplot.
 */
#ifndef STRADS_CLI_PATH_PLOT_H
#define STRADS_CLI_PATH_PLOT_H

#include "fit_path.h"

/* Draws nonzeros, the deviance explained and the errors (held-out, cross-validated with a standard
 * error to either side and the two λs) against λ into `path`. Returns as strads_plot_draw. Thread:
 * any. */
STRADS_MUST_CHECK int strads_path_plot_draw(const char *path, const struct strads_fit_path *fit);

#endif

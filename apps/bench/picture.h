/*
 * The results as a picture: every side against size, on one sheet.
 */
#ifndef STRADS_BENCH_PICTURE_H
#define STRADS_BENCH_PICTURE_H

#include "measure.h"

/* Draws into `path`. Returns as strads_gnuplot_draw. */
STRADS_MUST_CHECK int strads_bench_draw(const char *path, const struct strads_bench *bench,
					const struct strads_results *results);

#endif

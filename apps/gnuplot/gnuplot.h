/*
 * Pictures drawn by gnuplot, where it is installed.
 */
#ifndef STRADS_GNUPLOT_H
#define STRADS_GNUPLOT_H

#include "strads/transport.h"

#include <stdio.h>

/* Whether the name ends in .svg or .png; else ERR_INPUT. Thread: any. */
STRADS_MUST_CHECK int strads_gnuplot_check(const char *path);

/* Writes gnuplot's commands for what `what` is: data blocks, settings, plot. */
typedef void strads_gnuplot_script(FILE *out, const void *what);

/* Draws into `path`, `height` pixels high. Returns STRADS_OK; ERR_UNSUPPORTED: there is no gnuplot
 * on this machine; ERR_IO: gnuplot failed or the file cannot be written. Thread: any. */
STRADS_MUST_CHECK int strads_gnuplot_draw(const char *path, int height,
					  strads_gnuplot_script *script, const void *what);

#endif

/*
 * Progress on stderr: one redrawn line on a terminal, else plain lines, at most one a second.
 */
#ifndef STRADS_CLI_DISPLAY_H
#define STRADS_CLI_DISPLAY_H

#include "../linear/linear.h"

struct strads_display {
	int fd;         /* −1: shows nothing */
	bool terminal;  /* redraw */
	bool drawn;     /* a line without its end is on the terminal */
	double shown_s; /* wall clock of the last line */
	struct strads_linear_progress last;
};

/* Shows on `fd`, or nothing if `quiet`. */
void strads_display_start(struct strads_display *display, int fd, bool quiet);

/* Whether the time has come for another line; for the `final` one it always has. */
bool strads_display_is_due(const struct strads_display *display, bool final);

/* Shows a line of n bytes, behind which there is room for one more. */
void strads_display_line(struct strads_display *display, char *line, size_t n, bool final);

/* Shows the state of a linear fit if the time has come; the `final` one always. */
void strads_display_show(struct strads_display *display,
			 const struct strads_linear_progress *progress, bool final);

/* Ends a line that is still being redrawn. */
void strads_display_end(struct strads_display *display);

#endif

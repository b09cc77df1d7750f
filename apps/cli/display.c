#include "display.h"

#include "clock.h"
#include "file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINE_INTERVAL_S   1.0
#define REDRAW_INTERVAL_S 0.1

void
strads_display_start(struct strads_display *display, int fd, bool quiet)
{
	*display = (struct strads_display){.fd = quiet ? -1 : fd};
	display->terminal = !quiet && isatty(fd);
}

static uint64_t
bytes_total(const struct strads_linear_progress *progress)
{
	uint64_t total = 0;

	for (int op = 0; op < STRADS_OPS; op++)
		total += progress->bytes_sent[op];
	return total;
}

/* The line, rates taken between `from` and `to`; returns its length. */
static size_t
compose(const struct strads_linear_progress *from, const struct strads_linear_progress *to,
	char *line, size_t room)
{
	double seconds = to->seconds - from->seconds;
	double per_second = seconds > 0 ? 1 / seconds : 0;
	int n = snprintf(line, room,
			 "%8.2f s  objective %.10g  gap %.2e  nonzeros %" PRIu64
			 "  %.0f sets/s  %.1f MB/s",
			 to->seconds, to->objective, to->gap, to->nonzeros,
			 (double)(to->sets - from->sets) * per_second,
			 (double)(bytes_total(to) - bytes_total(from)) * 1e-6 * per_second);

	return n < (int)room ? (size_t)n : room - 1;
}

static size_t
columns(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79;
}

static void
put(const struct strads_display *display, const char *text, size_t bytes)
{
	/* Progress that cannot be shown is no reason to stop computing. */
	(void)strads_file_write(display->fd, text, bytes);
}

bool
strads_display_is_due(const struct strads_display *display, bool final)
{
	double interval = display->terminal ? REDRAW_INTERVAL_S : LINE_INTERVAL_S;

	return display->fd >= 0 && (final || strads_clock_s() - display->shown_s >= interval);
}

void
strads_display_line(struct strads_display *display, char *line, size_t n, bool final)
{
	if (display->terminal) {
		if (n > columns(display->fd))
			n = columns(display->fd);
		put(display, "\r\033[K", 4);
		put(display, line, n);
		display->drawn = true;
	} else {
		line[n] = '\n';
		put(display, line, n + 1);
	}
	display->shown_s = strads_clock_s();
	if (final)
		strads_display_end(display);
}

void
strads_display_show(struct strads_display *display, const struct strads_linear_progress *progress,
		    bool final)
{
	static const struct strads_linear_progress start;
	char line[256];
	size_t n;

	if (!strads_display_is_due(display, final))
		return;
	n = compose(final ? &start : &display->last, progress, line, sizeof line - 1);
	strads_display_line(display, line, n, final);
	display->last = *progress;
}

void
strads_display_end(struct strads_display *display)
{
	if (display->drawn)
		put(display, "\n", 1);
	display->drawn = false;
}

/* Progress as it arrives: lines in a file, one redrawn line on a terminal. */
#include "../../../apps/cli/display.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct strads_linear_progress early = {
    .seconds = 1, .sets = 10, .objective = 5, .gap = 0.5, .nonzeros = 3};
static const struct strads_linear_progress late = {
    .seconds = 2, .sets = 40, .objective = 4, .gap = 1e-7, .nonzeros = 2, .bytes_sent = {6000000}};

/* What is there to be read by now, as a string. */
static const char *
written(int fd, char *text, size_t room)
{
	ssize_t n = read(fd, text, room - 1);

	text[n > 0 ? n : 0] = 0;
	return text;
}

/* The next `bytes` bytes of a terminal, as a string: the kernel passes them on in its own time. */
static const char *
shown(int fd, char *text, size_t bytes)
{
	size_t n = 0;

	while (n < bytes && poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 10000) == 1) {
		ssize_t got = read(fd, text + n, bytes - n);

		assert_true(got > 0);
		n += (size_t)got;
	}
	text[n] = 0;
	return text;
}

static void
show__lines_at_most_one_a_second_and_the_last(void **state)
{
	struct strads_display display;
	char text[1024];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	strads_display_start(&display, ends[1], false);
	strads_display_show(&display, &early, false);
	assert_non_null(strstr(written(ends[0], text, sizeof text), "nonzeros 3"));
	display.shown_s += 3600; /* however long this test is kept waiting */
	strads_display_show(&display, &early, false);
	assert_string_equal(written(ends[0], text, sizeof text), "");
	strads_display_show(&display, &late, true);
	assert_string_equal(
	    written(ends[0], text, sizeof text),
	    "    2.00 s  objective 4  gap 1.00e-07  nonzeros 2  20 sets/s  3.0 MB/s\n");
	strads_display_end(&display);
	assert_string_equal(written(ends[0], text, sizeof text), "");
	close(ends[0]);
	close(ends[1]);
}

static void
show__redraws_on_a_terminal(void **state)
{
	const struct winsize narrow = {.ws_row = 24, .ws_col = 40};
	struct strads_display display;
	char text[1024];
	int near, far;

	(void)state;
	if (openpty(&far, &near, NULL, NULL, &narrow))
		skip();
	strads_display_start(&display, near, false);
	strads_display_show(&display, &early, false);
	assert_string_equal(shown(far, text, 4 + 39),
			    "\r\033[K    1.00 s  objective 5  gap 5.00e-01  ");
	strads_display_show(&display, &late, true);
	assert_string_equal(shown(far, text, 4 + 39 + 2),
			    "\r\033[K    2.00 s  objective 4  gap 1.00e-07  \r\n");
	close(near);
	close(far);
}

static void
show__quiet(void **state)
{
	struct strads_display display;
	char text[64];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	strads_display_start(&display, ends[1], true);
	strads_display_show(&display, &late, true);
	strads_display_end(&display);
	assert_string_equal(written(ends[0], text, sizeof text), "");
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(show__lines_at_most_one_a_second_and_the_last),
	    cmocka_unit_test(show__redraws_on_a_terminal),
	    cmocka_unit_test(show__quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

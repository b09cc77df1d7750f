/* The log as a file: whole lines, in order, and no silence about a full disk. */
#include "../../../apps/cli/log.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
write__each_line_is_one_object_at_once(void **state)
{
	char path[] = "log_lines.XXXXXX";
	int fd = mkstemp(path);
	struct strads_log *log;
	FILE *in;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_int_equal(strads_log_open(path, &log), STRADS_OK);
	for (int i = 0; i < 3; i++) {
		char line[256];
		json_t *read;

		strads_log_write(log, json_pack("{s:s, s:i, s:o}", "event", "a\nb", "number", i,
						"gap", strads_log_number(NAN)));
		assert_non_null(fgets(line, sizeof line, in)); /* there before the log is closed */
		read = json_loads(line, 0, NULL);
		assert_non_null(read);
		assert_int_equal(json_integer_value(json_object_get(read, "number")), i);
		assert_true(json_is_null(json_object_get(read, "gap")));
		json_decref(read);
		clearerr(in);
	}
	assert_int_equal(strads_log_close(&log), STRADS_OK);
	assert_null(log);
	assert_int_equal(fgetc(in), EOF);
	fclose(in);
	unlink(path);
}

static void
open__folder_missing(void **state)
{
	struct strads_log *log = NULL;

	(void)state;
	assert_int_equal(strads_log_open("no/such/folder/run.jsonl", &log), STRADS_ERR_IO);
	assert_null(log);
	assert_non_null(strstr(strads_error(), "no/such/folder/run.jsonl: No such file"));
}

static void
close__tells_of_a_full_disk(void **state)
{
	struct strads_log *log;

	(void)state;
	assert_int_equal(strads_log_open("/dev/full", &log), STRADS_OK);
	strads_log_write(log, json_pack("{s:i}", "number", 1));
	strads_log_write(log, json_pack("{s:i}", "number", 2));
	assert_int_equal(strads_log_close(&log), STRADS_ERR_IO);
	assert_non_null(strstr(strads_error(), "/dev/full is incomplete: No space left"));
}

static void
write__without_a_log(void **state)
{
	struct strads_log *log;

	(void)state;
	assert_int_equal(strads_log_open(NULL, &log), STRADS_OK);
	strads_log_write(log, json_pack("{s:i}", "number", 1));
	assert_int_equal(strads_log_close(&log), STRADS_OK);
	assert_int_equal(strads_log_close(&log), STRADS_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(write__each_line_is_one_object_at_once),
	    cmocka_unit_test(open__folder_missing),
	    cmocka_unit_test(close__tells_of_a_full_disk),
	    cmocka_unit_test(write__without_a_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Archives: told by their first bytes, whole or refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data_job.h"
#include "inflate.h"

#include <stdlib.h>
#include <string.h>

typedef void *compress(const void *data, size_t bytes, size_t *archive_bytes);

static const struct {
	const char *name;
	compress *compress;
} formats[] = {{"zstd", data_zstd}, {"xz", data_xz}, {"gzip", data_gzip}};

#define FORMATS    (sizeof(formats) / sizeof(formats[0]))
#define TEXT_BYTES ((size_t)9 << 20) /* more than two pieces */

static char *
text_new(size_t bytes)
{
	char *text = malloc(bytes);

	for (size_t i = 0; i < bytes; i++)
		text[i] = (char)(i * i % 97 + i / 4096 % 31);
	return text;
}

static void
inflate_file__gives_the_text(void **state)
{
	static const size_t sizes[] = {1, 4096, (size_t)4 << 20, TEXT_BYTES};
	char *text = text_new(TEXT_BYTES), *got;
	size_t archive_bytes, bytes;

	(void)state;
	for (size_t f = 0; f < FORMATS; f++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			void *archive = formats[f].compress(text, sizes[s], &archive_bytes);

			assert_int_equal(
			    strads_inflate_file(data_file("archive", archive, archive_bytes), &got,
						&bytes),
			    STRADS_OK);
			assert_int_equal(bytes, sizes[s]);
			assert_memory_equal(got, text, bytes);
			assert_int_equal(got[bytes], '\n');
			free(got);
			free(archive);
		}
	free(text);
}

static void
inflate_file__plain(void **state)
{
	char *got;
	size_t bytes;

	(void)state;
	assert_int_equal(strads_inflate_file(data_file("plain", "hello", 5), &got, &bytes),
			 STRADS_OK);
	assert_int_equal(bytes, 5);
	assert_memory_equal(got, "hello\n", 6);
	free(got);
}

/* gzip members and zstd and xz streams may follow each other in a file. */
static void
inflate_file__archives_one_after_another(void **state)
{
	char *text = text_new(10000), *got;
	size_t archive_bytes, bytes;

	(void)state;
	for (size_t f = 0; f < FORMATS; f++) {
		char *archive = formats[f].compress(text, 10000, &archive_bytes);
		char *twice = malloc(2 * archive_bytes);

		memcpy(twice, archive, archive_bytes);
		memcpy(twice + archive_bytes, archive, archive_bytes);
		assert_int_equal(
		    strads_inflate_file(data_file("twice", twice, 2 * archive_bytes), &got, &bytes),
		    STRADS_OK);
		assert_int_equal(bytes, 20000);
		assert_memory_equal(got, text, 10000);
		assert_memory_equal(got + 10000, text, 10000);
		free(got);
		free(twice);
		free(archive);
	}
	free(text);
}

static void
inflate_file__truncated_anywhere(void **state)
{
	char *text = text_new(30000), *got;
	size_t archive_bytes, bytes;

	(void)state;
	for (size_t f = 0; f < FORMATS; f++) {
		char *archive = formats[f].compress(text, 30000, &archive_bytes);

		for (size_t cut = 8; cut < archive_bytes; cut += 1 + archive_bytes / 23) {
			assert_int_equal(
			    strads_inflate_file(data_file("cut", archive, cut), &got, &bytes),
			    STRADS_ERR_INPUT);
			assert_non_null(strstr(strads_error(), "is truncated"));
			assert_non_null(strstr(strads_error(), formats[f].name));
		}
		free(archive);
	}
	free(text);
}

static void
inflate_file__corrupt(void **state)
{
	char *text = text_new(30000), *got;
	size_t archive_bytes, bytes;

	(void)state;
	for (size_t f = 0; f < FORMATS; f++) {
		char *archive = formats[f].compress(text, 30000, &archive_bytes);

		for (size_t i = archive_bytes / 2; i < archive_bytes / 2 + 16; i++)
			archive[i] = (char)~archive[i];
		if (f == 0) /* the zstd archives made here have no checksum: break the header */
			archive[4] = (char)0xff;
		assert_int_equal(
		    strads_inflate_file(data_file("corrupt", archive, archive_bytes), &got, &bytes),
		    STRADS_ERR_INPUT);
		assert_non_null(strstr(strads_error(), "corrupt"));
		free(archive);
	}
	free(text);
}

static void
inflate_file__formats_that_are_not_read(void **state)
{
	char *got;
	size_t bytes;

	(void)state;
	assert_int_equal(strads_inflate_file(data_file("a.bz2", "BZh91AY", 7), &got, &bytes),
			 STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "bunzip2"));
	assert_int_equal(
	    strads_inflate_file(data_file("a.lz4", "\x04\x22\x4d\x18 ", 5), &got, &bytes),
	    STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "lz4"));
}

static void
inflate_file__missing_or_a_folder(void **state)
{
	char *got;
	size_t bytes;

	(void)state;
	assert_int_equal(strads_inflate_file("no/such/file", &got, &bytes), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "no/such/file: No such file"));
	assert_int_equal(strads_inflate_file(data_folder(), &got, &bytes), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "not a regular file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(inflate_file__gives_the_text),
	    cmocka_unit_test(inflate_file__plain),
	    cmocka_unit_test(inflate_file__archives_one_after_another),
	    cmocka_unit_test(inflate_file__truncated_anywhere),
	    cmocka_unit_test(inflate_file__corrupt),
	    cmocka_unit_test(inflate_file__formats_that_are_not_read),
	    cmocka_unit_test(inflate_file__missing_or_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}

/*
 * Inputs that must be refused: one clear line that names file, line and fault, on every rank, by
 * any number of ranks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT STRADS_TEST_INPUT "/"

static const struct mangled {
	const char *file;
	const char *says; /* behind the folder of inputs */
	const char *response;
} mangled[] = {
    {"missing.svm", "missing.svm: No such file or directory", NULL},
    {"empty.svm", "empty.svm is empty", NULL},
    {"only-comments.svm", "only-comments.svm has no rows", NULL},
    {"truncated-value.svm", "truncated-value.svm:12: a value is missing", NULL},
    {"truncated-index.svm", "truncated-index.svm:12: '1' has no colon", NULL},
    {"value-nan.svm", "value-nan.svm:5: value 'nan' is not finite", NULL},
    {"value-inf.svm", "value-inf.svm:9: value '-Infinity' is not finite", NULL},
    {"label-nan.svm", "label-nan.svm:2: label 'NaN' is not finite", NULL},
    {"value-word.svm", "value-word.svm:7: value 'abc' is not a number", NULL},
    {"value-comma.svm", "value-comma.svm:7: value '1,5' is not a number", NULL},
    {"value-overflow.svm", "value-overflow.svm:3: value '1e999' is too large", NULL},
    {"value-missing.svm", "value-missing.svm:4: a value is missing", NULL},
    {"value-tail.svm", "value-tail.svm:4: value '1.5x' is not a number", NULL},
    {"label-word.svm", "label-word.svm:12: label 'spam' is not a number", NULL},
    {"label-missing.svm", "label-missing.svm:6: label '3:1' is not a number", NULL},
    {"label-list.svm", "label-list.svm:6: label '1,2' is not a number", NULL},
    {"index-zero.svm", "index-zero.svm:8: feature '0:1' has index 0: indices start at 1", NULL},
    {"index-beyond.svm", "index-beyond.svm:8: feature '4294967297:1' has an index beyond 2^32",
     NULL},
    {"index-huge.svm", "index-huge.svm:8: feature '99999999999999999999999:1' has an index beyond",
     NULL},
    {"index-negative.svm", "index-negative.svm:8: '-3:1' is not index:value", NULL},
    {"index-word.svm", "index-word.svm:10: 'word:1' is not index:value", NULL},
    {"index-twice.svm", "index-twice.svm:11: feature index 3 occurs twice in one row", NULL},
    {"colon-missing.svm", "colon-missing.svm:11: '5' has no colon", NULL},
    {"qid-word.svm", "qid-word.svm:1: 'qid:x' is not qid:number", NULL},
    {"nul.svm", "nul.svm:5: value '1?' is not a number", NULL},
    {"binary.svm", "binary.svm:1: label '", NULL},
    {"truncated.mtx", "truncated.mtx is truncated: it has 4 of the 5 entries", NULL},
    {"truncated-header.mtx", "truncated-header.mtx is truncated: it ends before", NULL},
    {"too-many.mtx", "too-many.mtx has 6 entries, its header announces 5", NULL},
    {"banner-complex.mtx", "banner-complex.mtx:1: field 'complex' is not read", NULL},
    {"banner-hermitian.mtx", "banner-hermitian.mtx:1: symmetry 'hermitian' is not read", NULL},
    {"banner-skew.mtx", "banner-skew.mtx:1: symmetry 'skew-symmetric' is not read", NULL},
    {"banner-vector.mtx", "banner-vector.mtx:1: the first line is not", NULL},
    {"banner-sparse.mtx", "banner-sparse.mtx:1: format 'sparse' is not read", NULL},
    {"array-symmetric.mtx", "array-symmetric.mtx:1: an array must be", NULL},
    {"array-short.mtx", "array-short.mtx is truncated: it has 3 of the 4 entries", NULL},
    {"sizes-word.mtx", "sizes-word.mtx:3: number of columns 'three' is not a whole number", NULL},
    {"sizes-none.mtx", "sizes-none.mtx:3: number of entries '' is not a whole number", NULL},
    {"sizes-zero.mtx", "sizes-zero.mtx:3: the matrix has no rows", NULL},
    {"sizes-tall.mtx", "more than 2^32 - 1 rows on one rank", NULL},
    {"sizes-wide.mtx", "sizes-wide.mtx:3: the matrix has more than 2^32 columns", NULL},
    {"symmetric-oblong.mtx", "symmetric-oblong.mtx:3: a symmetric matrix must be square", NULL},
    {"row-zero.mtx", "row-zero.mtx:6: row 0: indices start at 1", NULL},
    {"row-beyond.mtx", "row-beyond.mtx:6: row '5' is beyond the 4 of the header", NULL},
    {"column-beyond.mtx", "column-beyond.mtx:7: column '4' is beyond the 3 of the header", NULL},
    {"row-word.mtx", "row-word.mtx:7: row 'three' is not a whole number", NULL},
    {"value-missing.mtx", "value-missing.mtx:8: a value is missing", NULL},
    {"value-nan.mtx", "value-nan.mtx:8: value 'nan' is not finite", NULL},
    {"value-tail.mtx", "value-tail.mtx:8: '6' follows the entry", NULL},
    {"good.mtx", "missing.y: No such file or directory", "missing.y"},
    {"good.mtx", "short.y has 3 values, the matrix has 4 rows", "short.y"},
    {"good.mtx", "word.y:3: value 'three' is not a number", "word.y"},
    {"good.mtx", "two-columns.y:1: '2' follows the entry", "two-columns.y"},
    {"good.mtx", "two-columns.mtx has 2 columns: a response has one", "two-columns.mtx"},
    {"good.svm", "good.svm is svmlight text, whose labels are the responses", "good.y"},
};

static void
assert_refused(enum strads_job_kind kind, int ranks, const struct mangled *input)
{
	struct data_outcome outcome[DATA_RANKS_MAX];
	char data[512], response[512];
	struct strads_dataset_options options = {.data = data};

	snprintf(data, sizeof(data), INPUT "%s", input->file);
	if (input->response) {
		snprintf(response, sizeof(response), INPUT "%s", input->response);
		options.response = response;
	}
	data_job_read(kind, ranks, &options, outcome);
	for (int r = 0; r < ranks; r++) {
		if (outcome[r].status != STRADS_ERR_INPUT ||
		    !strstr(outcome[r].sentence, input->says) || strchr(outcome[r].sentence, '\n'))
			fail_msg("%s, rank %d of %d: %s, '%s'", input->file, r, ranks,
				 strads_status_name(outcome[r].status), outcome[r].sentence);
	}
}

static void
read__refuses_on_every_rank(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mangled) / sizeof(mangled[0]); i++) {
		assert_refused(STRADS_JOB_SELF, 1, &mangled[i]);
		assert_refused(STRADS_JOB_SIM, 2, &mangled[i]);
		assert_refused(STRADS_JOB_SIM, 4, &mangled[i]);
		assert_refused(STRADS_JOB_SIM, 13, &mangled[i]);
	}
}

static void
read__refuses_in_processes_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mangled) / sizeof(mangled[0]); i += 9)
		assert_refused(STRADS_JOB_LOCAL, 3, &mangled[i]);
}

/* The same faults inside an archive, with the same line numbers. */
static void
read__refuses_what_is_in_an_archive(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mangled) / sizeof(mangled[0]); i++) {
		struct data_outcome outcome[DATA_RANKS_MAX];
		char path[512], text[4096];
		size_t bytes, archive_bytes;
		void *archive;
		FILE *file;

		snprintf(path, sizeof(path), INPUT "%s", mangled[i].file);
		file = fopen(path, "rb");
		if (!file || mangled[i].response || strstr(mangled[i].says, "is empty")) {
			if (file)
				fclose(file);
			continue;
		}
		bytes = fread(text, 1, sizeof(text), file);
		fclose(file);
		archive = data_gzip(text, bytes, &archive_bytes);
		data_job_read(STRADS_JOB_SIM, 3,
			      &(struct strads_dataset_options){
				  .data = data_file(mangled[i].file, archive, archive_bytes)},
			      outcome);
		free(archive);
		for (int r = 0; r < 3; r++)
			if (outcome[r].status != STRADS_ERR_INPUT ||
			    !strstr(outcome[r].sentence, mangled[i].says))
				fail_msg("%s in gzip, rank %d: '%s'", mangled[i].file, r,
					 outcome[r].sentence);
	}
}

static void
read__refuses_an_empty_or_cut_archive(void **state)
{
	struct data_outcome outcome[DATA_RANKS_MAX];
	size_t archive_bytes;
	char *archive = data_zstd("", 0, &archive_bytes);
	struct strads_dataset_options options = {
	    .data = data_file("nothing.zst", archive, archive_bytes)};

	(void)state;
	data_job_read(STRADS_JOB_SIM, 4, &options, outcome);
	for (int r = 0; r < 4; r++) {
		assert_int_equal(outcome[r].status, STRADS_ERR_INPUT);
		assert_non_null(strstr(outcome[r].sentence, "nothing.zst is empty"));
	}
	free(archive);
	archive = data_zstd("1 1:1\n1 2:1\n", 12, &archive_bytes);
	options.data = data_file("cut.zst", archive, archive_bytes - 3);
	data_job_read(STRADS_JOB_SIM, 4, &options, outcome);
	for (int r = 0; r < 4; r++) {
		assert_int_equal(outcome[r].status, STRADS_ERR_INPUT);
		assert_non_null(strstr(outcome[r].sentence, "cut.zst is truncated"));
	}
	free(archive);
}

static void
read__more_ranks_than_rows(void **state)
{
	struct data_outcome outcome[DATA_RANKS_MAX];
	struct strads_dataset_options options = {.data = data_file("two.svm", "1 1:1\n2 2:1\n", 12),
						 .rows_per_rank = true};

	(void)state;
	data_job_read(STRADS_JOB_SIM, 3, &options, outcome);
	for (int r = 0; r < 3; r++) {
		assert_int_equal(outcome[r].status, STRADS_ERR_INPUT);
		assert_non_null(strstr(outcome[r].sentence, "2 rows for 3 ranks"));
	}
	options.data = INPUT "good.mtx";
	data_job_read(STRADS_JOB_SIM, 5, &options, outcome);
	assert_int_equal(outcome[4].status, STRADS_ERR_INPUT);
	assert_non_null(strstr(outcome[4].sentence, "4 rows for 5 ranks"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(read__refuses_on_every_rank),
	    cmocka_unit_test(read__refuses_in_processes_too),
	    cmocka_unit_test(read__refuses_what_is_in_an_archive),
	    cmocka_unit_test(read__refuses_an_empty_or_cut_archive),
	    cmocka_unit_test(read__more_ranks_than_rows),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}

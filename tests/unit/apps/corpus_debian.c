/*
 * The corpus of package descriptions, from small lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "corpus.h"
#include "data_job.h"
#include "inflate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static char out[512];

static const char packages_a[] = "Package: able\n"
				 "Version: 2\n"
				 "Installed-Size: 4096\n"
				 "Description: short\n"
				 "Description-md5: 11111111111111111111111111111111\n"
				 "Tag: a::b,\n"
				 " c::d\n"
				 "\n"
				 "Package: nosize\n"
				 "Description-md5: 11111111111111111111111111111111\n"
				 "\n"
				 "Package: notext\n"
				 "Installed-Size: 1\n"
				 "Description-md5: 99999999999999999999999999999999\n";
static const char packages_b[] = "\n\nPackage: able\n"
				 "Installed-Size: 7\n"
				 "Description-md5: 22222222222222222222222222222222\n"
				 "\n"
				 "Package: abacus\n"
				 "Installed-Size: 0\n"
				 "Description-md5: 22222222222222222222222222222222\n\n\n";
static const char translation[] = "Package: able\n"
				  "Description-md5: 11111111111111111111111111111111\n"
				  "Description-en: Big BIG game\n"
				  " A big game, caf\xc3\xa9.\n"
				  " .\n"
				  " x 3d\n"
				  "\n"
				  "Package: other\n"
				  "Description-md5: 22222222222222222222222222222222\n"
				  "Description-en: Small game\n";

static void
assert_file(const char *name, const char *expected)
{
	char path[600], *text;
	size_t bytes;

	snprintf(path, sizeof(path), "%s/%s", out, name);
	assert_int_equal(strads_inflate_file(path, &text, &bytes), STRADS_OK);
	text[bytes] = '\0';
	assert_string_equal(text, expected);
	free(text);
}

static void
lists_write(void)
{
	size_t bytes;
	void *archive = data_xz(translation, strlen(translation), &bytes);

	data_file("a_main_binary-amd64_Packages", packages_a, strlen(packages_a));
	data_file("b_main_binary-amd64_Packages", packages_b, strlen(packages_b));
	data_file("a_main_i18n_Translation-en.xz", archive, bytes);
	data_file("a_InRelease", "Package: no\n", 12);
	free(archive);
}

/* Whether a document is held out depends on its name alone; these two are for training. */
static void
names_check(void)
{
	assert_int_not_equal(XXH64("able", 4, 0) % 10, 0);
	assert_int_not_equal(XXH64("abacus", 6, 0) % 10, 0);
}

static void
corpus_debian__terms_weights_and_counts(void **state)
{
	struct strads_corpus_options options = {
	    .lists = data_folder(), .out = out, .ngram_max = 2, .min_df = 1};
	struct strads_corpus_counts counts;
	/* n = 2; "game" is in both. able: small game is document 1, abacus, by name. */
	double rare = log(3.0 / 2.0) + 1.0, norm, weight[16];
	char row[1024];
	int at;

	(void)state;
	names_check();
	lists_write();
	assert_int_equal(strads_corpus_debian(&options, &counts), STRADS_OK);
	assert_int_equal(counts.packages, 5);
	assert_int_equal(counts.without_size, 1);
	assert_int_equal(counts.without_text, 1);
	assert_int_equal(counts.repeated, 1);
	assert_int_equal(counts.documents, 2);
	assert_int_equal(counts.words, 2 + 7);
	assert_int_equal(counts.train, 2);
	assert_file("train.names", "abacus\nable\n");
	assert_file("documents.names", "abacus\nable\n");
	assert_file("documents.txt",
		    "Small game\nBig BIG game  A big game, caf\xc3\xa9.  .  x 3d\n");
	/* The words of able: big big game big game café 3d. */
	assert_file("vocab.txt", "small\nsmall game\ngame\n"
				 "big\nbig big\nbig game\ngame big\ngame caf\xc3\xa9\n"
				 "caf\xc3\xa9\ncaf\xc3\xa9 3d\n3d\n");
	norm = sqrt(2.0 * rare * rare + 1.0);
	at = snprintf(row, sizeof(row), "0.000000 1:%.7f 2:%.7f 3:%.7f\n", rare / norm, rare / norm,
		      1.0 / norm);
	weight[3] = 2.0;        /* game, twice, idf 1 */
	weight[4] = 3.0 * rare; /* big */
	weight[5] = weight[7] = weight[8] = weight[9] = weight[10] = weight[11] = rare;
	weight[6] = 2.0 * rare; /* big game */
	norm = 0.0;
	for (int j = 3; j <= 11; j++)
		norm += weight[j] * weight[j];
	at += snprintf(row + at, sizeof(row) - (size_t)at, "12.000000");
	for (int j = 3; j <= 11; j++)
		at += snprintf(row + at, sizeof(row) - (size_t)at, " %d:%.7f", j,
			       weight[j] / sqrt(norm));
	snprintf(row + at, sizeof(row) - (size_t)at, "\n");
	assert_file("train.svm", row);
	assert_file("test.svm", "");
}

static void
corpus_debian__rare_terms_left_out(void **state)
{
	struct strads_corpus_options options = {
	    .lists = data_folder(), .out = out, .ngram_max = 3, .min_df = 2};
	struct strads_corpus_counts counts;

	(void)state;
	lists_write();
	assert_int_equal(strads_corpus_debian(&options, &counts), STRADS_OK);
	assert_file("vocab.txt", "game\n");
	assert_file("train.svm", "0.000000 1:1\n12.000000 1:1\n");
	options.min_df = 3;
	assert_int_equal(strads_corpus_debian(&options, &counts), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "no term"));
}

/* A tenth is held out, its words that the training documents lack are dropped, and the reader takes
 * both files. */
static void
corpus_debian__held_out_documents(void **state)
{
	struct strads_corpus_options options = {
	    .lists = data_folder(), .out = out, .ngram_max = 1, .min_df = 1};
	struct data_outcome outcome[DATA_RANKS_MAX];
	struct strads_corpus_counts counts;
	struct strads_dataset_options dataset = {0};
	char *packages = malloc(1 << 20), *texts = malloc(1 << 20), path[600];
	int at = 0, to = 0;
	uint64_t held_out = 0;

	(void)state;
	for (int i = 0; i < 500; i++) {
		char name[16];

		snprintf(name, sizeof(name), "p%04d", i);
		held_out += XXH64(name, strlen(name), 0) % 10 == 0;
		at += sprintf(packages + at,
			      "Package: %s\nInstalled-Size: %d\nDescription-md5: %032d\n\n", name,
			      i + 1, i);
		to += sprintf(texts + to,
			      "Package: %s\nDescription-md5: %032d\nDescription-en: common word%d\n"
			      " own%d\n\n",
			      name, i, i % 50, i);
	}
	data_file("a_main_binary-amd64_Packages", packages, (size_t)at);
	data_file("b_main_binary-amd64_Packages", "", 0);
	data_file("a_main_i18n_Translation-en.xz", texts, (size_t)to);
	free(packages);
	free(texts);
	assert_int_equal(strads_corpus_debian(&options, &counts), STRADS_OK);
	assert_int_equal(counts.documents, 500);
	assert_int_equal(counts.test, held_out);
	assert_true(held_out > 20 && held_out < 90);
	assert_int_equal(counts.terms, 1 + 50 + counts.train);
	assert_int_equal(counts.test_entries, 2 * counts.test);
	snprintf(path, sizeof(path), "%s/test.svm", out);
	dataset.data = path;
	dataset.min_cols = dataset.max_cols = counts.terms;
	data_job_read(STRADS_JOB_SIM, 2, &dataset, outcome);
	assert_int_equal(outcome[0].status, STRADS_OK);
	assert_int_equal(outcome[0].rows_total, held_out);
	assert_int_equal(outcome[0].entries_total, counts.test_entries);
	snprintf(path, sizeof(path), "%s/train.svm", out);
	data_job_read(STRADS_JOB_SIM, 3, &dataset, outcome);
	assert_int_equal(outcome[0].status, STRADS_OK);
	assert_int_equal(outcome[0].rows_total, counts.train);
	assert_int_equal(outcome[0].entries_total, counts.train_entries);
	assert_int_equal(outcome[0].entries_total, 3 * counts.train);
}

static void
corpus_debian__no_lists(void **state)
{
	struct strads_corpus_options options = {
	    .lists = out, .out = out, .ngram_max = 3, .min_df = 1};
	struct strads_corpus_counts counts;

	(void)state;
	assert_int_equal(strads_corpus_debian(&options, &counts), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "no package lists in "));
	assert_non_null(strstr(strads_error(), "apt-get"));
	options.lists = "no/such/folder";
	assert_int_equal(strads_corpus_debian(&options, &counts), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "no/such/folder"));
}

static void
corpus_debian__no_translations(void **state)
{
	struct strads_corpus_options options = {
	    .lists = data_folder(), .out = out, .ngram_max = 3, .min_df = 1};
	struct strads_corpus_counts counts;

	(void)state;
	data_file("a_main_binary-amd64_Packages", packages_a, strlen(packages_a));
	assert_int_equal(strads_corpus_debian(&options, &counts), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "no English descriptions"));
}

static int
make_out(void **state)
{
	(void)state;
	snprintf(out, sizeof(out), "%s-out", data_folder());
	return mkdir(out, 0777);
}

static int
remove_all(void **state)
{
	data_remove(out);
	return data_folder_remove(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(corpus_debian__terms_weights_and_counts, make_out,
					    remove_all),
	    cmocka_unit_test_setup_teardown(corpus_debian__rare_terms_left_out, make_out,
					    remove_all),
	    cmocka_unit_test_setup_teardown(corpus_debian__held_out_documents, make_out,
					    remove_all),
	    cmocka_unit_test_setup_teardown(corpus_debian__no_lists, make_out, remove_all),
	    cmocka_unit_test_setup_teardown(corpus_debian__no_translations, make_out, remove_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

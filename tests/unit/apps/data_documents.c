/*
 * Files of documents: what is read, by any number of ranks, and what is refused.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data_job.h"
#include "lda_job.h"

static const int rank_counts[] = {1, 2, 5};

#define RANK_COUNTS (sizeof rank_counts / sizeof *rank_counts)

struct expected {
	uint64_t docs, words, tokens, empty;
	uint64_t content;
	const char *last_word;
};

static struct lda_job
reading_job(int ranks, const char *data, const char *vocabulary)
{
	struct lda_job job =
	    lda_job_defaults(ranks == 2 ? STRADS_JOB_LOCAL : STRADS_JOB_SIM, ranks, data);

	job.documents.vocabulary = vocabulary;
	job.lda.topics = 0;
	return job;
}

static void
assert_read_by(const struct strads_documents_options *options, const struct expected *expected)
{
	struct lda_result *results = lda_results_new();

	for (size_t n = 0; n < RANK_COUNTS; n++) {
		int ranks = rank_counts[n];
		struct lda_job job = reading_job(ranks, NULL, NULL);
		uint64_t content = 0, tokens = 0, docs = 0;

		job.documents = *options;
		lda_job_assert(&job, STRADS_LDA_DONE, results);
		for (int r = 0; r < ranks; r++) {
			assert_int_equal(results[r].docs_total, expected->docs);
			assert_int_equal(results[r].words, expected->words);
			assert_int_equal(results[r].tokens_total, expected->tokens);
			assert_int_equal(results[r].empty_total, expected->empty);
			assert_string_equal(results[r].last_word, expected->last_word);
			assert_int_equal(results[r].first, docs);
			docs += results[r].docs;
			content += results[r].content;
			tokens += results[r].tokens;
		}
		assert_int_equal(docs, expected->docs);
		assert_int_equal(tokens, expected->tokens);
		assert_int_equal(content, expected->content);
	}
	free(results);
}

static void
assert_read(const char *path, const char *vocabulary, const struct expected *expected)
{
	struct lda_job job = reading_job(1, path, vocabulary);

	assert_read_by(&job.documents, expected);
}

static const char *
text_file(const char *name, const char *text)
{
	return data_file(name, text, strlen(text));
}

/* The same three documents, the second one empty. */
static const struct expected three = {
    .docs = 3, .words = 4, .tokens = 7, .empty = 1, .last_word = ""};

static uint64_t
three_content(void)
{
	return lda_job_hash(0, 0, 2) + lda_job_hash(0, 3, 1) + lda_job_hash(2, 3, 3) +
	       lda_job_hash(2, 1, 1);
}

static void
read__takes_docword_in_any_order(void **state)
{
	static const char *const texts[] = {
	    "3\n4\n4\n1 1 2\n1 4 1\n3 2 1\n3 4 3\n",
	    "\xef\xbb\xbf"
	    "3\n4\n4\n1 1 2\n1 4 1\n3 2 1\n3 4 3\n",
	    " 3 \n4\r\n4\n3 4 3\n1 4 1\n\n3\t2 1\n1 1 2",
	};
	struct expected expected = three;

	(void)state;
	expected.content = three_content();
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_read(text_file("docword", texts[i]), NULL, &expected);
	expected.last_word = "d";
	assert_read(text_file("docword", texts[0]), text_file("vocab", "a\n b\nc c\nd\n"),
		    &expected);
}

static void
read__takes_ldac(void **state)
{
	struct expected expected = three;

	(void)state;
	expected.content = three_content();
	assert_read(text_file("ldac", "2 0:2 3:1\n0\n2  3:3 1:1 \n"), NULL, &expected);
	expected.words = 5;
	expected.last_word = "e";
	assert_read(text_file("ldac", "2 0:2 3:1\n0\n2 3:3 1:1"),
		    text_file("vocab", "a\nb\nc\nd\ne"), &expected);
}

static void
read__takes_text(void **state)
{
	struct expected expected = {.docs = 4,
				    .words = 4,
				    .tokens = 7,
				    .empty = 1,
				    .content = lda_job_hash(0, 2, 2) + lda_job_hash(0, 0, 1) +
					       lda_job_hash(2, 1, 2) + lda_job_hash(2, 0, 1) +
					       lda_job_hash(3, 3, 1),
				    .last_word = "na\xc3\xafve"};
	const char *text = "Dog, dog; a 42!\n\nThe the (42)\nna\xc3\xafve\n";

	(void)state;
	/* Shorter words first. */
	assert_read(text_file("text", text), NULL,
		    &(struct expected){.docs = 4,
				       .words = 4,
				       .tokens = 7,
				       .empty = 1,
				       .content = lda_job_hash(0, 1, 2) + lda_job_hash(0, 0, 1) +
						  lda_job_hash(2, 2, 2) + lda_job_hash(2, 0, 1) +
						  lda_job_hash(3, 3, 1),
				       .last_word = "na\xc3\xafve"});
	/* Those of a vocabulary alone, in its order. */
	assert_read(text_file("text", text), text_file("vocab", "42\nthe\ndog\nna\xc3\xafve\n"),
		    &expected);
}

static void
read__takes_compressed_files(void **state)
{
	const char *text = "3\n4\n4\n1 1 2\n1 4 1\n3 2 1\n3 4 3\n";
	struct expected expected = three;
	size_t bytes;
	void *archive = data_xz(text, strlen(text), &bytes);

	(void)state;
	expected.content = three_content();
	assert_read(data_file("docword.xz", archive, bytes), NULL, &expected);
	free(archive);
}

static void
read__takes_words_as_asked(void **state)
{
	struct lda_job job = reading_job(1, text_file("text", "It's 3D! 3D\nIT, ab\r\n"), NULL);
	struct strads_documents_options *options = &job.documents;

	(void)state;
	options->tokens = STRADS_TOKENS_LETTERS;
	assert_read_by(options,
		       &(struct expected){.docs = 2,
					  .words = 2,
					  .tokens = 3,
					  .content = lda_job_hash(0, 1, 1) + lda_job_hash(1, 1, 1) +
						     lda_job_hash(1, 0, 1),
					  .last_word = "it"});
	options->tokens = STRADS_TOKENS_BLANKS;
	options->bytes_min = 3;
	assert_read_by(options,
		       &(struct expected){.docs = 2,
					  .words = 3,
					  .tokens = 3,
					  .content = lda_job_hash(0, 2, 1) + lda_job_hash(0, 0, 1) +
						     lda_job_hash(1, 1, 1),
					  .last_word = "It's"});
}

static void
read__leaves_words_out(void **state)
{
	const char *text = "the cat the dog\nthe cow\nthe cat and cow\nowl\nthe and\n";
	struct lda_job job = reading_job(1, text_file("text", text), NULL);
	struct strads_documents_options *options = &job.documents;
	struct expected expected = {.docs = 5, .empty = 2};

	(void)state;
	/* and cat cow dog owl the: owl and dog are in one document, the in four of five. */
	options->documents_min = 2;
	options->share_max = 0.7;
	expected.words = 3;
	expected.tokens = 6;
	expected.empty = 1;
	expected.content = lda_job_hash(0, 1, 1) + lda_job_hash(1, 2, 1) + lda_job_hash(2, 1, 1) +
			   lda_job_hash(2, 0, 1) + lda_job_hash(2, 2, 1) + lda_job_hash(4, 0, 1);
	expected.last_word = "cow";
	assert_read_by(options, &expected);
	options->stop_words = "english";
	expected.words = 2;
	expected.tokens = 4;
	expected.empty = 2;
	expected.content = lda_job_hash(0, 0, 1) + lda_job_hash(1, 1, 1) + lda_job_hash(2, 0, 1) +
			   lda_job_hash(2, 1, 1);
	assert_read_by(options, &expected);
	/* Of a file; a share that is just reached stays. */
	options->documents_min = 0;
	options->share_max = 0.8;
	options->stop_words = text_file("stop", "cat  cow\n\nowl cat\tdog");
	expected.words = 2;
	expected.tokens = 7;
	expected.content = lda_job_hash(0, 1, 2) + lda_job_hash(1, 1, 1) + lda_job_hash(2, 1, 1) +
			   lda_job_hash(2, 0, 1) + lda_job_hash(4, 1, 1) + lda_job_hash(4, 0, 1);
	expected.empty = 1;
	expected.last_word = "the";
	assert_read_by(options, &expected);
}

static void
read__names_words_by_their_numbers_once_some_are_left_out(void **state)
{
	const char *text = "3\n4\n4\n1 1 2\n1 4 1\n3 2 1\n3 4 3\n";
	struct lda_job job = reading_job(1, text_file("docword", text), NULL);
	struct expected expected = {.docs = 3, .words = 1, .tokens = 4, .empty = 1};

	(void)state;
	job.documents.documents_min = 2;
	expected.content = lda_job_hash(0, 0, 1) + lda_job_hash(2, 0, 3);
	expected.last_word = "4";
	assert_read_by(&job.documents, &expected);
	job.documents.data = text_file("ldac", "2 0:2 3:1\n0\n2 3:3 1:1\n");
	expected.last_word = "3";
	assert_read_by(&job.documents, &expected);
}

static void
assert_refused_by(struct strads_documents_options *options, const char *text,
		  const char *vocabulary, const char *sentence)
{
	struct lda_result *results = lda_results_new();
	char path[512], words[512];

	snprintf(path, sizeof path, "%s", text_file("bad", text));
	options->data = path;
	if (vocabulary)
		snprintf(words, sizeof words, "%s", text_file("words", vocabulary));
	options->vocabulary = vocabulary ? words : NULL;
	for (size_t n = 0; n < RANK_COUNTS; n++) {
		struct lda_job job = reading_job(rank_counts[n], NULL, NULL);

		job.documents = *options;
		assert_int_equal(lda_job_run(&job, results), 0);
		for (int r = 0; r < rank_counts[n]; r++) {
			assert_int_equal(results[r].end.status, STRADS_ERR_INPUT);
			if (!strstr(results[r].end.error, sentence))
				fail_msg("'%s', not '%s'", results[r].end.error, sentence);
		}
	}
	free(results);
}

static void
assert_refused(const char *text, const char *vocabulary, const char *sentence)
{
	struct lda_job job = reading_job(1, NULL, NULL);

	assert_refused_by(&job.documents, text, vocabulary, sentence);
}

static void
read__refuses_to_leave_out_all(void **state)
{
	struct lda_job job = reading_job(1, NULL, NULL);

	(void)state;
	job.documents.documents_min = 3;
	assert_refused_by(&job.documents, "ab\nab cd\n", NULL, "every word of ");
	job.documents.stop_words = "english";
	assert_refused_by(&job.documents, "1\n1\n1\n1 1 1\n", NULL,
			  "has numbers for words: stop words need a vocabulary");
	job.documents.stop_words = "missing";
	assert_refused_by(&job.documents, "ab\n", NULL, "missing: No such file");
}

static void
read__names_what_is_wrong(void **state)
{
	(void)state;
	assert_refused("3\n4\n2\n1 1 2\n4 1 1\n", NULL,
		       "bad:5: document '4' is beyond the 3 of the header");
	assert_refused("3\n4\n2\n1 1 2\n1 5 1\n", NULL,
		       "bad:5: word '5' is beyond the 4 of the header");
	assert_refused("3\n4\n2\n0 1 2\n1 1 1\n", NULL,
		       "bad:4: document '0' is not a whole number from 1");
	assert_refused("3\n4\n2\n1 0 2\n1 1 1\n", NULL,
		       "bad:4: word '0' is not a whole number from 1");
	assert_refused("3\n4\n1\n1 1 0\n", NULL, "bad:4: count '0' is not a whole number from 1");
	assert_refused("3\n4\n1\n1 1 -2\n", NULL, "bad:4: count '-2' is not a whole number from 1");
	assert_refused("3\n4\n1\n1 1 1.5\n", NULL,
		       "bad:4: count '1.5' is not a whole number from 1");
	assert_refused("3\n4\n1\n1 1 5000000000\n", NULL, "bad:4: count '5000000000' is beyond");
	assert_refused("3\n4\n1\n1 1\n", NULL, "bad:4: the count is missing");
	assert_refused("3\n4\n1\n1 1 1 1\n", NULL, "bad:4: '1' follows");
	assert_refused("3\n4\n2\n1 1 1\n", NULL,
		       "bad has 1 entries, its header announces 2: it is truncated");
	assert_refused("3\n4\n5\n", NULL, "bad has 0 entries, its header announces 5");
	assert_refused("3\n4\n1\n1 1 1\n", "a\nb\n", "bad:2: 4 words, but ");
	assert_refused("2 0:2 3:1\n1 x:1\n", NULL,
		       "bad:2: word 'x:1' is not a whole number from 0");
	assert_refused("2 0:2 3:1\n2 1:1\n", NULL, "bad:2: the line has 1 words, not the '2'");
	assert_refused("2 0:2 3:1\n1 1:0\n", NULL, "bad:2: count '0' is not a whole number from 1");
	assert_refused("2 0:2 3:1\n1 7:1\n", "a\nb\nc\nd\n", "bad:2: word '7' is beyond the 4 of");
	assert_refused("a b\n", NULL, "bad has no words");
	assert_refused("dogs\n", "a\nb\na\n", "words:3: word 'a' is that of line 1, too");
	assert_refused("dogs\n", "a\n\nb\n", "words:2: the word is missing");
	assert_refused("dogs\n", "", "words is empty");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(read__takes_docword_in_any_order),
	    cmocka_unit_test(read__takes_ldac),
	    cmocka_unit_test(read__takes_text),
	    cmocka_unit_test(read__takes_compressed_files),
	    cmocka_unit_test(read__takes_words_as_asked),
	    cmocka_unit_test(read__leaves_words_out),
	    cmocka_unit_test(read__names_words_by_their_numbers_once_some_are_left_out),
	    cmocka_unit_test(read__refuses_to_leave_out_all),
	    cmocka_unit_test(read__names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}

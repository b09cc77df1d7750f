#include "command.h"

#include "../corpus/corpus.h"
#include "arguments.h"
#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#define AT(field) .offset = offsetof(struct strads_corpus_options, field)

static const struct strads_option corpus_options[] = {
    {.name = "lists",
     .value = "FOLDER",
     .fallback = "/var/lib/apt/lists",
     .kind = STRADS_OPTION_STRING,
     AT(lists),
     .doc = "Where apt keeps its package lists, fetched with Acquire::Languages=en"},
    {.name = "out",
     .value = "FOLDER",
     .kind = STRADS_OPTION_STRING,
     AT(out),
     .doc = "Receives train.svm, test.svm, vocab.txt, the descriptions as documents.txt, the names "
	    "of the packages and corpus.json; may also stand without --out"},
    {.name = "ngram",
     .value = "N",
     .fallback = "3",
     .kind = STRADS_OPTION_INT,
     .min = 1,
     .max = 3,
     AT(ngram_max),
     .doc = "Terms are 1 to this many words"},
    {.name = "min-df",
     .value = "N",
     .fallback = "1",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = INFINITY,
     AT(min_df),
     .doc = "Leave out terms in fewer training documents than this"},
    {0},
};

static void
print_counts(const struct strads_corpus_options *options, const struct strads_corpus_counts *counts)
{
	printf("%s: %" PRIu64 " documents (%" PRIu64 " to train on, %" PRIu64 " held out), %" PRIu64
	       " words, %" PRIu64 " terms, %" PRIu64 " entries\n",
	       options->out, counts->documents, counts->train, counts->test, counts->words,
	       counts->terms, counts->train_entries + counts->test_entries);
	printf("left out: %" PRIu64 " packages listed before, %" PRIu64 " without a size, %" PRIu64
	       " without a description\n",
	       counts->repeated, counts->without_size, counts->without_text);
}

int
strads_command_corpus_debian(int argc, char **argv)
{
	struct strads_corpus_options options = {0};
	struct strads_corpus_counts counts;
	const struct strads_option_group groups[] = {{"Corpus:", corpus_options, &options}, {0}};
	const struct strads_arguments arguments = {
	    .command = argv[0],
	    .about =
		"Make a regression problem of Debian's package lists, the size of a package from "
		"the words of its description, and documents of the descriptions.",
	    .positional = "out",
	    .groups = groups,
	};
	int status = strads_arguments_parse(&arguments, argc, argv);

	if (status == STRADS_AGAIN)
		return strads_run_printed(argv[0]);
	if (!status && !options.out)
		status = strads_fail(STRADS_ERR_INPUT, "no folder to write to: name it with --out");
	if (status)
		return strads_run_refuse(argv[0]);
	if (strads_corpus_debian(&options, &counts)) {
		fprintf(stderr, "%s: %s\n", argv[0], strads_error());
		return STRADS_EXIT_FAILED;
	}
	print_counts(&options, &counts);
	return strads_run_printed(argv[0]);
}

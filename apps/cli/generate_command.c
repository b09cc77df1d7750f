#include "command.h"

#include "../generate/generate.h"
#include "arguments.h"
#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(field) .offset = offsetof(struct strads_generate_lasso_options, field)

static const struct strads_option problem_options[] = {
    {.name = "rows",
     .value = "N",
     .fallback = "1000",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 4294967296.0,
     AT(rows),
     .doc = "Rows"},
    {.name = "cols",
     .value = "N",
     .fallback = "10000",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 4294967296.0,
     AT(cols),
     .doc = "Columns"},
    {.name = "nonzeros",
     .value = "N",
     .fallback = "25",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 4294967296.0,
     AT(nonzeros),
     .doc = "Nonzeros in every column, at most the rows"},
    {.name = "support",
     .value = "N",
     .fallback = "100",
     .kind = STRADS_OPTION_UINT,
     .max = 4294967296.0,
     AT(planted),
     .doc = "Nonzeros of the planted solution, at most the columns"},
    {.name = "noise",
     .value = "NUMBER",
     .fallback = "0.1",
     .kind = STRADS_OPTION_DOUBLE,
     .max = INFINITY,
     AT(noise),
     .doc = "Standard deviation of the noise over that of the response without it"},
    {.name = "seed",
     .value = "N",
     .fallback = "1",
     .kind = STRADS_OPTION_UINT,
     AT(seed),
     .doc = "Same seed, same bytes"},
    {0},
};

static const struct strads_option output_options[] = {
    {.name = "out",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(data),
     .doc = "The problem: MatrixMarket where the name ends in .mtx, else svmlight; may also stand "
	    "without --out"},
    {.name = "response",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(response),
     .doc = "The response, a number a line: needed with MatrixMarket"},
    {.name = "planted",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(solution),
     .doc = "The planted solution, `index value` a line"},
    {.name = "memory",
     .value = "BYTES",
     .fallback = "256M",
     .kind = STRADS_OPTION_SIZE,
     .min = 65536,
     .max = INFINITY,
     AT(memory_bytes),
     .doc = "For rows held while svmlight is written"},
    {0},
};

static bool
matrix_market(const char *path)
{
	size_t n = strlen(path);

	return n >= 4 && strcmp(path + n - 4, ".mtx") == 0;
}

static int
check(const struct strads_generate_lasso_options *options)
{
	if (!options->data)
		return strads_fail(STRADS_ERR_INPUT, "no file to write: name it with --out");
	if (matrix_market(options->data) != (options->response != NULL))
		return strads_fail(STRADS_ERR_INPUT,
				   "--response belongs to a MatrixMarket file (.mtx), which needs "
				   "it; svmlight has the response in its rows");
	if (options->nonzeros > options->rows)
		return strads_fail(STRADS_ERR_INPUT,
				   "--nonzeros: a column of %" PRIu64 " rows cannot have %" PRIu64,
				   options->rows, options->nonzeros);
	if (options->planted > options->cols)
		return strads_fail(STRADS_ERR_INPUT,
				   "--support: %" PRIu64 " columns cannot have %" PRIu64
				   " nonzero coefficients",
				   options->cols, options->planted);
	return STRADS_OK;
}

int
strads_command_generate_lasso(int argc, char **argv)
{
	struct strads_generate_lasso_options options = {0};
	const struct strads_option_group groups[] = {
	    {"Problem:", problem_options, &options}, {"Output:", output_options, &options}, {0}};
	const struct strads_arguments arguments = {
	    .command = argv[0],
	    .about = "Write a Lasso problem whose neighbouring columns are correlated, with a "
		     "planted solution.",
	    .positional = "out",
	    .groups = groups,
	};
	int status = strads_arguments_parse(&arguments, argc, argv);

	if (status == STRADS_AGAIN)
		return strads_run_printed(argv[0]);
	if (!status)
		status = check(&options);
	if (status)
		return strads_run_refuse(argv[0]);
	if (strads_generate_lasso(&options)) {
		fprintf(stderr, "%s: %s\n", argv[0], strads_error());
		return STRADS_EXIT_FAILED;
	}
	printf("%s: %" PRIu64 " rows, %" PRIu64 " columns of %" PRIu64 " nonzeros\n", options.data,
	       options.rows, options.cols, options.nonzeros);
	return strads_run_printed(argv[0]);
}

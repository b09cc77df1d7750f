#include "command.h"

#include "run.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

static const struct strads_command commands[] = {
    {"lasso", "fit a Lasso on several processes", strads_command_lasso},
    {"logistic", "fit an L1-regularised logistic regression", strads_command_logistic},
    {"lda", "find the topics of documents", strads_command_lda},
    {"mf", "factorize a matrix of ratings", strads_command_mf},
    {"recommend", "list the best unseen items for users of a factorization",
     strads_command_recommend},
    {"export", "write a model file as NumPy arrays or text", strads_command_export},
    {"generate lasso", "write a generated problem with a planted solution",
     strads_command_generate_lasso},
    {"corpus debian", "turn Debian's package descriptions into a problem",
     strads_command_corpus_debian},
    {"bench schedule", "measure what a schedule costs over any number of variables",
     strads_command_bench_schedule},
    {"bench", "measure operations, rounds and their steps, beside others", strads_command_bench},
    {"info", "what is built in, what this machine offers, the settings in force",
     strads_command_info},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static int
help(void)
{
	puts("Usage: strads COMMAND [OPTIONS]\n"
	     "\n"
	     "Scheduled model parallelism over RDMA: a model is updated a schedule set at a time "
	     "by\n"
	     "processes that read and write each other's memory.\n"
	     "\n"
	     "Commands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-16s %s\n", commands[i].name, commands[i].summary);
	puts("  help [COMMAND]   this, or the options of a command\n"
	     "\n"
	     "`strads COMMAND --help` lists the options; `strads --version` prints the version.\n"
	     "Ranks: --ranks N starts them on this host; under mpirun or srun every process is "
	     "one.");
	return strads_run_printed("strads");
}

/* How many of `words` the command's name takes, 0 if it is another. */
static int
match(const struct strads_command *command, int count, char **words)
{
	const char *name = command->name;
	int taken = 0;

	while (*name) {
		size_t n = strcspn(name, " ");

		if (taken == count || strlen(words[taken]) != n ||
		    strncmp(words[taken], name, n) != 0)
			return 0;
		taken++;
		name += n + strspn(name + n, " ");
	}
	return taken;
}

static const struct strads_command *
find(int count, char **words, int *taken)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		*taken = match(&commands[i], count, words);
		if (*taken)
			return &commands[i];
	}
	return NULL;
}

static int
unknown(int count, char **words)
{
	const struct strads_command *halfway = NULL;

	for (size_t i = 0; i < COMMANDS; i++) {
		size_t n = strcspn(commands[i].name, " ");

		if (commands[i].name[n] && strlen(words[0]) == n &&
		    strncmp(commands[i].name, words[0], n) == 0)
			halfway = &commands[i];
	}
	if (halfway)
		strads_fail(STRADS_ERR_INPUT, "'%s%s%s' is no command; did you mean `strads %s`?",
			    words[0], count > 1 ? " " : "", count > 1 ? words[1] : "",
			    halfway->name);
	else
		strads_fail(STRADS_ERR_INPUT, "'%s' is no command; see `strads help`", words[0]);
	return strads_run_refuse("strads");
}

/* Runs the command with its full name as argv[0], the words of the name gone. */
static int
run(const struct strads_command *command, int taken, int argc, char **argv)
{
	char name[64];

	snprintf(name, sizeof name, "strads %s", command->name);
	argv[taken] = name;
	return command->run(argc - taken, argv + taken);
}

int
strads_command_main(int argc, char **argv)
{
	const struct strads_command *command;
	bool asks_help = argc > 1 && strcmp(argv[1], "help") == 0;
	int words = argc - 1 - asks_help, taken;
	char **first = argv + 1 + asks_help;

	if (argc < 2) {
		strads_fail(STRADS_ERR_INPUT, "no command; see `strads help`");
		return strads_run_refuse("strads");
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("strads " STRADS_VERSION);
		return strads_run_printed("strads");
	}
	if (strcmp(argv[1], "--help") == 0 || (asks_help && words == 0))
		return help();
	command = find(words, first, &taken);
	if (!command)
		return unknown(words, first);
	if (asks_help) {
		char flag[] = "--help", *just_help[] = {NULL, flag, NULL};

		return run(command, 0, 2, just_help);
	}
	return run(command, taken, argc, argv);
}

/*
 * The subcommands of strads.
 */
#ifndef STRADS_CLI_COMMAND_H
#define STRADS_CLI_COMMAND_H

struct strads_command {
	const char *name;    /* "lasso"; "generate lasso" */
	const char *summary; /* one line of `strads help` */
	/* argv[0] is the command's full name. Returns the exit code of the process. */
	int (*run)(int argc, char **argv);
};

int strads_command_lasso(int argc, char **argv);
int strads_command_logistic(int argc, char **argv);
int strads_command_lda(int argc, char **argv);
int strads_command_mf(int argc, char **argv);
int strads_command_recommend(int argc, char **argv);
int strads_command_export(int argc, char **argv);
int strads_command_generate_lasso(int argc, char **argv);
int strads_command_corpus_debian(int argc, char **argv);
int strads_command_bench(int argc, char **argv);
int strads_command_bench_schedule(int argc, char **argv);
int strads_command_info(int argc, char **argv);

/* Finds the subcommand that the arguments begin with and runs it; help and version too. Returns
 * the exit code. Thread: main. */
int strads_command_main(int argc, char **argv);

#endif

/*
 * The options of every command that runs ranks: how many, over which fabric, and how the engine
 * carries their rounds.
 */
#ifndef STRADS_CLI_LAUNCH_H
#define STRADS_CLI_LAUNCH_H

#include "option.h"
#include "run.h"
#include "strads/engine.h"

struct strads_launch {
	const char *job;
	int ranks;
	const char *fabric;
	double timeout_s;
	struct strads_sim_options sim;
	struct strads_engine_options engine;
	const char *path_settings[STRADS_SETTINGS]; /* as strads_fabric_open takes them */
	struct strads_option path_options[STRADS_SETTINGS + 1];
};

/* Rows for groups whose settings are a struct strads_launch. */
extern const struct strads_option strads_launch_rank_options[];
extern const struct strads_option strads_launch_engine_options[];
extern const struct strads_option strads_launch_sim_options[];

/* The group of the paths' own settings, whose rows and values both live in `launch`. */
struct strads_option_group strads_launch_path_group(struct strads_launch *launch);

/* Whether huge pages that were set aside are asked for. */
bool strads_launch_reserves(const struct strads_launch *launch);

/* Checks what no single row can tell, and gives the engine the deadline of the waits. Returns
 * STRADS_OK, ERR_INPUT. */
STRADS_MUST_CHECK int strads_launch_settle(struct strads_launch *launch);

/* As strads_job_run, on the ranks that were asked for. */
int strads_launch_run(const struct strads_launch *launch, strads_rank_main *rank_main, void *arg);

/* All that a command does once its arguments were parsed with the status `parsed`: says what was
 * wrong with them, or starts the run, in *run, and its ranks. Returns the exit code. */
int strads_launch_command(const struct strads_launch *launch, int parsed, const char *command,
			  strads_rank_main *rank_main, void *arg, struct strads_run **run);

/* As strads_fabric_open, on the fabric that was asked for. Rank 0 says on stderr what its user
 * should know of it. */
STRADS_MUST_CHECK int strads_launch_open(const struct strads_launch *launch, struct strads_job *job,
					 struct strads_fabric **fabric);

/* Rank 0's first acts: what would fail at the end of a long run shall fail now. Returns a status.
 */
typedef int strads_launch_outputs(void *arg);

/* The same once all ranks are found to have the same settings and rank 0 has opened its outputs.
 * Ranks started by a launcher may find other variables in their environment; settings of the paths
 * may differ from host to host. Collective. Returns STRADS_OK, ERR_INPUT, ERR_MEMORY, or as
 * `open_outputs`, strads_job_gather and strads_fabric_open. */
STRADS_MUST_CHECK int strads_launch_begin(const struct strads_launch *launch,
					  struct strads_job *job,
					  const struct strads_option_group *groups,
					  strads_launch_outputs *open_outputs, void *arg,
					  struct strads_fabric **fabric);

#endif

/*
 * The options of `strads bench`.
 */
#ifndef STRADS_CLI_BENCH_OPTIONS_H
#define STRADS_CLI_BENCH_OPTIONS_H

#include "../bench/bench.h"
#include "launch.h"

struct strads_bench_settings {
	struct strads_launch launch;
	struct strads_bench_options bench;
	bool json, csv;
};

/* From a command line to settings; returns as strads_arguments_parse. */
STRADS_MUST_CHECK int strads_bench_settings_parse(struct strads_bench_settings *settings, int argc,
						  char **argv);

#endif

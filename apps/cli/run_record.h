/*
 * What the lines of every run's log have in common.
 */
#ifndef STRADS_CLI_RUN_RECORD_H
#define STRADS_CLI_RUN_RECORD_H

#include "log.h"
#include "option.h"
#include "strads/engine.h"

/* Rank 0's last words: the summary (taken; NULL without memory) on stdout if `json`, else what
 * `print` writes unless it is NULL, and in the log, which is closed. All is tried. Returns
 * STRADS_OK, or the first that failed: ERR_IO, ERR_MEMORY. */
STRADS_MUST_CHECK int strads_run_record_conclude(json_t *summary, struct strads_log **log,
						 bool json,
						 void (*print)(FILE *out, const void *arg),
						 const void *arg);

/* The others as new references, NULL without memory. */

/* The line `start`: the command, its settings, ranks, paths and machine. Thread: owner. */
json_t *strads_run_record_start(struct strads_fabric *fabric, const char *command,
				const struct strads_option_group *groups);

/* bytes [STRADS_OPS], by kind of operation. */
json_t *strads_run_record_bytes(const uint64_t *bytes);

/* Seconds at work and waiting, both [STRADS_STAGES], by stage. */
json_t *strads_run_record_stages(const double *busy, const double *stall);

/* A list of `ranks` numbers of bytes; empty for NULL. */
json_t *strads_run_record_peaks(const uint64_t *peak_bytes, int ranks);

#endif

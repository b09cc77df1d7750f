/*
 * The results as a table, as CSV or as one JSON object, with the circumstances in each.
 */
#ifndef STRADS_BENCH_REPORT_H
#define STRADS_BENCH_REPORT_H

#include "measure.h"

/* Prints on stdout in the format asked for; `environment` is borrowed. Returns STRADS_OK, ERR_IO,
 * ERR_MEMORY. */
STRADS_MUST_CHECK int strads_bench_report(const struct strads_bench *bench,
					  const struct strads_results *results,
					  json_t *environment);

#endif

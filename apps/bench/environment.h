/*
 * Under what circumstances the numbers came about.
 */
#ifndef STRADS_BENCH_ENVIRONMENT_H
#define STRADS_BENCH_ENVIRONMENT_H

#include "measure.h"

/* What every output carries: path, device, completion, progress, pinning, clock, kernel, versions.
 * `about` is borrowed, may be NULL. A new reference, NULL without memory. */
json_t *strads_bench_environment(const struct strads_bench *bench, const char *pinning,
				 json_t *about);

/* One line `# key: value` for each. */
void strads_bench_environment_print(FILE *out, json_t *environment);

#endif

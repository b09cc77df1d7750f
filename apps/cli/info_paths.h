/*
 * Whether each provider works here, and what it would use.
 */
#ifndef STRADS_CLI_INFO_PATHS_H
#define STRADS_CLI_INFO_PATHS_H

#include "launch.h"

#include <jansson.h>

/* {"shm": {"works": true, "path": …, "why": …, "signal": …, "completion": …}, "ofi": {"works":
 * false, "why": …}}: every provider of this build, opened by one rank with the settings of
 * `launch`. A new reference, NULL without memory. Thread: main. */
json_t *strads_info_paths(const struct strads_launch *launch);

#endif

/*
 * What runs here: versions, host and limits, for the log and for `strads info`.
 */
#ifndef STRADS_CLI_ABOUT_H
#define STRADS_CLI_ABOUT_H

#include <jansson.h>

/* Objects of strings and numbers; new references, NULL without memory. Thread: any. */
json_t *strads_about_versions(void);
json_t *strads_about_host(void);
json_t *strads_about_limits(void); /* null: unlimited */

#endif

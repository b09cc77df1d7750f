/*
 * RDMA devices as `strads info` shows them.
 */
#ifndef STRADS_CLI_INFO_DEVICES_H
#define STRADS_CLI_INFO_DEVICES_H

#include "strads/survey.h"

#include <jansson.h>

/* [{"name": …, "ports": […]}, …]; a new reference, NULL without memory. Thread: any. */
json_t *strads_info_devices(const struct strads_survey *survey);

/* Prints them for people. */
void strads_info_devices_print(const struct strads_survey *survey);

#endif

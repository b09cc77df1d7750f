/*
 * The options of the commands that fit a model: `strads lasso`, `strads logistic`.
 */
#ifndef STRADS_CLI_FIT_OPTIONS_H
#define STRADS_CLI_FIT_OPTIONS_H

#include "fit_settings.h"

#define STRADS_FIT_GROUPS 13

/* The table over `settings` for their family, with its end, into `groups`. */
void strads_fit_groups(struct strads_fit_settings *settings,
		       struct strads_option_group groups[STRADS_FIT_GROUPS + 1]);

/* As --scheduler names it. */
const char *strads_fit_scheduler_name(int scheduler);

#endif

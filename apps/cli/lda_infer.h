/*
 * `strads lda --infer`: the topics of documents by a model that is there.
 */
#ifndef STRADS_CLI_LDA_INFER_H
#define STRADS_CLI_LDA_INFER_H

#include "lda_options.h"
#include "run.h"

/* What all ranks of the process start from. */
struct strads_lda_infer_task {
	const struct strads_lda_settings *settings;
	struct strads_run *run;
};

/* One rank from start to end; arg is the task. Returns its exit code. */
int strads_lda_infer_rank(struct strads_job *job, void *arg);

#endif

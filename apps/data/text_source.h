/*
 * The kinds of text. Internal to apps/data/.
 */
#ifndef STRADS_TEXT_SOURCE_H
#define STRADS_TEXT_SOURCE_H

#include "inflate.h"
#include "text.h"

/* A plain file of `bytes` bytes, opened by every rank. Collective. */
STRADS_MUST_CHECK int strads_text_file(struct strads_job *job, const char *path, uint64_t bytes,
				       struct strads_text **text);

/* A compressed file: `inflate` is open on rank 0, NULL elsewhere. Collective. */
STRADS_MUST_CHECK int strads_text_shared(struct strads_fabric *fabric, const char *path,
					 struct strads_inflate *inflate, struct strads_text **text);

#endif

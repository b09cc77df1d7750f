#include "codec.h"

#include <string.h>

static int
plain_open(void **stream)
{
	*stream = NULL;
	return STRADS_OK;
}

static int
plain_step(void *stream, struct strads_codec_step *step)
{
	size_t bytes = step->in_bytes < step->out_bytes ? step->in_bytes : step->out_bytes;

	(void)stream;
	if (bytes)
		memcpy(step->out, step->in, bytes);
	step->in += bytes;
	step->in_bytes -= bytes;
	step->out += bytes;
	step->out_bytes -= bytes;
	step->whole = true;
	return STRADS_OK;
}

static void
plain_close(void *stream)
{
	(void)stream;
}

const struct strads_codec strads_codec_plain = {
    .name = "plain",
    .open = plain_open,
    .step = plain_step,
    .close = plain_close,
};

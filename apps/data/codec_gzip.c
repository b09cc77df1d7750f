#include "codec.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct gzip {
	z_stream decoder;
	bool member_ended; /* more input starts a new member */
};

static int
gzip_open(void **stream)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return STRADS_ERR_MEMORY;
	if (inflateInit2(&gzip->decoder, MAX_WBITS + 16) != Z_OK) { /* + 16: gzip only */
		free(gzip);
		return STRADS_ERR_MEMORY;
	}
	*stream = gzip;
	return STRADS_OK;
}

static unsigned
clamp_bytes(size_t bytes)
{
	return bytes > INT_MAX ? INT_MAX : (unsigned)bytes;
}

static int
gzip_step(void *stream, struct strads_codec_step *step)
{
	struct gzip *gzip = stream;
	z_stream *decoder = &gzip->decoder;
	int result;

	if (gzip->member_ended) {
		if (!step->in_bytes)
			return STRADS_OK;
		if (inflateReset(decoder) != Z_OK)
			return STRADS_ERR_INPUT;
		gzip->member_ended = false;
	}
	decoder->next_in = (Bytef *)step->in;
	decoder->avail_in = clamp_bytes(step->in_bytes);
	decoder->next_out = step->out;
	decoder->avail_out = clamp_bytes(step->out_bytes);
	result = inflate(decoder, Z_NO_FLUSH);
	step->in_bytes -= (size_t)(decoder->next_in - step->in);
	step->in = decoder->next_in;
	step->out_bytes -= (size_t)(decoder->next_out - step->out);
	step->out = decoder->next_out;
	gzip->member_ended = result == Z_STREAM_END;
	step->whole = gzip->member_ended;
	switch (result) {
	case Z_OK:
	case Z_STREAM_END:
	case Z_BUF_ERROR: /* no progress possible: the caller sees that by itself */
		return STRADS_OK;
	case Z_MEM_ERROR:
		return STRADS_ERR_MEMORY;
	default:
		return STRADS_ERR_INPUT;
	}
}

static void
gzip_close(void *stream)
{
	struct gzip *gzip = stream;

	inflateEnd(&gzip->decoder);
	free(gzip);
}

const struct strads_codec strads_codec_gzip = {
    .name = "gzip",
    .magic = {0x1f, 0x8b},
    .magic_bytes = 2,
    .open = gzip_open,
    .step = gzip_step,
    .close = gzip_close,
};

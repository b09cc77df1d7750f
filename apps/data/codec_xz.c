#include "codec.h"

#include <lzma.h>
#include <stdlib.h>

static int
xz_open(void **stream)
{
	lzma_stream *decoder = malloc(sizeof(*decoder));

	if (!decoder)
		return STRADS_ERR_MEMORY;
	*decoder = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(decoder, UINT64_MAX, LZMA_CONCATENATED) != LZMA_OK) {
		free(decoder);
		return STRADS_ERR_MEMORY;
	}
	*stream = decoder;
	return STRADS_OK;
}

static int
xz_step(void *stream, struct strads_codec_step *step)
{
	lzma_stream *decoder = stream;
	lzma_ret result;

	decoder->next_in = step->in;
	decoder->avail_in = step->in_bytes;
	decoder->next_out = step->out;
	decoder->avail_out = step->out_bytes;
	result = lzma_code(decoder, step->in_ended ? LZMA_FINISH : LZMA_RUN);
	step->in = decoder->next_in;
	step->in_bytes = decoder->avail_in;
	step->out = decoder->next_out;
	step->out_bytes = decoder->avail_out;
	step->whole = result == LZMA_STREAM_END;
	switch (result) {
	case LZMA_OK:
	case LZMA_STREAM_END:
	case LZMA_BUF_ERROR: /* no progress possible: the caller sees that by itself */
		return STRADS_OK;
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return STRADS_ERR_MEMORY;
	default:
		return STRADS_ERR_INPUT;
	}
}

static void
xz_close(void *stream)
{
	lzma_end(stream);
	free(stream);
}

const struct strads_codec strads_codec_xz = {
    .name = "xz",
    .magic = {0xfd, '7', 'z', 'X', 'Z', 0x00},
    .magic_bytes = 6,
    .open = xz_open,
    .step = xz_step,
    .close = xz_close,
};

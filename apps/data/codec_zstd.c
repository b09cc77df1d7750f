#include "codec.h"

#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW_LOG_MAX 31 /* what zstd --ultra --long=31 may need */

static int
zstd_open(void **stream)
{
	ZSTD_DStream *decoder = ZSTD_createDStream();

	if (!decoder)
		return STRADS_ERR_MEMORY;
	if (ZSTD_isError(ZSTD_DCtx_setParameter(decoder, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
		ZSTD_freeDStream(decoder);
		return STRADS_ERR_MEMORY;
	}
	*stream = decoder;
	return STRADS_OK;
}

/* Frames may follow each other; the decoder starts the next one by itself. */
static int
zstd_step(void *stream, struct strads_codec_step *step)
{
	ZSTD_inBuffer in = {step->in, step->in_bytes, 0};
	ZSTD_outBuffer out = {step->out, step->out_bytes, 0};
	size_t left = ZSTD_decompressStream(stream, &out, &in);

	if (ZSTD_isError(left))
		return ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation ? STRADS_ERR_MEMORY
									       : STRADS_ERR_INPUT;
	/* Asked again without input at the end of a frame, it asks for the next frame's header:
	 * that does not make the archive incomplete. */
	if (in.pos || out.pos)
		step->whole = left == 0;
	step->in += in.pos;
	step->in_bytes -= in.pos;
	step->out += out.pos;
	step->out_bytes -= out.pos;
	return STRADS_OK;
}

static void
zstd_close(void *stream)
{
	ZSTD_freeDStream(stream);
}

const struct strads_codec strads_codec_zstd = {
    .name = "zstd",
    .magic = {0x28, 0xb5, 0x2f, 0xfd},
    .magic_bytes = 4,
    .open = zstd_open,
    .step = zstd_step,
    .close = zstd_close,
};

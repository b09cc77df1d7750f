#include "codec.h"

#include <string.h>

/* Formats that are recognised in order to say what to do about them. */
static const struct strads_codec strads_codec_bzip2 = {
    .name = "bzip2",
    .magic = {'B', 'Z', 'h'},
    .magic_bytes = 3,
    .advice = "decompress it with bunzip2",
};

static const struct strads_codec strads_codec_lz4 = {
    .name = "lz4",
    .magic = {0x04, 0x22, 0x4d, 0x18},
    .magic_bytes = 4,
    .advice = "decompress it with lz4 -d (lists of apt: fetch them with "
	      "-o Acquire::GzipIndexes=false)",
};

static const struct strads_codec strads_codec_zip = {
    .name = "zip",
    .magic = {'P', 'K', 0x03, 0x04},
    .magic_bytes = 4,
    .advice = "unpack it with unzip",
};

static const struct strads_codec *const codecs[] = {
    &strads_codec_zstd,  &strads_codec_xz,  &strads_codec_gzip,
    &strads_codec_bzip2, &strads_codec_lz4, &strads_codec_zip,
};

const struct strads_codec *
strads_codec_find(const uint8_t *start, size_t bytes)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (bytes >= codecs[i]->magic_bytes &&
		    memcmp(start, codecs[i]->magic, codecs[i]->magic_bytes) == 0)
			return codecs[i];
	return &strads_codec_plain;
}

/*
 * Compressed formats: one table entry each, told apart by their first bytes.
 */
#ifndef STRADS_CODEC_H
#define STRADS_CODEC_H

#include "strads/transport.h"

#define STRADS_CODEC_MAGIC_MAX 6

/* One step's input and output; a step advances both as far as it can. */
struct strads_codec_step {
	const uint8_t *in;
	size_t in_bytes;
	uint8_t *out;
	size_t out_bytes;
	bool in_ended; /* no input will follow */
	bool whole;    /* written by the step: the input so far is a complete archive */
};

struct strads_codec {
	const char *name;
	uint8_t magic[STRADS_CODEC_MAGIC_MAX];
	size_t magic_bytes; /* 0: matches everything (plain text) */
	const char *advice; /* NULL; else the format is not read, and what to do */
	int (*open)(void **stream);
	/* STRADS_OK, or ERR_INPUT (corrupt) or ERR_MEMORY without a sentence. */
	int (*step)(void *stream, struct strads_codec_step *step);
	void (*close)(void *stream);
};

extern const struct strads_codec strads_codec_plain;
extern const struct strads_codec strads_codec_zstd;
extern const struct strads_codec strads_codec_xz;
extern const struct strads_codec strads_codec_gzip;

/* The codec of a file that starts with these bytes; never NULL. Thread: any. */
const struct strads_codec *strads_codec_find(const uint8_t *start, size_t bytes);

#endif

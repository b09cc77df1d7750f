/*
 * The packages of a folder of apt's lists, with their descriptions.
 */
#ifndef STRADS_PACKAGES_H
#define STRADS_PACKAGES_H

#include "corpus.h"
#include "stanza.h"

/* One document. The slices point into the texts of the struct strads_packages. */
struct strads_package {
	struct strads_slice name;
	struct strads_slice text;
	uint64_t installed_kib;
};

struct strads_packages {
	struct strads_package *package; /* [count], by name */
	size_t count;
	char **text; /* [texts] the lists' contents */
	size_t texts, texts_room;
};

/* Reads the lists and joins packages to descriptions by Description-md5. Fills in the first counts
 * of `counts` (up to documents). Returns STRADS_OK, ERR_INPUT, ERR_IO, ERR_MEMORY; `packages` is to
 * be freed also on failure. Thread: any. */
STRADS_MUST_CHECK int strads_packages_read(const char *folder, struct strads_packages *packages,
					   struct strads_corpus_counts *counts);
void strads_packages_free(struct strads_packages *packages);

#endif

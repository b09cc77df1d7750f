/*
 * The secret that the ranks of one job share, and proofs of knowing it: HMAC-SHA-256 (RFC 2104,
 * FIPS 180-4). The secret itself never travels.
 */
#ifndef STRADS_SECRET_H
#define STRADS_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRADS_SECRET_MAX 256 /* bytes */
#define STRADS_PROOF      32  /* bytes */

struct strads_secret {
	size_t length; /* 0: there is none, which proves nothing */
	uint8_t bytes[STRADS_SECRET_MAX];
};

/* The proof over `label`, which says what it is for, and n bytes. */
void strads_secret_prove(const struct strads_secret *secret, const char *label, const void *bytes,
			 size_t n, uint8_t proof[STRADS_PROOF]);

/* In a time that does not depend on where the first difference is. */
bool strads_secret_same(const uint8_t a[STRADS_PROOF], const uint8_t b[STRADS_PROOF]);

#endif

#include "job/secret.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>

_Static_assert(STRADS_PROOF == SHA256_DIGEST_SIZE, "a proof is a digest");

void
strads_secret_prove(const struct strads_secret *secret, const char *label, const void *bytes,
		    size_t n, uint8_t proof[STRADS_PROOF])
{
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, secret->length, secret->bytes);
	hmac_sha256_update(&hmac, strlen(label) + 1, (const uint8_t *)label);
	hmac_sha256_update(&hmac, n, bytes);
	hmac_sha256_digest(&hmac, STRADS_PROOF, proof);
	explicit_bzero(&hmac, sizeof hmac);
}

bool
strads_secret_same(const uint8_t a[STRADS_PROOF], const uint8_t b[STRADS_PROOF])
{
	return memeql_sec(a, b, STRADS_PROOF);
}

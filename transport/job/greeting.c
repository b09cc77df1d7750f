#include "job/greeting.h"

#include "job/cookie.h"
#include "strads/transport.h"

#include <endian.h>
#include <string.h>

int
strads_greeting_draw(struct strads_greeting *greeting)
{
	*greeting = (struct strads_greeting){.magic = STRADS_GREETING_MAGIC,
					     .version = htole32(STRADS_GREETING_VERSION)};
	return strads_cookie_draw(greeting->nonce, sizeof greeting->nonce);
}

void
strads_talk_prove_rank(const struct strads_talk *talk, const struct strads_secret *secret,
		       uint8_t proof[STRADS_PROOF])
{
	strads_secret_prove(secret, "rank", talk, offsetof(struct strads_talk, introduction.proof),
			    proof);
}

void
strads_talk_prove_root(const struct strads_talk *talk, const struct strads_secret *secret,
		       uint8_t proof[STRADS_PROOF])
{
	strads_secret_prove(secret, "root", talk, offsetof(struct strads_talk, admission.proof),
			    proof);
}

uint64_t
strads_greeting_cookie(const uint8_t job[16], const struct strads_secret *secret)
{
	uint8_t proof[STRADS_PROOF];
	uint64_t cookie;

	strads_secret_prove(secret, "job", job, 16, proof);
	memcpy(&cookie, proof, sizeof cookie);
	return le64toh(cookie);
}

/*
 * What a rank and the door of the hub say to each other before anything else, in messages of fixed
 * size, little-endian:
 *
 *	rank → door   greeting       version, and a number drawn at random
 *	door → rank   greeting       the same of the door
 *	rank → door   introduction   which rank, with a proof over all that was said
 *	door → rank   admission      the verdict, with a proof over all that was said
 *
 * Each side's proof covers the other's random number, so that nothing heard once can be said again.
 */
#ifndef STRADS_GREETING_H
#define STRADS_GREETING_H

#include "job/secret.h"

#define STRADS_GREETING_MAGIC   "STRADSJ" /* with its 0: 8 bytes */
#define STRADS_GREETING_VERSION 1u        /* of all messages of the control channel */

/* The same in every version, so that two versions can tell each other what they are. */
struct strads_greeting {
	uint8_t magic[8];
	uint32_t version;
	uint32_t zero;
	uint8_t job[16]; /* drawn once for a job; from a rank: zero */
	uint8_t nonce[32];
};
_Static_assert(sizeof(struct strads_greeting) == 64, "the greeting is a wire format");

struct strads_introduction {
	uint32_t rank;
	uint32_t size; /* ranks of the job, as this one was told */
	uint32_t pid;
	uint32_t zero;
	char host[64]; /* on which it runs */
	uint8_t proof[STRADS_PROOF];
};
_Static_assert(sizeof(struct strads_introduction) == 112, "the introduction is a wire format");

enum strads_admission_verdict {
	STRADS_ADMITTED,
	STRADS_WRONG_SECRET, /* the proof below is zero */
	STRADS_WRONG_SIZE,
	STRADS_NO_SUCH_RANK,
	STRADS_RANK_TAKEN,
};

struct strads_admission {
	uint32_t verdict;
	uint32_t size; /* ranks of the job */
	uint8_t proof[STRADS_PROOF];
};
_Static_assert(sizeof(struct strads_admission) == 40, "the admission is a wire format");

/* All that was said, in order. */
struct strads_talk {
	struct strads_greeting hello;
	struct strads_greeting challenge;
	struct strads_introduction introduction;
	struct strads_admission admission;
};

/* A greeting with a new random number. Returns STRADS_OK, ERR_IO. */
int strads_greeting_draw(struct strads_greeting *greeting);

/* The proofs of the two sides, over what was said before and the message that the proof ends. */
void strads_talk_prove_rank(const struct strads_talk *talk, const struct strads_secret *secret,
			    uint8_t proof[STRADS_PROOF]);
void strads_talk_prove_root(const struct strads_talk *talk, const struct strads_secret *secret,
			    uint8_t proof[STRADS_PROOF]);

/* The job's cookie, which follows from the number drawn for the job and the secret. */
uint64_t strads_greeting_cookie(const uint8_t job[16], const struct strads_secret *secret);

#endif

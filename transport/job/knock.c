#include "job/knock.h"

#include "job/greeting.h"
#include "job/socket.h"
#include "strads/transport.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whether it is this version of strads that has greeted. */
static int
check_challenge(const struct strads_knock *knock, const struct strads_greeting *challenge)
{
	uint32_t version = le32toh(challenge->version);

	if (memcmp(challenge->magic, STRADS_GREETING_MAGIC, sizeof challenge->magic) != 0)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "what answers at %s is no strads job: check the address",
				   knock->where);
	if (version != STRADS_GREETING_VERSION)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "rank 0 at %s speaks version %u of the control channel, this "
				   "strads version %u: start the same strads on all hosts",
				   knock->where, version, STRADS_GREETING_VERSION);
	return STRADS_OK;
}

static void
introduce(const struct strads_knock *knock, struct strads_talk *talk)
{
	struct strads_introduction *introduction = &talk->introduction;

	*introduction = (struct strads_introduction){
	    .rank = htole32((uint32_t)knock->rank),
	    .size = htole32((uint32_t)knock->size),
	    .pid = htole32((uint32_t)getpid()),
	};
	snprintf(introduction->host, sizeof introduction->host, "%s", knock->host);
	strads_talk_prove_rank(talk, knock->secret, introduction->proof);
}

static int
check_admission(const struct strads_knock *knock, const struct strads_talk *talk)
{
	const struct strads_admission *admission = &talk->admission;
	uint8_t proof[STRADS_PROOF];
	uint32_t size = le32toh(admission->size);

	if (le32toh(admission->verdict) == STRADS_WRONG_SECRET)
		return strads_fail(STRADS_ERR_ACCESS,
				   "rank 0 at %s has another secret: give all ranks the same one",
				   knock->where);
	strads_talk_prove_root(talk, knock->secret, proof);
	if (!strads_secret_same(proof, admission->proof))
		return strads_fail(STRADS_ERR_ACCESS,
				   "what answers at %s does not know the secret of this job: check "
				   "the address",
				   knock->where);
	switch (le32toh(admission->verdict)) {
	case STRADS_ADMITTED:
		return STRADS_OK;
	case STRADS_WRONG_SIZE:
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "the job at %s has %u ranks, and this rank was told of %d: "
				   "start all with the same number",
				   knock->where, size, knock->size);
	case STRADS_RANK_TAKEN:
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "the job at %s has a rank %d already: give every process a "
				   "number of its own",
				   knock->where, knock->rank);
	default:
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "the job at %s has ranks 0 to %u, and no rank %d", knock->where,
				   size - 1, knock->rank);
	}
}

int
strads_knock(const struct strads_knock *knock, int fd, uint64_t deadline_ms, uint64_t *cookie)
{
	struct strads_talk talk;
	int status = strads_greeting_draw(&talk.hello);

	if (!status)
		status = strads_socket_send(fd, &talk.hello, sizeof talk.hello, deadline_ms);
	if (!status)
		status =
		    strads_socket_receive(fd, &talk.challenge, sizeof talk.challenge, deadline_ms);
	if (!status)
		status = check_challenge(knock, &talk.challenge);
	if (status)
		return status;
	introduce(knock, &talk);
	status = strads_socket_send(fd, &talk.introduction, sizeof talk.introduction, deadline_ms);
	if (!status)
		status =
		    strads_socket_receive(fd, &talk.admission, sizeof talk.admission, deadline_ms);
	if (!status)
		status = check_admission(knock, &talk);
	if (!status)
		*cookie = strads_greeting_cookie(talk.challenge.job, knock->secret);
	return status;
}

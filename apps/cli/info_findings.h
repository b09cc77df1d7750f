/*
 * What is wrong on this host, or slower than it might be, and how to mend it.
 */
#ifndef STRADS_CLI_INFO_FINDINGS_H
#define STRADS_CLI_INFO_FINDINGS_H

#include "limits.h"
#include "strads/survey.h"

/* What the findings are drawn from; all borrowed. */
struct strads_info_facts {
	const struct strads_survey *survey;
	const struct strads_limits *limits;
	uint64_t memory_bytes; /* that a rank may come to register: --memory */
	bool reserved_pages;   /* --huge-pages reserved */
	bool verbs_works;      /* a rank here can open that path */
};

/* [{"what": sentence, "advice": sentence}, …], the gravest first; a new reference, NULL without
 * memory. Thread: any. */
json_t *strads_info_findings(const struct strads_info_facts *facts);

#endif

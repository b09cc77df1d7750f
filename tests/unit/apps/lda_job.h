/*
 * Finds topics in a small file of documents on all ranks of a job and tells what each rank saw.
 */
#ifndef STRADS_TEST_LDA_JOB_H
#define STRADS_TEST_LDA_JOB_H

#include "../../../apps/lda/lda.h"
#include "ranks.h"

#define LDA_RANKS_MAX  8
#define LDA_DOCS_MAX   48
#define LDA_WORDS_MAX  64
#define LDA_TOPICS_MAX 40
#define LDA_POINTS_MAX 64

struct lda_job {
	struct strads_job_options job;
	const char *fabric;
	struct strads_documents_options documents;
	struct strads_lda_options lda; /* without topics the documents are only read */
	int stop_rank; /* this rank's stop flag is set at its first evaluation; −1: none */
};

struct lda_result {
	struct rank_end end;
	enum strads_lda_outcome outcome;
	/* Of the documents. */
	uint64_t words, docs_total, tokens_total, empty_total;
	uint64_t first, docs, tokens;
	uint64_t content; /* sum over own documents of a hash of each word's occurrences */
	char last_word[16];
	/* Of the fit. */
	uint64_t evaluations, finals;
	struct strads_lda_progress point[LDA_POINTS_MAX]; /* by evaluation */
	struct strads_lda_progress last;
	/* On rank 0: */
	int32_t total[LDA_TOPICS_MAX];
	uint32_t word[LDA_WORDS_MAX][LDA_TOPICS_MAX];
	uint32_t document[LDA_DOCS_MAX][LDA_TOPICS_MAX];
	double alpha[LDA_TOPICS_MAX], beta;
};

/* 5 topics for 6 sweeps, each evaluated, tables verified; forked ranks for LOCAL, simulated for
 * SIM. */
struct lda_job lda_job_defaults(enum strads_job_kind kind, int ranks, const char *data);

/* Runs the job, results [LDA_RANKS_MAX]. Returns its exit code (every rank returns 0 whatever
 * happened to it). */
int lda_job_run(const struct lda_job *job, struct lda_result *results);

/* Runs the job and asserts that every rank succeeded with `outcome` and saw the same. */
void lda_job_assert(const struct lda_job *job, enum strads_lda_outcome outcome,
		    struct lda_result *results);

/* A docword file of `docs` documents over `words` words that come in three groups; its documents
 * are not in order. */
const char *lda_job_docword(const char *name, uint32_t docs, uint32_t words);

/* The hash of so many occurrences of a word, as in `content`. */
uint64_t lda_job_hash(uint64_t document, uint64_t word, uint64_t count);

/* Results of that size. The caller frees. */
struct lda_result *lda_results_new(void);

#endif

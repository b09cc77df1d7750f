/*
 * Latent Dirichlet allocation by collapsed Gibbs sampling with word rotation (Lee, Kim, Zheng, Ho,
 * Gibson, Xing: "On model parallelization and scheduling strategies for distributed machine
 * learning", NIPS 2014): documents are split among the ranks, disjoint blocks of words move round
 * them, so that all counts a rank samples from are exact but those of a topic over all words.
 */
#ifndef STRADS_LDA_H
#define STRADS_LDA_H

#include "../data/documents.h"
#include "../linear/costs.h"
#include "strads/engine.h"

enum strads_lda_start {
	STRADS_LDA_SEQUENTIAL, /* the first sweep samples from the counts of those before */
	STRADS_LDA_RANDOM,     /* it gives all topics, all as likely */
};

enum strads_lda_mode {
	STRADS_LDA_ROTATION, /* blocks of words move round the ranks */
	STRADS_LDA_REPLICAS, /* for comparison: every rank has all words, and old counts */
};

enum strads_lda_sampler {
	STRADS_LDA_ANY,    /* by the number of topics */
	STRADS_LDA_DENSE,  /* a number for each topic of each document */
	STRADS_LDA_SPARSE, /* lists of the topics that documents have */
};

/* Most topics. */
#define STRADS_LDA_TOPICS_MAX (UINT32_C(1) << 20)

struct strads_lda_options {
	uint32_t topics; /* K, 1 … STRADS_LDA_TOPICS_MAX */
	double alpha;    /* of every topic, > 0; typically 10/K … 50/K */
	double beta;     /* of a word, > 0; typically 0.01 */
	/* Sweeps between estimates of an α for each topic and of β; 0: both stay. None comes before
	 * sweep `optimize_burn_in` is over. */
	uint64_t optimize_interval, optimize_burn_in;
	uint64_t sweeps;         /* over all tokens, the first assignment one of them; ≥ 1 */
	uint64_t evaluate_every; /* sweeps; ≥ 1; the first and the last, too */
	double time_limit_s;     /* since data were ready; 0: none */
	double holdout;          /* share of the documents that are held out, 0 … 1 */
	uint64_t seed;
	enum strads_lda_start start;
	enum strads_lda_sampler sampler;
	enum strads_lda_mode mode;
	uint64_t exchange_every; /* of replicas: sub-rounds, 1 … P; 0: P, a sweep */
	uint32_t parts;   /* of a block, which are read and sampled one after the other; ≥ 1 */
	bool assignments; /* keeps what strads_lda_model_tokens reads */
	bool verify;      /* counts the table of documents anew after every sub-round */
	struct strads_engine_options engine;
};

/* The state at an evaluation; the same on all ranks but for the seconds. */
struct strads_lda_progress {
	double seconds; /* since data were ready, by this rank's clock */
	uint64_t sweeps;
	uint64_t sets;
	double log_likelihood;    /* log p(w, z) */
	double likelihood_token;  /* the same, a token */
	double perplexity;        /* of held-out documents; NaN without any */
	uint64_t scored, unknown; /* held-out tokens: scored; words that are in no other document */
	double tokens_per_second; /* sampled since the last evaluation, while sampling */
	double alpha_sum, beta;   /* Σ_k α_k */
	/* Means over the sub-rounds, or exchanges of replicas, since then of (1/PM) Σ_p ‖s_p − s‖₁:
	 * of the counts of topics, and of those of words, which are exact under rotation. */
	double s_error, replica_error;
	uint64_t word_nonzeros, document_nonzeros; /* counts above 0 in the two tables */
	uint64_t word_bytes;              /* of the blocks as they move, of all ranks together */
	double cost[STRADS_LINEAR_COSTS]; /* of all ranks together */
	uint64_t memory_bytes; /* that the fit takes on this rank at most, with the tokens */
};

enum strads_lda_outcome {
	STRADS_LDA_DONE,  /* all sweeps */
	STRADS_LDA_LIMIT, /* of time, or asked to stop */
};

/* Called on every rank at each evaluation; `final` at the last. */
typedef void strads_lda_report(void *arg, const struct strads_lda_progress *progress, bool final);

/* The counts, in the memory of the ranks. */
struct strads_lda_model;

/* Samples. Collective. The documents are borrowed for the call. *stop, if not NULL, may be set
 * asynchronously on any rank to ask for an orderly end. Returns STRADS_OK, ERR_INPUT (an option out
 * of range, no documents left to sample, 2^31 tokens or more), ERR_MEMORY, or as
 * strads_engine_run. The caller deletes the model. Thread: owner of the fabric. */
STRADS_MUST_CHECK int strads_lda_fit(struct strads_fabric *fabric,
				     const struct strads_documents *documents,
				     const struct strads_lda_options *options,
				     const volatile int *stop, strads_lda_report *report, void *arg,
				     enum strads_lda_outcome *outcome,
				     struct strads_lda_model **model);

/* A table by rows: row i has topics topic[start[i]] … with their counts. */
struct strads_lda_table {
	uint64_t rows;
	uint64_t *start; /* [rows + 1] */
	uint32_t *topic, *count;
};

/* n_k [K], α_k [K], and β, in the end. Thread: any. */
const int32_t *strads_lda_model_totals(const struct strads_lda_model *model);
const double *strads_lda_model_alpha(const struct strads_lda_model *model);
double strads_lda_model_beta(const struct strads_lda_model *model);

/* Brings the counts of all words, by word and in it by topic, from whichever ranks have them; not
 * collective. The caller frees with strads_lda_table_free. Returns STRADS_OK, ERR_MEMORY,
 * ERR_PROTOCOL, or as strads_get. Thread: owner. */
STRADS_MUST_CHECK int strads_lda_model_words(struct strads_lda_model *model,
					     struct strads_lda_table *words);

/* The same of the documents of one rank, which are documents *first and those that follow; in each
 * by topic. Those held out have none. */
STRADS_MUST_CHECK int strads_lda_model_documents(struct strads_lda_model *model, int rank,
						 uint64_t *first, struct strads_lda_table *table);

/* A token: the document among those of its rank, the word, the topic. */
struct strads_lda_token {
	uint32_t document, word, topic;
};

/* Takes tokens of documents first_document and those that follow. Returns STRADS_OK to go on. */
typedef int strads_lda_take(void *arg, uint64_t first_document,
			    const struct strads_lda_token *token, size_t n);

/* Calls take(arg, …) with the tokens of one rank, a piece at a time, by document and in it by word;
 * the options asked for assignments. Not collective. Returns STRADS_OK, ERR_MEMORY, ERR_PROTOCOL,
 * what `take` returns, or as strads_get. Thread: owner. */
STRADS_MUST_CHECK int strads_lda_model_tokens(struct strads_lda_model *model, int rank,
					      strads_lda_take *take, void *arg);

void strads_lda_table_free(struct strads_lda_table *table);

/* Frees and nulls. Every rank must have stopped reading (a barrier). Thread: owner. */
void strads_lda_model_delete(struct strads_lda_model **model);

#endif

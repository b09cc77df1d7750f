/*
 * What one rank holds while it samples, and how the files of this folder share it.
 *
 * Rotation. The words are cut into as many blocks as there are ranks. In sub-round t rank p samples
 * its tokens of the words of block (p + t) mod P, so that no two ranks work on the same word, and
 * after P sub-rounds each token has been sampled once. A sub-round is a set of kind SAMPLE, and a
 * rank's push of its first block is the work: it reads the block from rank p + 1 mod P, which had
 * it before, by one get for each part, samples part after part as they come, and writes the new
 * counts to its own buffer, where the next rank finds them. Each rank has two such buffers, for
 * even and odd sub-rounds: what is written in sub-round t is read in t + 1, and written over in t +
 * 2, which begins when all ranks are through with t + 1. The counts of documents stay where they
 * are.
 *
 * The variables of a set are the topics: the partial of topic k is by how much this rank has
 * changed n_k, the commit is the sum over the ranks. While a rank samples it sees its own changes
 * of n_k and not those of others; how far it is off in the end is the s-error. The first block's
 * partial says, too, how long each part has become, so that the next reader knows how much to get.
 */
#ifndef STRADS_LDA_STATE_H
#define STRADS_LDA_STATE_H

#include "../linear/need.h"
#include "layout.h"
#include "lda.h"
#include "strads/gibbs.h"
#include "strads/table.h"

/* Kinds of sets. */
enum strads_lda_kind {
	STRADS_LDA_SAMPLE,   /* arg: the sub-round t */
	STRADS_LDA_ESTIMATE, /* arg: the step, 0 … STRADS_LDA_STEPS − 1 */
	STRADS_LDA_ADD,      /* of replicas, as SPREAD; arg: the sub-round before it */
	STRADS_LDA_SPREAD,
	STRADS_LDA_EVALUATE, /* one block without variables; arg: whether the run ends here */
	STRADS_LDA_KINDS,
};

/* Steps of an estimate of the hyperparameters. */
#define STRADS_LDA_STEPS 20

/* What the first block of SAMPLE adds up behind its topics; then, for each part of all blocks, its
 * length, and for each block how many ranks have sampled it. */
enum strads_lda_tally {
	STRADS_LDA_ASSIGNED,  /* tokens that have a topic */
	STRADS_LDA_DOCUMENTS, /* sum of the counts of documents; not verified, the same */
	STRADS_LDA_WORDS,     /* sum of the counts of the words of the block */
	STRADS_LDA_TALLIES,
};

/* Sums over the ranks, the partial and the commit of EVALUATE. */
enum strads_lda_sum {
	STRADS_LDA_DOCUMENT_LIKELIHOOD,
	STRADS_LDA_WORD_LIKELIHOOD,
	STRADS_LDA_DOCUMENT_NONZEROS,
	STRADS_LDA_WORD_NONZEROS,
	STRADS_LDA_WORD_BYTES,
	STRADS_LDA_HELD_LIKELIHOOD, /* Σ log p of the tokens that are scored */
	STRADS_LDA_HELD_SCORED,
	STRADS_LDA_HELD_UNKNOWN,
	STRADS_LDA_REPLICA_ERROR, /* likewise: Σ_kw |n_kw there − n_kw| */
	STRADS_LDA_ERROR, /* Σ ‖s_p − s‖₁ over the sub-rounds since the last evaluation */
	STRADS_LDA_STOPS, /* ranks asked to stop */
	STRADS_LDA_COST,  /* see ../linear/costs.h */
	STRADS_LDA_SUMS = STRADS_LDA_COST + STRADS_LINEAR_COSTS,
};

struct strads_lda_model {
	struct strads_fabric *fabric;
	int rank, ranks;
	uint32_t topics;
	struct strads_lda_layout layout;
	struct strads_region *words; /* two buffers of the layout's capacity */
	uint64_t *length;            /* [parts of all blocks] as written last; 0: never */
	/* The sub-round that wrote them; of replicas 2P times the exchange, from 1: block b is
	 * with rank b, in buffer 0. */
	uint64_t turn;
	int32_t *total;      /* [K] */
	double *alpha, beta; /* [K] once the sampling is over */

	/* Once the sampling is over: every rank's table of documents, from here on
	 * { documents, topics in all }, starts, topics, counts. */
	uint64_t *first_document;          /* [ranks] */
	struct strads_region *documents;   /* or NULL */
	struct strads_region *assignments; /* [tokens + 1] struct strads_lda_token, or NULL */
};

/* log Γ(n + a) − log Γ(a) for whole n. */
struct strads_lda_gamma {
	double a;
	double *value; /* [STRADS_LDA_GAMMA_VALUES] */
};
#define STRADS_LDA_GAMMA_VALUES 4096

/* The hyperparameters. */
struct strads_lda_prior {
	double *alpha; /* [K] */
	double alpha_sum, beta;
	bool symmetric;                                  /* α is the same of all topics … */
	struct strads_lda_gamma alpha_gamma, beta_gamma; /* … and this is its table */

	/* Only where they are estimated. */
	uint32_t *length; /* [documents] own documents' tokens; held out: 0 */
	/* above[start[k] + i] own documents have topic k more than i times. */
	uint64_t *start; /* [K + 1] */
	uint32_t *above;
	uint32_t *word_above; /* [word_most] counts of own block's words above i */
	uint64_t word_most;
	double lengths; /* Σ_d [ψ(N_d + Σα) − ψ(Σα)] over own documents, of the set under way */
};

/* The documents that are held out, and what is known of their words. */
struct strads_lda_held {
	uint32_t docs;
	uint32_t *doc;                /* [docs] */
	uint64_t *place;              /* [V] of a word in `start`, plus 1; 0: in none of them */
	uint64_t words;               /* so many of them */
	uint64_t *start, *end;        /* [words + 1] by capacity, [words]: the word's list, … */
	uint32_t *topic;              /* … its topics … */
	float *share;                 /* … and n_kw / (n_k + Vβ) */
	double *theta, *gain;         /* [K] */
	double *inverse;              /* [K] 1 / (n_k + Vβ) */
	uint64_t longest;             /* entries of the longest document */
	uint64_t *bag_place;          /* of a document's entries … */
	uint32_t *bag_fit, *bag_rest; /* … and how many are fitted, and scored */
	uint64_t unknown;             /* tokens whose words no other document has */
	int next;                     /* the rank whose block is read next; P: all were */
};

/* Of stale replicas, see replica.c. */
struct strads_lda_replicas {
	struct strads_region *table;  /* all blocks as after the last exchange */
	struct strads_region *change; /* by how much own sampling has changed each */
	uint64_t *length;   /* [P · parts] of the changes of own block, by sub-round since then */
	uint64_t exchanges; /* so far */
	uint64_t next;      /* of the set under way: sub-round or block that is read next */
	double error;       /* Σ_kw |n_kw here − n_kw|, since the last evaluation */
};

struct strads_lda {
	struct strads_lda_options options;
	struct strads_fabric *fabric;
	struct strads_engine *engine;
	const struct strads_documents *documents;
	struct strads_lda_model *model;
	const volatile int *stop;  /* or NULL */
	strads_lda_report *report; /* or NULL */
	void *report_arg;
	uint64_t start_ns;

	int rank, ranks;
	struct strads_table table; /* of topics */
	uint64_t blocks;           /* of a SAMPLE set */
	strads_key *block_at;      /* [blocks + 1] first topic of each */

	bool sparse;
	uint64_t tokens;       /* own … */
	uint64_t tokens_total; /* … and all that are sampled */
	uint64_t *token_start; /* [V + 1] by place of the word */
	uint32_t *doc, *topic; /* [tokens] */
	struct strads_gibbs gibbs;
	struct strads_gibbs_docs docs;
	int32_t *base;                   /* [K] n_k after the last sub-round */
	uint32_t *row_topic, *row_count; /* [K] of a word that is read */
	struct strads_region *inbox;     /* a block that is read */
	struct strads_counter *coming;   /* [parts] of these reads */

	/* The sub-round under way. */
	bool begun;
	bool reading;            /* a block, by strads_lda_block_read */
	uint32_t asked, sampled; /* parts */
	uint64_t assigned;       /* own tokens that have a topic */
	uint64_t word_sum;       /* of the counts written */

	struct strads_lda_held held;
	struct strads_lda_prior prior;
	struct strads_lda_replicas replicas;
	double tally[STRADS_LDA_TALLIES];
	double error;          /* own, since the last evaluation … */
	uint64_t error_rounds; /* … in so many sub-rounds */
	uint64_t sweeps;
	uint64_t rounds_ns, sampled_ns, sampled_tokens; /* since the last evaluation */
	bool stopping;                                  /* some rank was asked to stop */
	uint64_t final_set;          /* scheduled here as the last, or UINT64_MAX */
	double sum[STRADS_LDA_SUMS]; /* of the evaluation under way */
	struct strads_lda_progress progress;
	enum strads_lda_outcome outcome;
};

/* The buffer that sub-round `turn` writes, as an offset in the region of words. */
static inline size_t
strads_lda_buffer(const struct strads_lda_layout *layout, uint64_t turn)
{
	return (size_t)(turn % 2) * layout->capacity * sizeof(uint32_t);
}

/* The block that `rank` has in a sub-round. */
static inline int
strads_lda_block(const struct strads_lda_layout *layout, int rank, uint64_t turn)
{
	return (int)(((uint64_t)rank + turn) % (uint64_t)layout->blocks);
}

/* Sub-rounds between exchanges of replicas. */
static inline uint64_t
strads_lda_period(const struct strads_lda *lda)
{
	return lda->options.exchange_every ? lda->options.exchange_every : (uint64_t)lda->ranks;
}

/* The model's turn once the exchange under way is over. */
static inline uint64_t
strads_lda_exchange_turn(const struct strads_lda *lda)
{
	return 2 * (uint64_t)lda->ranks * (lda->replicas.exchanges + 1);
}

/* Doubles that the first block of SAMPLE adds up behind its topics. */
static inline size_t
strads_lda_tallies(const struct strads_lda_layout *layout)
{
	return STRADS_LDA_TALLIES + (size_t)layout->blocks * (layout->parts + 1);
}

/* Whether a document, of all, is held out. Thread: any. */
bool strads_lda_is_held(const struct strads_lda_options *options, uint64_t document);

/* Tokens of own document d that are sampled: none if it is held out. */
uint64_t strads_lda_document_tokens(const struct strads_lda *lda, uint32_t d);

/* ---- state.c ------------------------------------------------------------------------------ */

/* Chooses the sampler and cuts the topics into blocks; the model must be there. Collective. Returns
 * STRADS_OK, ERR_INPUT, ERR_MEMORY, or as strads_job_agree; gives nothing back on failure. */
STRADS_MUST_CHECK int strads_lda_state_plan(struct strads_lda *lda);

/* Counts what has been planned, or allocates it and brings the tokens in order. Returns STRADS_OK,
 * ERR_MEMORY, or as strads_region_new; gives nothing back on failure. */
STRADS_MUST_CHECK int strads_lda_state_take(struct strads_lda *lda,
					    struct strads_linear_need *need);
void strads_lda_state_give(struct strads_lda *lda);

/* As strads_linear_take, whole cache lines. */
void *strads_lda_take_lines(struct strads_linear_need *need, uint64_t count, size_t bytes);

/* ---- model.c ------------------------------------------------------------------------------ */

/* Lays out the words by how often each occurs, count [V] over all ranks, which it keeps.
 * Collective. Returns STRADS_OK, ERR_MEMORY, or as strads_job_agree. */
STRADS_MUST_CHECK int strads_lda_model_new(struct strads_lda *lda, uint64_t *count,
					   struct strads_lda_model **model);

/* Bytes that the model takes of this rank: the words and, in the end, the documents, both at most.
 */
uint64_t strads_lda_model_bytes(const struct strads_lda *lda);

/* Makes the room for the words, which peers read. Collective. Returns as strads_region_new and
 * strads_fabric_wire. */
STRADS_MUST_CHECK int strads_lda_model_wire(struct strads_lda_model *model);

/* Lets peers read the table of documents. Collective. Returns as strads_lda_model_wire. */
STRADS_MUST_CHECK int strads_lda_model_keep(struct strads_lda *lda);

/* ---- assignments.c ------------------------------------------------------------------------- */

/* Lets peers read the topics of the tokens, once they have been wired. Returns STRADS_OK,
 * ERR_MEMORY, or as strads_region_new. */
STRADS_MUST_CHECK int strads_lda_assignments_keep(struct strads_lda *lda);

/* ---- schedule.c --------------------------------------------------------------------------- */

/* Whether sets of that kind are one block without variables. */
bool strads_lda_is_whole(const struct strads_lda *lda, uint32_t kind);

/* As in strads/program.h. */
int strads_lda_schedule(struct strads_lda *lda, uint64_t set, uint32_t index,
			struct strads_block_draft *draft);

/* ---- read.c ------------------------------------------------------------------------------- */

/* Checks the head of a part, which a sub-round has written, so many numbers. Returns STRADS_OK,
 * ERR_PROTOCOL. */
STRADS_MUST_CHECK int strads_lda_part_check(const struct strads_lda_layout *layout,
					    const uint32_t *from, uint64_t part, uint64_t turn,
					    uint64_t length);

/* Writes the head of a part whose rows end at `to`. */
void strads_lda_part_close(const struct strads_lda_layout *layout, uint32_t *head, uint64_t part,
			   uint64_t turn, const uint32_t *to);

/* Reads a block, its parts length [parts], from a rank's region, where it begins at `offset`, into
 * the inbox. Returns STRADS_OK, AGAIN (it is on its way), or why not. */
STRADS_MUST_CHECK int strads_lda_block_read(struct strads_lda *lda, int rank,
					    const struct strads_region *region, size_t offset,
					    uint64_t block, const uint64_t *length);

/* ---- sample.c ----------------------------------------------------------------------------- */

/* The primitives for sets of kind SAMPLE. */
size_t strads_lda_sample_elems(const struct strads_lda *lda, const struct strads_block *block);
int strads_lda_sample_push(struct strads_lda *lda, const struct strads_block *block,
			   double *partial);
int strads_lda_sample_sync(struct strads_lda *lda, const struct strads_block *block,
			   const void *commit, size_t bytes);
int strads_lda_sample_finish(struct strads_lda *lda, const struct strads_block *last);

/* Makes the row at *from, which it passes over, that of the word at hand: *n counts, in row_topic
 * and row_count. Returns as strads_lda_row_read. */
STRADS_MUST_CHECK int strads_lda_row_put(struct strads_lda *lda, const uint32_t *end,
					 const uint32_t **from, uint32_t *n);

/* Samples own tokens of the word at `place`, whose counts are put. */
void strads_lda_word_sample(struct strads_lda *lda, uint64_t turn, uint64_t place);

/* Adds the counts of the word at `place` to those written. ERR_PROTOCOL if there are more than the
 * word occurs, for which there is no room. */
STRADS_MUST_CHECK int strads_lda_word_check(struct strads_lda *lda, uint64_t place);

/* What is told of a block, whose parts were written from `first` on; and that lengths make sense
 * and no block was sampled by two ranks, or ERR_PROTOCOL. */
void strads_lda_tally_write(const struct strads_lda *lda, uint64_t block, const uint32_t *first,
			    double *tally);
STRADS_MUST_CHECK int strads_lda_tally_check(const struct strads_lda *lda, uint64_t turn,
					     const double *tally);

/* ---- replica.c ---------------------------------------------------------------------------- */

void strads_lda_replicas_take(struct strads_lda *lda, struct strads_linear_need *need);
void strads_lda_replicas_give(struct strads_lda_replicas *replicas);

/* Push of a sub-round, and its sync; of ADD and of SPREAD, which answer AGAIN while blocks are on
 * their way. All return STRADS_OK, ERR_PROTOCOL, or why a block cannot be read. */
int strads_lda_replica_sample(struct strads_lda *lda, uint64_t turn, double *tally);
int strads_lda_replica_sampled(struct strads_lda *lda, uint64_t turn, const double *tally);
int strads_lda_replica_add(struct strads_lda *lda, uint64_t turn, double *tally);
int strads_lda_replica_spread(struct strads_lda *lda, uint64_t turn);

/* ---- likelihood.c ------------------------------------------------------------------------- */

/* The terms of log p(w, z) of own documents and of the words of the block that was sampled last,
 * and how many counts are above 0. Returns STRADS_OK, ERR_PROTOCOL. */
void strads_lda_likelihood_documents(const struct strads_lda *lda, double *partial);
STRADS_MUST_CHECK int strads_lda_likelihood_words(struct strads_lda *lda, double *partial);
/* The terms of the topics. */
double strads_lda_likelihood_topics(const struct strads_lda *lda);

void strads_lda_gamma_fill(struct strads_lda_gamma *gamma, double a);

/* ---- prior.c ------------------------------------------------------------------------------ */

void strads_lda_prior_take(struct strads_lda *lda, struct strads_linear_need *need);
void strads_lda_prior_give(struct strads_lda_prior *prior);

/* Sets the hyperparameters to those of the options; prior and sampler must be allocated. */
void strads_lda_prior_start(struct strads_lda *lda);

/* The primitives for sets of kind ESTIMATE. */
size_t strads_lda_estimate_elems(const struct strads_block *block);
int strads_lda_estimate_push(struct strads_lda *lda, const struct strads_block *block,
			     double *partial);
size_t strads_lda_estimate_pull(const struct strads_lda *lda, const struct strads_block *block,
				const double *sum, double *commit);
int strads_lda_estimate_sync(struct strads_lda *lda, const struct strads_block *block,
			     const void *commit, size_t bytes);
void strads_lda_estimate_finish(struct strads_lda *lda);

/* ---- held.c ------------------------------------------------------------------------------- */

/* Finds the documents that are held out, and which of their words others have. */
void strads_lda_held_plan(struct strads_lda *lda, struct strads_linear_need *need);
void strads_lda_held_take(struct strads_lda *lda, struct strads_linear_need *need);
void strads_lda_held_give(struct strads_lda_held *held);

/* Reads the blocks of all ranks, then scores the documents into the partial of EVALUATE. Returns
 * STRADS_OK, AGAIN (a block is on its way), or why not. */
STRADS_MUST_CHECK int strads_lda_held_push(struct strads_lda *lda, double *partial);

/* ---- evaluate.c --------------------------------------------------------------------------- */

/* The primitives for sets of kind EVALUATE. */
int strads_lda_evaluate_push(struct strads_lda *lda, double *partial);
int strads_lda_evaluate_sync(struct strads_lda *lda, const void *commit, size_t bytes);
int strads_lda_evaluate_finish(struct strads_lda *lda, const struct strads_block *last);

/* ---- program.c ---------------------------------------------------------------------------- */

void strads_lda_program(struct strads_lda *lda, struct strads_program *program);

#endif

#include "lda_options.h"

#include "arguments.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define AT(field) .offset = offsetof(struct strads_lda_settings, field)

static const char *const formats[] = {
    [STRADS_DOCUMENTS_ANY] = "any",
    [STRADS_DOCUMENTS_DOCWORD] = "docword",
    [STRADS_DOCUMENTS_LDAC] = "ldac",
    [STRADS_DOCUMENTS_TEXT] = "text",
    NULL,
};
static const char *const tokens[] = {
    [STRADS_TOKENS_ALNUM] = "alnum",
    [STRADS_TOKENS_LETTERS] = "letters",
    [STRADS_TOKENS_BLANKS] = "blanks",
    NULL,
};
static const char *const starts[] = {
    [STRADS_LDA_SEQUENTIAL] = "sequential",
    [STRADS_LDA_RANDOM] = "random",
    NULL,
};
static const char *const modes[] = {
    [STRADS_LDA_ROTATION] = "rotation",
    [STRADS_LDA_REPLICAS] = "replicas",
    NULL,
};
static const char *const samplers[] = {
    [STRADS_LDA_ANY] = "any",
    [STRADS_LDA_DENSE] = "dense",
    [STRADS_LDA_SPARSE] = "sparse",
    NULL,
};

static const struct strads_option input_options[] = {
    {.name = "data",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(data),
     .doc = "Documents: UCI docword, Blei's lda-c, or plain text with a document a line; plain or "
	    "compressed by zstd, xz or gzip; may also stand without --data"},
    {.name = "vocab",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(vocabulary),
     .doc = "The words, one a line, that word numbers stand for; of plain text all other words are "
	    "left out"},
    {.name = "format",
     .value = "NAME",
     .fallback = "any",
     .kind = STRADS_OPTION_CHOICE,
     .choices = formats,
     AT(format),
     .doc = "Of the documents: docword, ldac or text; any: told by the first lines"},
    {.name = "tokens",
     .value = "NAME",
     .fallback = "alnum",
     .kind = STRADS_OPTION_CHOICE,
     .choices = tokens,
     AT(tokens),
     .doc =
	 "Words of plain text: runs of letters and digits (alnum) or of letters alone (letters), "
	 "in lower case; or what stands between blanks, as it is (blanks)"},
    {.name = "min-letters",
     .value = "N",
     .fallback = "2",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 1000,
     AT(bytes_min),
     .doc = "Leave out shorter words of plain text, counted in bytes"},
    {.name = "stop-words",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(stop_words),
     .doc = "Leave out the words of this file, or `english`: a list of the program's own"},
    {.name = "min-documents",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     .max = INFINITY,
     AT(documents_min),
     .doc = "Leave out words that fewer documents have"},
    {.name = "max-share",
     .value = "SHARE",
     .fallback = "1",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1,
     AT(share_max),
     .doc = "Leave out words that more than this share of the documents have"},
    {.name = "holdout",
     .value = "SHARE",
     .fallback = "0",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 0.999,
     AT(holdout),
     .doc = "Hold out this share of the documents, drawn from the seed, and report their "
	    "perplexity"},
    {0},
};

static const struct strads_option problem_options[] = {
    {.name = "topics",
     .value = "K",
     .fallback = "100",
     .kind = STRADS_OPTION_UINT,
     .letter = 'k',
     .min = 1,
     .max = STRADS_LDA_TOPICS_MAX,
     AT(topics),
     .doc = "Topics"},
    {.name = "alpha",
     .value = "NUMBER",
     .kind = STRADS_OPTION_DOUBLE,
     .max = INFINITY,
     AT(alpha),
     .doc = "Of the prior of a document's topics, each of them; unset: 50 / K"},
    {.name = "beta",
     .value = "NUMBER",
     .fallback = "0.01",
     .kind = STRADS_OPTION_DOUBLE,
     .max = INFINITY,
     AT(beta),
     .doc = "Of the prior of a topic's words, each of them"},
    {.name = "optimize-interval",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     .max = 1e12,
     AT(optimize_interval),
     .doc = "Sweeps between estimates of an alpha for each topic and of beta, by Minka's fixed "
	    "point; 0: both stay as given"},
    {.name = "optimize-burn-in",
     .value = "N",
     .fallback = "20",
     .kind = STRADS_OPTION_UINT,
     .max = 1e12,
     AT(optimize_burn_in),
     .doc = "Sweeps before the first estimate may come"},
    {0},
};

static const struct strads_option algorithm_options[] = {
    {.name = "init",
     .value = "NAME",
     .fallback = "sequential",
     .kind = STRADS_OPTION_CHOICE,
     .choices = starts,
     AT(start),
     .doc = "The first sweep samples from the counts so far (sequential), or gives all topics "
	    "alike (random)"},
    {.name = "sampler",
     .value = "NAME",
     .fallback = "any",
     .kind = STRADS_OPTION_CHOICE,
     .choices = samplers,
     AT(sampler),
     .doc = "A number for each topic of a document (dense), or lists of those it has (sparse); "
	    "any: by the number of topics. Both are exact"},
    {.name = "mode",
     .value = "NAME",
     .fallback = "rotation",
     .kind = STRADS_OPTION_CHOICE,
     .choices = modes,
     AT(mode),
     .doc = "rotation, or replicas for comparison: every rank has the counts of all words and sees "
	    "the changes of others when they are exchanged"},
    {.name = "exchange-every",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     .max = 1e6,
     AT(exchange_every),
     .doc = "Sub-rounds between exchanges of replicas, of which a sweep has as many as there are "
	    "ranks; 0: a sweep"},
    {.name = "parts",
     .value = "N",
     .fallback = "4",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 1024,
     AT(parts),
     .doc = "Of a block of words: one is sampled while the next ones are read"},
    {.name = "seed",
     .value = "N",
     .fallback = "1",
     .kind = STRADS_OPTION_UINT,
     AT(seed),
     .doc = "Of all that is drawn: same seed, data and ranks, same topics to the bit"},
    {.name = "verify",
     .kind = STRADS_OPTION_FLAG,
     AT(verify),
     .doc = "Count the documents' table anew after every sub-round; that all tables count every "
	    "token once is checked either way"},
    {0},
};

static const struct strads_option stop_options[] = {
    {.name = "sweeps",
     .value = "N",
     .fallback = "200",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 1e12,
     AT(sweeps),
     .doc = "Sweeps over all tokens, the first of which gives them topics"},
    {.name = "time-limit",
     .value = "SECONDS",
     .fallback = "0",
     .kind = STRADS_OPTION_DOUBLE,
     .max = INFINITY,
     AT(time_limit_s),
     .doc = "Stop after the sweep that passes this time; 0: no limit"},
    {.name = "evaluate-every",
     .value = "N",
     .fallback = "10",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 1e12,
     AT(evaluate_every),
     .doc = "Sweeps between two evaluations; the first and the last are evaluated, too"},
    {0},
};

static const struct strads_option infer_options[] = {
    {.name = "infer",
     .value = "MODEL",
     .kind = STRADS_OPTION_STRING,
     AT(infer),
     .doc = "Find no topics but the shares of this model's topics in the documents, and their "
	    "perplexity; of the options above only those of documents and the seed matter"},
    {.name = "output",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(output),
     .doc = "Write the shares: a document a line, TOPIC:SHARE, the largest first"},
    {.name = "min-topic",
     .value = "SHARE",
     .fallback = "0.01",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1,
     AT(share_min),
     .doc = "Write no smaller shares"},
    {.name = "steps",
     .value = "N",
     .fallback = "100",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 1e6,
     AT(steps),
     .doc = "To the fixed point that the shares are"},
    {0},
};

static const struct strads_option output_options[] = {
    {.name = "top-words",
     .value = "N",
     .fallback = "10",
     .kind = STRADS_OPTION_UINT,
     .max = 1000,
     AT(top_words),
     .doc = "Print so many words of each topic; 0: none"},
    {.name = "relevance",
     .value = "LAMBDA",
     .fallback = "1",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1,
     AT(relevance),
     .doc = "Which words of a topic are printed: by LAMBDA log phi + (1 - LAMBDA) log (phi / p), "
	    "phi and p being the share of the word in the topic and in all; 1: the most frequent"},
    {.name = "model",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(model),
     .doc = "Write the counts of words, documents and topics: HDF5, the name ends in .h5"},
    {.name = "assignments",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(assignments),
     .doc = "Write the topic of every token: a line of document, word and topic, from 0"},
    {.name = "log",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(log),
     .doc = "Write the log: JSON lines"},
    {.name = "json", .kind = STRADS_OPTION_FLAG, AT(json), .doc = "Print the summary as JSON"},
    {.name = "quiet", .kind = STRADS_OPTION_FLAG, AT(quiet), .doc = "Show no progress"},
    {0},
};

void
strads_lda_groups(struct strads_lda_settings *settings,
		  struct strads_option_group groups[STRADS_LDA_GROUPS + 1])
{
	const struct strads_option_group table[STRADS_LDA_GROUPS + 1] = {
	    {"Input:", input_options, settings},
	    {"Problem:", problem_options, settings},
	    {"Algorithm:", algorithm_options, settings},
	    {"When to stop:", stop_options, settings},
	    {"Documents by a model:", infer_options, settings},
	    {"Output:", output_options, settings},
	    {"Ranks:", strads_launch_rank_options, &settings->launch},
	    strads_launch_path_group(&settings->launch),
	    {"Engine:", strads_launch_engine_options, &settings->launch},
	    {"Simulated network (--fabric sim):", strads_launch_sim_options, &settings->launch},
	    {0},
	};

	memcpy(groups, table, sizeof table);
}

static int
check(const struct strads_lda_settings *settings)
{
	const char *model = settings->model;
	size_t length = model ? strlen(model) : 0;

	if (!settings->data)
		return strads_fail(STRADS_ERR_INPUT, "no data: name a file of documents");
	if (model && (length < 3 || strcmp(model + length - 3, ".h5") != 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "--model: counts are written as HDF5, '%s' does not end in .h5",
				   model);
	if (settings->infer && (model || settings->assignments))
		return strads_fail(STRADS_ERR_INPUT,
				   "--infer finds no topics: leave --model and --assignments out");
	if (!settings->infer && settings->output)
		return strads_fail(STRADS_ERR_INPUT,
				   "--output is for the documents of --infer: name a model");
	return STRADS_OK;
}

int
strads_lda_settings_parse(struct strads_lda_settings *settings, int argc, char **argv)
{
	struct strads_option_group groups[STRADS_LDA_GROUPS + 1];
	const struct strads_arguments arguments = {
	    .command = "strads lda",
	    .about = "Find the topics of documents: latent Dirichlet allocation by collapsed Gibbs "
		     "sampling. Documents are split among the ranks, blocks of words move round "
		     "them.",
	    .epilog = "Exit codes: 0 done, 1 failed, 2 stopped before the last sweep, 64 bad "
		      "arguments.",
	    .positional = "data",
	    .groups = groups,
	};
	int status;

	strads_lda_groups(settings, groups);
	status = strads_arguments_parse(&arguments, argc, argv);
	if (!status)
		status = strads_launch_settle(&settings->launch);
	if (!status)
		status = check(settings);
	if (status)
		return status;
	if (isnan(settings->alpha))
		settings->alpha = 50.0 / (double)settings->topics;
	return STRADS_OK;
}

struct strads_documents_options
strads_lda_settings_documents(const struct strads_lda_settings *settings)
{
	return (struct strads_documents_options){
	    .data = settings->data,
	    .vocabulary = settings->vocabulary,
	    .format = (enum strads_document_format)settings->format,
	    .tokens = (enum strads_document_tokens)settings->tokens,
	    .bytes_min = (uint32_t)settings->bytes_min,
	    .stop_words = settings->stop_words,
	    .documents_min = settings->documents_min,
	    .share_max = settings->share_max,
	};
}

struct strads_lda_options
strads_lda_settings_fit(const struct strads_lda_settings *settings)
{
	return (struct strads_lda_options){
	    .topics = (uint32_t)settings->topics,
	    .alpha = settings->alpha,
	    .beta = settings->beta,
	    .optimize_interval = settings->optimize_interval,
	    .optimize_burn_in = settings->optimize_burn_in,
	    .sweeps = settings->sweeps,
	    .evaluate_every = settings->evaluate_every,
	    .time_limit_s = settings->time_limit_s,
	    .holdout = settings->holdout,
	    .seed = settings->seed,
	    .start = (enum strads_lda_start)settings->start,
	    .sampler = (enum strads_lda_sampler)settings->sampler,
	    .mode = (enum strads_lda_mode)settings->mode,
	    .exchange_every = settings->exchange_every,
	    .parts = (uint32_t)settings->parts,
	    .assignments = settings->assignments != NULL,
	    .verify = settings->verify,
	    .engine = settings->launch.engine,
	};
}

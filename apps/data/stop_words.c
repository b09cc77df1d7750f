#include "stop_words.h"

#include "lines.h"
#include "token.h"

#include <string.h>

/* Articles, pronouns, auxiliaries, prepositions, conjunctions and adverbs without a subject of
 * their own, and what is left of their short forms where the apostrophe separates words. */
static const char english[] =
    "a about above across after afterwards again against ain all almost alone along already "
    "also although always am among amongst an and another any anybody anyhow anyone anything "
    "anyway anywhere are aren around as at away back be became because become becomes becoming "
    "been before beforehand behind being below beside besides between beyond both but by can "
    "cannot could couldn d did didn do does doesn doing don done down due during each eg either "
    "else elsewhere enough et etc even ever every everybody everyone everything everywhere "
    "except few for former formerly from further furthermore get gets getting give given gives "
    "go goes going gone got had hadn has hasn have haven having he hence her here hereby herein "
    "hers herself him himself his how however i ie if in indeed inside instead into is isn it "
    "its itself just last latter least less let like ll m made mainly make makes making many "
    "may maybe me meanwhile might mightn mine more moreover most mostly much must mustn my "
    "myself namely near needn neither never nevertheless next no nobody none nonetheless nor "
    "not nothing now nowhere of off often oh on once one ones only onto or other others "
    "otherwise ought our ours ourselves out outside over own per perhaps please put quite "
    "rather re really s said same say says see seem seemed seems seen several shall shan she "
    "should shouldn since so some somebody somehow someone something sometimes somewhat "
    "somewhere still such t take taken takes taking than that the their theirs them themselves "
    "then there thereby therefore therein these they thing things this those though through "
    "throughout thus to together too toward towards under unless unlike until up upon us use "
    "used uses using usually various ve very via was wasn we well went were weren what whatever "
    "when whenever where whereas whereby wherever whether which while who whoever whole whom "
    "whose why will with within without won would wouldn yes yet you your yours yourself "
    "yourselves";

static int
words_take(struct strads_names *words, const char *line, const char *stop)
{
	for (const char *p = strads_skip_blanks(line), *end; p < stop;
	     p = strads_skip_blanks(end)) {
		uint32_t number;
		int status;

		for (end = p; end < stop && !strads_is_blank(*end);)
			end++;
		status = strads_names_add(words, p, (size_t)(end - p), &number);
		if (status != STRADS_OK)
			return status;
	}
	return STRADS_OK;
}

static int
lines_take(struct strads_text *text, struct strads_names *words)
{
	struct strads_lines lines;
	const char *line, *stop;
	int status = strads_lines_open(&lines, text, 0, text->bytes);

	if (status != STRADS_OK)
		return status;
	do {
		status = strads_lines_next(&lines, &line, &stop);
		if (status == STRADS_OK && line)
			status = words_take(words, line, stop);
	} while (status == STRADS_OK && line);
	strads_lines_close(&lines);
	return status;
}

int
strads_stop_words_read(struct strads_fabric *fabric, const char *name, struct strads_names *words)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_text *text;
	int status;

	if (strcmp(name, "english") == 0)
		return strads_job_agree(job,
					words_take(words, english, english + sizeof english - 1));
	status = strads_text_open(fabric, name, &text);
	if (status != STRADS_OK)
		return status;
	status = strads_job_agree(job, lines_take(text, words));
	strads_text_close(&text);
	return status;
}

#include "picture.h"

#include "../gnuplot/gnuplot.h"

#define HEIGHT 600

struct sheet {
	const struct strads_bench *bench;
	const struct strads_results *results;
};

/* One named block for each side: size, the median figure, the 99th percentile. */
static void
write_block(FILE *out, const struct sheet *sheet, int line)
{
	const struct strads_results *results = sheet->results;
	bool latency = sheet->bench->what->kind == STRADS_BENCH_LATENCY;

	fprintf(out, "$side%d << END\n", line);
	for (int i = 0; i < results->sizes; i++) {
		const struct strads_bench_row *row = &results->row[line * results->sizes + i];
		double middle = strads_bench_row_median(row);

		fprintf(out, "%llu %.9g %.9g\n", (unsigned long long)row->size, middle,
			latency ? strads_samples_quantile_us(row->samples, 0.99) : middle);
	}
	fputs("END\n", out);
}

static void
write_script(FILE *out, const void *what)
{
	const struct sheet *sheet = what;
	const struct strads_results *results = sheet->results;
	const struct strads_bench_case *measured = sheet->bench->what;
	bool latency = measured->kind == STRADS_BENCH_LATENCY;
	int lines = results->sides + results->mpi;

	for (int line = 0; line < lines; line++)
		write_block(out, sheet, line);
	fprintf(out,
		"set title '%s over %s, %d ranks' noenhanced\nset xlabel '%s'\nset ylabel '%s'\n"
		"set logscale x 2\nset logscale y\nset format x '2^{%%L}'\nset grid\n"
		"set key outside below noenhanced\nset datafile missing 'nan'\nset pointsize "
		"0.5\nplot ",
		measured->name, sheet->bench->path, sheet->bench->team.size, measured->quantity,
		latency ? "microseconds" : "MB/s (10^6 bytes a second)");
	for (int line = 0; line < lines; line++) {
		const char *side = results->row[line * results->sizes].side;

		fprintf(out, "%s$side%d using 1:2 with linespoints lc %d pt 7 title '%s%s'",
			line ? ", " : "", line, line + 1, side, latency ? ", median" : "");
		if (latency)
			fprintf(out, ", $side%d using 1:3 with lines dt 2 lc %d title '%s, p99'",
				line, line + 1, side);
	}
	fputc('\n', out);
}

int
strads_bench_draw(const char *path, const struct strads_bench *bench,
		  const struct strads_results *results)
{
	const struct sheet sheet = {.bench = bench, .results = results};

	return strads_gnuplot_draw(path, HEIGHT, write_script, &sheet);
}

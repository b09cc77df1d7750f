#!/usr/bin/env bash
# strads mf: what a run says and leaves, on any number of ranks, and what it refuses.
. "$(dirname "$0")/harness.sh"

awk 'BEGIN {
	seed = 1
	for (u = 1; u <= 60; u++)
		for (i = 1; i <= 40; i++) {
			seed = (seed * 16807) % 2147483647
			if (seed % 3 == 0)
				printf "u%d i%d %.2f\n", u, i, 3 + sin(u) * cos(i)
		}
}' >ratings

for fabric in $fabrics; do
	for ranks in 1 2 3; do
		run 0 mf --quiet --json --fabric "$fabric" --ranks "$ranks" ratings --holdout 0.1 \
			--factors 3 --model "m$ranks.h5" --log "l$ranks"
		"$json_get" status <stdout | grep -q '^converged' ||
			complain "mf on $ranks ranks: $(cat stdout)"
		at_most "$("$json_get" test_rmse <stdout)" 0.6
		[ -s "m$ranks.h5" ] || complain 'no model'
		tail -n 1 "l$ranks" | "$json_get" memory_predicted_bytes >/dev/null ||
			complain 'the log has no summary'
	done
done
for algorithm in ccd als sgd; do
	run 2 mf --quiet ratings --algorithm "$algorithm" --iterations 2 --factors 3
	grep -q "limit: $algorithm after 2 iterations" stdout || complain 'no limit in the summary'
done

# What is recommended is what the exported factors say, without what was seen.
# closest FILE: stdout of recommend has the items and predictions that FILE begins with.
closest() {
	head -n 5 "$1" | paste - stdout |
		awk '{ if ($1 != $4 || ($2 - $5) ^ 2 > 1e-8) bad = 1 } END { exit bad || NR != 5 }' ||
		complain "recommended instead of $(head -n 5 "$1" | tr '\n' ' '): $(cat stdout)"
}
for biases in on off; do
	rm -rf text
	run 0 mf --quiet ratings --factors 3 --biases="$biases" --ranks 2 --model rated.h5
	run 0 export rated.h5 --out text --format text
	mean=0
	if [ "$biases" = on ]; then
		mean=$(tr -d '\n' <text/attributes.json | "$json_get" mean)
	else
		yes 0 | head -n 60 >text/user_bias.txt
		yes 0 | head -n 40 >text/item_bias.txt
	fi
	for user in u7 u60; do
		paste text/users.txt text/user_bias.txt text/W.txt | grep -w "^$user" >one
		paste text/items.txt text/item_bias.txt text/H.txt |
			awk -v mean="$mean" 'NR == FNR { n = split($0, w); next }
				{
					sum = mean + w[2] + $2
					for (k = 3; k <= n; k++)
						sum += w[k] * $k
					print $1, sum
				}' one - | sort -k2,2gr >all
		awk -v user="$user" 'NR == FNR { if ($1 == user) seen[$2]; next }
			!($1 in seen)' ratings all >unseen
		run 0 recommend rated.h5 --user "$user,$user" --top 5
		closest all
		echo "$user" >who
		run 0 recommend --model rated.h5 --users who --top 5 --seen ratings
		closest unseen
	done
done
run 0 export rated.h5 --out text --format text
run 0 export rated.h5 --out npy
run 0 recommend rated.h5 --user u7 --top 1000
[ "$(wc -l <stdout)" -eq 40 ] || complain 'not every item is recommended'
if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
	/usr/bin/python3 - <<-'END' || complain 'NumPy does not read what was exported'
		import numpy
		for name in "W", "H":
		    array = numpy.load(f"npy/{name}.npy")
		    text = numpy.loadtxt(f"text/{name}.txt", dtype=array.dtype)
		    assert array.dtype == numpy.float32 and (array == text).all()
		users = [user.decode() for user in numpy.load("npy/users.npy")]
		assert users == open("text/users.txt").read().split()
	END
fi
nobody() {
	local pattern=$1
	shift
	run failed "$@"
	one_line "$pattern"
}
nobody "user 'x' is not in rated.h5" recommend rated.h5 --user u1,x
nobody "2 users are not in rated.h5, the first of them 'x'" recommend rated.h5 --user x,u1,y
nobody 'no users' recommend rated.h5
nobody 'no users' recommend rated.h5 --user ,
nobody 'ratings is no HDF5 file' recommend ratings --user u1
nobody 'missing.h5: No such file' recommend missing.h5 --user u1
nobody 'missing.h5: No such file' export missing.h5 --out text
nobody 'cannot make the folder none/deep' export rated.h5 --out none/deep
nobody 'no folder to write to' export rated.h5
run 0 lasso --quiet "$data/diabetes.svm" --lambda 100 --model lasso.h5
nobody 'lasso.h5 is no factorization' recommend lasso.h5 --user u1
run 0 export lasso.h5 --out lasso --format text
[ -s lasso/value.txt ] || complain 'no coefficients in the export'

printf '1 1 1\n2 2 x\n' >word
awk 'BEGIN { for (u = 1; u <= 300000; u++) print u, u % 9, 1 }' >wide
for ranks in ${STRADS_TEST_RANKS:-1 4}; do
	bad() {
		local pattern=$1
		shift
		run failed mf --quiet --ranks "$ranks" --timeout 20 "$@"
		one_line "$pattern"
	}
	bad "word:2: rating 'x' is not a finite number" word
	bad "word:2: rating 'x'" ratings --test word
	bad 'missing: No such file' missing
	bad 'leave out --holdout' ratings --test ratings --holdout 0.1
	bad '--patience minds' ratings --patience 2
	bad 'does not end in .h5' ratings --model m.txt
	bad 'the model none/m.h5: No such file' ratings --model none/m.h5
	bad '--factors: .0. is not' ratings --factors 0
	bad 'by 1048576 factors needs .* GiB on this rank' wide --factors 1048576
	bad '20000 factors: sums over the ranks need .* bytes' ratings --algorithm als --factors 20000
	bad 'a staleness of 1' ratings --staleness 1
	bad 'no data' --factors 3
done
finish

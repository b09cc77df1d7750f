#!/usr/bin/env bash
# strads bench: every case on two ranks and on four, over each fabric, verified; its JSON keeps to
# the schema in docs/; one clear line for what cannot be measured. No time is looked at.
. "$(dirname "$0")/harness.sh"
schema=$data/../../docs/bench.schema.json

# valid FILE…: these keep to the schema.
valid() {
	python3 - "$schema" "$@" <<'END' 2>stderr || complain 'JSON that does not keep to the schema'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
for name in sys.argv[2:]:
    jsonschema.validate(json.load(open(name)), schema)
END
}

few="--iters 10 --warmup 2 --verify"
for what in put get put-signal put-bw get-bw rate fan-in fan-out dispatch pull commit round overlap; do
	for fabric in $fabrics sim; do
		for ranks in 2 4; do
			run 0 bench $what --ranks $ranks --fabric $fabric --size 64 $few --json
			"$json_get" ranks iterations size <stdout >values ||
				complain "$what: no rows"
			mv stdout "$what-$fabric-$ranks.json"
		done
	done
done
run 0 bench idle --ranks 2 --json
cp stdout idle.json
at_most "$("$json_get" core_percent <stdout)" 50
run 0 bench round --ranks 2 --json --report-histogram $few
cp stdout sweep.json
run 0 bench put-bw --ranks 2 -s 4K -b -t 4 -n 20 -r 3 --json
cp stdout both.json
for fabric in $fabrics sim; do
	run 0 bench probe --ranks 2 --fabric $fabric --json
	cp stdout probe-$fabric.json
	grep -q '"found":"ERR_BOUNDS' stdout || complain "probe over $fabric: no bounds are checked"
	grep -q 'all of 32 puts there when the signal was: 200 of 200' stdout ||
		complain "probe over $fabric: a signal is seen before what it stands behind"
	[ $fabric = sim ] || grep -q '"found":"ERR_PEER' stdout ||
		complain "probe over $fabric: a dead rank is not noticed"
done
run 0 bench probe --ranks 3 --fabric shm --csv
run 0 bench fan-in --ranks 8 --fabric shm -D 0.001 --all --csv
grep -q '^8388608,strads,' stdout || complain 'no 8 MiB in the sweep'

run failed bench put --ranks 2 --against mpi --mpirun nosuch --iters 1 -s 8
one_line 'cannot start nosuch'

if python3 -c 'import jsonschema' 2>/dev/null; then
	valid *.json
fi

if command -v gnuplot >/dev/null; then
	run 0 bench put --ranks 2 --against raw --iters 5 -r 2 --plot picture.svg
	grep -q '<svg' picture.svg || complain 'no SVG picture'
	run 0 bench put-bw --ranks 2 --iters 5 --plot picture.png
	[ "$(head -c 4 picture.png | tail -c 3)" = PNG ] || complain 'no PNG picture'
fi

run 64 bench put --plot picture.gif
one_line 'neither .svg nor .png'
run 64 bench idle --plot picture.svg
one_line 'no sizes'
run 64 bench put --size 0x
one_line "'0x' is not a size"
run 64 bench put-signal --size 12
one_line 'no multiple of 8'
run 64 bench nothing
one_line "'nothing' is not one of put, get"
run 64 bench put -s 8 -a
one_line 'cannot both be given'
run 64 bench put-signal -b
one_line 'but one direction'
run 64 bench probe --against raw
one_line 'stands beside nothing'
run 64 bench overlap --against mpi
one_line 'no counterpart'
run 64 bench put --json --csv
one_line 'cannot both be given'
run failed bench round --ranks 2 --against raw
one_line 'no bare means'
run failed bench put --ranks 2 --fabric sim --against mpi
one_line 'beside the simulator'
run failed bench put
one_line 'at least 2 ranks'
run failed bench idle --ranks 2 --fabric sim
one_line 'means nothing'
finish

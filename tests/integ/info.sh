#!/usr/bin/env bash
# `strads info` with and without devices: every documented key, the settings of the paths, and the
# sentence where adapters that were asked for are left out.
. "$(dirname "$0")/harness.sh"

# info KEYS…: prints the values of the keys, one run each.
info() {
	tr -d '\n' <stdout | "$json_get" "$@" || complain "info lacks one of: $*"
}

run 0 info --json
for key in versions.strads host.name limits.memlock_bytes limits.memlock_hard_bytes \
	limits.open_files limits.open_files_hard limits.hugepages_total limits.hugepages_free \
	limits.hugepage_kib limits.shm_bytes limits.shm_free_bytes devices findings \
	auto.within_host auto.between_hosts options.tol.value options.device.variable; do
	info "$key" >/dev/null
done
[ "$(info paths.shm.works paths.shm.path)" = 'true shm ' ] || complain 'shm does not work'
[ "$(info providers.shm providers.sim)" = 'true true ' ] || complain 'a provider does not open'
[ "$(info auto.within_host)" = 'shm ' ] || complain 'auto does not take shm within a host'
[ "$(info options.device.variable)" = 'STRADS_VERBS_DEVICE ' ] || complain 'another variable'

run 0 info
for title in Versions Host Limits 'RDMA devices' Paths Findings 'Options of'; do
	grep -q "^$title" stdout || complain "no '$title' on stdout"
done

run 0 info --json --retries 3
[ "$(info options.retries.value)" = '3 ' ] || complain '--retries is not in force'
STRADS_VERBS_RETRIES=2 run 0 info --json
[ "$(info options.retries.value)" = '2 ' ] || complain 'the environment is not in force'
run 64 info --retries 8
one_line "retries '8' (STRADS_VERBS_RETRIES) is out of range"
run 64 lasso "$data/diabetes.svm" --pkey 0x12345
one_line 'pkey'

run 0 info --json --device none7
case $(info providers.verbs 2>/dev/null) in
*none7*) ;;
*)
	grep -q '"verbs"' stdout && complain 'a device that is not there is not told of'
	skip 'built without the verbs provider'
	;;
esac
case $(info providers.ofi) in
true*) ;;
*) finish ;;
esac
run 0 lasso "$data/diabetes.svm" --ranks 2 --fabric auto:1 --device none7 --quiet --log log.jsonl
one_line "RDMA devices are not used: .*no RDMA device 'none7'"
head -1 log.jsonl | "$json_get" notes | grep -q none7 || complain 'the log does not tell of it'
run failed lasso "$data/diabetes.svm" --ranks 2 --fabric verbs --device none7 --quiet
one_line "no RDMA device 'none7'"

finish

#!/usr/bin/env bash
# What a run says of itself: what stands on stdout and stderr, that every line of the log has what it
# should, how it ended.
. "$(dirname "$0")/harness.sh"

fit="lasso $data/diabetes.svm --intercept --standardize center-unit --lambda-ratio 0.01"

run 0 $fit --ranks 2 --model m --log log.jsonl
grep -q '^converged: ' stdout || complain 'no "converged" on stdout'
grep -q 'objective' stderr || complain 'no progress on stderr'

"$json_get" event <log.jsonl >events || complain 'the log is not JSON lines'
[ "$(head -1 events)" = 'start ' ] || complain 'the log does not begin with start'
[ "$(tail -1 events)" = 'summary ' ] || complain 'the log does not end with a summary'
[ "$(sort events | uniq -c | awk '$2 != "progress" && $1 != 1' | wc -l)" -eq 0 ] ||
	complain 'more than one start or summary'
head -1 log.jsonl | "$json_get" settings.lambda-ratio settings.seed settings.fabric job ranks \
	paths.self versions.strads versions.libfabric host.name host.kernel >/dev/null ||
	complain 'start lacks keys'
grep '"progress"' log.jsonl | "$json_get" seconds sets updates objective gap nonzeros train_mse \
	test_mse bytes.put bytes.put_signal bytes.get stage_seconds.schedule.busy \
	stage_seconds.push.stall stage_seconds.pull.busy stage_seconds.sync.busy >values ||
	complain 'progress lacks keys'
[ -s values ] || complain 'no progress in the log'
tail -1 log.jsonl | "$json_get" status objective gap nonzeros load_seconds total_seconds \
	peak_bytes memory_predicted_bytes model >values || complain 'summary lacks keys'
grep -q '^converged ' values || complain 'the summary is not converged'

run 0 $fit --json --quiet --ranks 3
[ "$(wc -l <stdout)" -eq 1 ] || complain '--json prints more than one line'
"$json_get" event status gap <stdout >values || complain '--json is no JSON'
at_most "$(cut -d ' ' -f 3 values)" 1e-6
[ ! -s stderr ] || complain '--quiet shows something'

run 2 $fit --max-sets 2 --tol 0 --ranks 2 --json --model limited
[ "$("$json_get" status <stdout)" = 'limit ' ] || complain 'the status is not limit'
[ -s limited ] || complain 'no model at the limit'

classes classes.svm
run 0 logistic classes.svm --lambda-ratio 0.01 --test classes.svm --ranks 2 --log log.jsonl
head -1 log.jsonl | "$json_get" command >values
grep -q '^strads logistic' values || complain 'start names another command'
grep '"progress"' log.jsonl | "$json_get" seconds sets updates objective gap nonzeros train_log_loss \
	train_accuracy test_log_loss test_constant_log_loss test_accuracy bytes.put \
	stage_seconds.push.busy >/dev/null || complain 'progress of a logistic regression lacks keys'
tail -1 log.jsonl | "$json_get" status test_auc >values || complain 'its summary lacks keys'
grep -q '^converged ' values || complain 'its summary is not converged'

finish

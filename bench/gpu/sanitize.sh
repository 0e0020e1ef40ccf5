#!/bin/bash
# compute-sanitizer on cases of attn-test, each variant on its own so that a
# finding names it.
#
#   sanitize.sh FOLDER ATTN_CHECK [TOOL...]
#
# FOLDER is what `attn-test --backend=cuda --emit=FOLDER` wrote (small cases:
# --suite=matrix --filter=bf16/113x203/d64 --count=0), TOOL memcheck, racecheck,
# initcheck or synccheck (default: the first two). Exits with 1 if a tool finds
# anything or a case fails.

set -u
(($# >= 2)) || { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; exit 2; }
folder=$1 check=$2
shift 2
tools=("${@:-memcheck}")
(($# == 0)) && tools=(memcheck racecheck)
command -v compute-sanitizer >/dev/null || { echo "there is no compute-sanitizer here"; exit 2; }

clean=0 dirty=0
for tool in "${tools[@]}"; do
  while read -r name; do
    log=$(compute-sanitizer --tool "$tool" --error-exitcode 9 "$check" --backend=cuda \
      --filter="$name" "$folder" 2>&1)
    status=$?
    if ((status == 0)); then
      clean=$((clean + 1))
    else
      dirty=$((dirty + 1))
      echo "FAILED $tool $name (exit $status)"
      grep -v '^=* *$' <<<"$log" | head -20
    fi
  done < <(sed -n 's/.*"name":"\([^"]*\)".*/\1/p' "$folder"/*.json)
done
echo "$clean passed, $dirty failed"
((dirty == 0))

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# compute-sanitizer on cases of attn-test, each variant on its own so that a
# finding names it, several at a time.
#
#   sanitize.sh FOLDER ATTN_CHECK [TOOL...]
#
# FOLDER is what `attn-test --backend=cuda --emit=FOLDER` wrote (small cases:
# --suite=matrix --filter=bf16/113x203/d64 --count=0), TOOL memcheck, racecheck,
# initcheck or synccheck (default: the first two). Exits with 1 if a tool finds
# anything or a case fails.

set -u
(($# >= 2)) || { sed -n '4,/^$/s/^# \{0,1\}//p' "$0"; exit 2; }
folder=$1 check=$2
shift 2
tools=("$@")
((${#tools[@]})) || tools=(memcheck racecheck)
command -v compute-sanitizer >/dev/null || { echo "there is no compute-sanitizer here"; exit 2; }

# examine TOOL NAME: prints what is wrong, or "clean".
examine() {
  local log status
  log=$(compute-sanitizer --tool "$1" --error-exitcode 9 "$check" --backend=cuda \
    --filter="$2" "$folder" 2>&1)
  status=$?
  if ((status == 0)); then
    echo "clean $1 $2"
  else
    echo "FAILED $1 $2 (exit $status)"
    grep -v '^=* *$' <<<"$log" | head -20 | sed 's/^/  /'
  fi
}
export -f examine
export folder check

found=$(for tool in "${tools[@]}"; do
  sed -n "s/.*\"name\":\"\([^\"]*\)\".*/$tool\n\1/p" "$folder"/*.json
done | xargs -P "$(nproc)" -d '\n' -n 2 bash -c 'examine "$0" "$1"')
grep -v '^clean' <<<"$found"
failed=$(grep -c '^FAILED' <<<"$found")
clean=$(grep -c '^clean' <<<"$found")
echo "$clean passed, $failed failed"
((failed == 0 && clean > 0))

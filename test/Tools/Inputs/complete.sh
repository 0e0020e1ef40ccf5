# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# complete.sh SCRIPT LINE: what the script offers at the end of the line, one a
# line, by the function that bash would call.
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
tool=${2%% *}
read -r _ _ function _ < <(complete -p "$tool" | sed 's/.*-F/x x/') || exit 1
"$function" "$tool" '' ''
printf '%s\n' "${COMPREPLY[@]}"

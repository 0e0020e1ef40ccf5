# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Completion in bash for the tools: options by what --help says, targets and
# chips by --list-targets, else files. Installed where bash-completion looks;
# without that: source this file.

_attn_options() {
  # Deeper lines are options of passes and values.
  "$1" --help 2>/dev/null | sed -nE 's/^ {2,6}(--?[a-zA-Z0-9][-a-zA-Z0-9_]*)(=?).*/\1\2/p'
}

# TARGET and TARGET:CHIP, or the chips alone.
_attn_targets() {
  "$1" --list-targets 2>/dev/null | awk -v kind="$2" '
    /^[a-z]/ { sub(/:.*/, ""); name = $0; if (kind != "chips") print name }
    /^  chips:/ {
      gsub(/\(default\)/, "")
      for (i = 2; i <= NF; ++i)
        if (kind != "names") print kind == "chips" ? $i : name ":" $i
    }'
}

_attn_values() { # TOOL OPTION
  case $2 in
  --target) _attn_targets "$1" all ;;
  --chip) _attn_targets "$1" chips ;;
  --backend) printf '%s\n' auto reference unfused && _attn_targets "$1" names ;;
  --check) echo reference ;;
  --report) echo json ;;
  --emit) [[ $1 == *attn-compile ]] && printf '%s\n' artifact mlir ;;
  esac
}

_attn_complete() {
  # Bash breaks words at = and :, too; what it replaces is what follows the last.
  local line=${COMP_LINE:0:COMP_POINT}
  local word=${line##*[[:space:]]} candidate
  local tail=${word##*[=:]}
  local kept=${word%"$tail"} list=''
  COMPREPLY=()
  case $word in
  --*=*)
    local option=${word%%=*} value=${word#*=}
    # After a comma comes another target.
    [[ $option == --target && $value == *,* ]] && list=${value%,*},
    while read -r candidate; do
      [[ $list$candidate == "$value"* ]] && COMPREPLY+=("$option=$list$candidate")
    done < <(_attn_values "$1" "$option" | sort -u)
    ((${#COMPREPLY[@]})) || while read -r candidate; do
      COMPREPLY+=("$option=$candidate")
    done < <(compgen -f -- "$value")
    ;;
  -*)
    while read -r candidate; do
      [[ $candidate == "$word"* ]] && COMPREPLY+=("$candidate")
    done < <(_attn_options "$1" | sort -u)
    ;;
  *) while read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "$word") ;;
  esac
  # A value or a path may go on; an option that takes none does not.
  [[ ${#COMPREPLY[@]} == 1 && (${COMPREPLY[0]} == *= || -d ${COMPREPLY[0]#*=}) ]] &&
    type compopt &>/dev/null && compopt -o nospace 2>/dev/null
  COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}

complete -F _attn_complete attn-opt attn-run attn-compile attn-translate attn-test \
  attn-check attn-lsp-server

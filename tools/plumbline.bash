# Bash completion for plumbline: commands, then the flags that the program itself names, then files.
_plumbline() {
	local word=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} command="" index
	COMPREPLY=()
	for ((index = 1; index < COMP_CWORD; index++)); do
		case ${COMP_WORDS[index]} in
		-*) ;;
		*) command=${COMP_WORDS[index]}; break ;;
		esac
	done
	if [ -z "$command" ] && [[ $word != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)\( .*\)\{0,1\}$/\1/p')" -- "$word")
	elif [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$({ "$program" $command --help; "$program" --help; } 2>/dev/null | grep -oE -- '--[a-z][a-z-]+' | sort -u)" -- "$word")
	else
		case "$command" in
		key) mapfile -t COMPREPLY < <(compgen -W "create list revoke rotate" -- "$word") ;;
		source) mapfile -t COMPREPLY < <(compgen -W "list add rotate test enable disable" -f -- "$word") ;;
		org) mapfile -t COMPREPLY < <(compgen -W "create list" -- "$word") ;;
		import) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
		esac
	fi
}
complete -o filenames -F _plumbline plumbline

#!/bin/sh
# Completion in bash: the function is called as bash calls it.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

command -v bash >/dev/null || { echo "SKIPPED: there is no bash"; exit 77; }
script=${tool%/*}/pages/bash/tmp
mkdir 'a directory'
: >'a file'

# offers ANSWERS WORDS...: the last word is the one that is completed.
offers() {
    expected=$1
    shift
    # shellcheck disable=SC2016  # bash is to expand it
    got=$(bash --norc -c '. "$0"; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _tmp; printf "%s\n" "${COMPREPLY[@]}"' "$script" "$@" 2>err | sort -u | tr "\n" "|")
    is "$got" "$expected" "what is offered for $*"
    is "$(cat err)" "" "what is said about $*"
}

offers 'spool|' tmp sp
offers 'recipe|rm|run|' tmp r
offers '--version|' tmp --v
offers '--dir|--help|--prefix|--print0|--suffix|--until-pid|' tmp file --
offers '--dir|' tmp file --prefix x --d
offers 'a directory|' tmp file --dir a
offers 'a directory|' tmp file --dir = a
offers '|' tmp file --prefix a
offers '|' tmp file a
offers 'a directory|a file|' tmp rm a
offers 'a directory|a file|' tmp rm -v -- a
offers '|' tmp rm -- --dry
offers '--dry-run|' tmp rm a --dry
offers 'a directory|a file|' tmp write a
offers '--mode|' tmp write a --mo
offers 'mkfifo|' tmp write a -- mkfif
offers 'mkfifo|' tmp shell -- mkfif
offers '|' tmp shell mkfif
offers 'mkfifo|' tmp run mkfif
offers 'mkfifo|' tmp run --dir /tmp mkfif
offers 'mkfifo|' tmp run --dir = /tmp -v mkfif
offers 'a directory|a file|' tmp run ls a
offers '|' tmp run ls --keep
offers 'always|never|on-failure|' tmp run --keep ''
offers 'on-failure|' tmp run --keep = on
offers "$$|" tmp dir --until-pid "$$"
offers '|' tmp nothing-like-that a
finish

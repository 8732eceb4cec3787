#!/bin/sh
# Completion in fish: it is asked what it would offer.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

command -v fish >/dev/null || { echo "SKIPPED: there is no fish"; exit 77; }
script=${tool%/*}/pages/fish/tmp.fish
export HOME="$scratch/home"
mkdir home directory
: >dir.txt
fish --no-execute "$script" || fail "fish cannot read it"

# offers ANSWERS LINE: without their descriptions
offers() {
    got=$(fish -N -c 'source $argv[1]; complete -C $argv[2]' "$script" "$2" 2>err | cut -f 1 | tr '\n' '|')
    is "$got" "$1" "what is offered for $2"
    is "$(cat err)" "" "what is said about $2"
}

offers 'recipe|rm|run|' 'tmp r'
offers '--version|' 'tmp --v'
offers '--dir|--help|--prefix|--print0|--suffix|--until-pid|' 'tmp file --'
offers 'directory/|' 'tmp file --dir dir'
offers '' 'tmp file --prefix dir'
offers '' 'tmp file dir'
offers 'dir.txt|directory/|' 'tmp rm dir'
offers '--dry-run|' 'tmp rm dir.txt --dry'
offers '--mode|' 'tmp write dir.txt --mod'
offers 'mkfifo|' 'tmp write dir.txt -- mkfif'
offers 'mkfifo|' 'tmp shell -- mkfif'
offers '' 'tmp shell mkfif'
offers 'mkfifo|' 'tmp run mkfif'
offers 'mkfifo|' 'tmp run --dir /tmp mkfif'
offers 'mkfifo|' 'tmp run --dir=/tmp -v -- mkfif'
offers '' 'tmp run --keep mkfif'
offers 'always|never|on-failure|' 'tmp run --keep '
offers 'dir.txt|directory/|' 'tmp run ls dir'
offers '' 'tmp run cp --kee'
offers '--keep|' 'tmp run --kee'
finish

#!/bin/sh
# Completion in zsh: keys are typed into one.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

command -v zsh >/dev/null || { echo "SKIPPED: there is no zsh"; exit 77; }
pages=${tool%/*}/pages/zsh
mkdir directory
zsh -n "$pages/_tmp" || fail "zsh cannot read it"

# In place of tmp, a function that says what it was called with.
cat >type.zsh <<'END'
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w -n shell $'PS1=; autoload -U compinit; fpath=('${(q)1}$' $fpath)\n'
zpty -w -n shell $'compinit -u -D; tmp() { print -r -- "<""$*"">" }; tmp ready\n'
zpty -r shell answer '*<ready>*'
for keys in "${@:2}"; do
    zpty -w -n shell "tmp ${(g::)keys}"$'\n'
    zpty -r shell answer '*<*>*'
    print -r -- "${${answer##*<}%%>*}"
done
END
zsh -f type.zsh "$pages" 'fi\t' 'rec\t--he\t' 'file --pre\ta' 'file --dir=dir\t' 'rm dire\t' 'rm --dry\t -v' 'run mkfif\tx' \
    'run zsh directo\t' 'write dire\t' 'shell -- mkfif\tx' 'shell mkfif\tx' 'write f -- mkfif\tx' 'edit f -- rm dire\t' \
    'run -- mkfif\tx' 'write f --dur\t' 'run --keep=on\t' >out 2>err || fail "zsh: $(cat err)"
is "$(sed 's/  */ /g; s/ $//' out)" "file
recipe --help
file --prefix=a
file --dir=directory
rm directory
rm --dry-run -v
run mkfifo x
run zsh directory
write directory
shell -- mkfifo x
shell mkfifx
write f -- mkfifo x
edit f -- rm directory
run -- mkfifo x
write f --durable
run --keep=on-failure" "what was completed"
finish

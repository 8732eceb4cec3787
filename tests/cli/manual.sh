#!/bin/sh
# The pages of the manual: one for each command and the overview, with every option, without a fault that groff or
# mandoc would find.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

pages=${tool%/*}/pages/man

# has PAGE TEXT: what roff writes in another way aside
has() {
    sed 's/\\f.//g; s/\\-/-/g; s/\\&//g; s/\\(aq/'"'"'/g; s/\\(dq/"/g' "$1" | tr '\n' ' ' | grep -qF -- "$2" ||
        fail "\"$2\" is not in ${1##*/}"
}

commands() {
    "$tool" --help | sed -n '1,/^Commands:/d; /^$/q; s/^  \([a-z][a-z-]*\) .*/\1/p'
}

is "$(commands | wc -l)" "$(find "$pages" -name 'tmp-*.1' | wc -l)" "commands and pages"
for command in $(commands); do
    page=$pages/tmp-$command.1
    [ -f "$page" ] || { fail "there is no page for $command"; continue; }
    has "$pages/tmp.1" "tmp-$command (1)"
    for heading in NAME SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' EXAMPLE 'SEE ALSO'; do
        grep -q "^.SH $heading" "$page" || fail "$page has no $heading"
    done
    "$tool" "$command" --help >help
    for option in $(grep -o '^  -[^ ]*' help | tr ',' ' '); do
        has "$page" "$option"
    done
    [ "$(grep -c '^  -' help)" -gt 0 ] || fail "$command has no options, not even --help"
    has "$page" "$(sed -n 's/^Example.*//; /^  /h; ${x; p}' help)" # the last line of the last example
done
for text in TMPDIR TEMPFILE_REGISTRY TEMPFILE_KEEP NO_COLOR SHELL XDG_RUNTIME_DIR --version --help 'EXIT STATUS' 'tmp run make'; do
    has "$pages/tmp.1" "$text"
done

unchecked=
if command -v mandoc >/dev/null; then
    mandoc -Tlint "$pages"/*.1 >out || fail "mandoc finds fault"
    is "$(out)" "" "what mandoc finds"
else
    unchecked="$unchecked mandoc"
fi
# Debian leaves a dummy in the place of man where no documentation is wanted.
if man --version >/dev/null 2>&1; then
    for page in "$pages"/*.1; do
        LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" >/dev/null 2>err || fail "no $page"
        is "$(cat err)" "" "what groff says of $page"
    done
else
    unchecked="$unchecked man"
fi
if [ -n "$unchecked" ] && [ "$failures" = 0 ]; then
    echo "SKIPPED: not there to look at the pages:$unchecked"
    exit 77
fi
finish

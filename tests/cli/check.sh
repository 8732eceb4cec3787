# shellcheck shell=sh disable=SC2034  # used by those who source this
# What the scripts in this folder begin with. Makes a folder to work in, which is removed at the end.
set -u
tool=$1
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
project=$(CDPATH='' cd "$here/../.." && pwd)
unset TMPDIR TEMP TMP
scratch=$(mktemp -d)
trap 'cd / && rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

finish() {
    exit $((failures > 0))
}

# exits STATUS COMMAND...: what it printed is in the files out and err of the scratch folder.
exits() {
    expected=$1
    shift
    status=0
    "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
    [ "$status" = "$expected" ] || fail "$*: exited with $status, not $expected; it said: $(cat "$scratch/err")"
}

out() {
    cat "$scratch/out"
}

# says TEXT: the last command said so on standard error.
says() {
    grep -qF -- "$1" "$scratch/err" || fail "\"$1\" is not in what was said: $(cat "$scratch/err")"
}

# prints TEXT: the last command printed that.
prints() {
    grep -qF -- "$1" "$scratch/out" || fail "\"$1\" is not in what was printed: $(cat "$scratch/out")"
}

is() {
    [ "$1" = "$2" ] || fail "$3: $1, not $2"
}

# empty DIRECTORY
empty() {
    is "$(ls -A "$1")" "" "what is left in $1"
}

# For commands that run others: a place for their directories and a registry, both their own, and two pipes to talk through:
# whoever reads "hold" waits, and so does a reader of "said" who is early, instead of finding the end that an earlier
# writer left.
stage() {
    chmod 755 "$scratch"
    mkdir into
    mkdir -m 700 registry
    mkfifo said hold
    exec 3<>hold
    exec 4<>said
    export TEMPFILE_REGISTRY="$scratch/registry"
    export TMPDIR="$scratch/into"
}

matches() {
    # shellcheck disable=SC2254  # it is a pattern
    case $1 in
        $2) ;;
        *) fail "$1 does not look like $2" ;;
    esac
}

# A command that runs another one as an ordinary user, also when we are root.
as_user() {
    if [ "$(id -u)" = 0 ]; then
        # The second exec is the user's own: the first is looked up with root's rights, which setpriv gives up with it.
        setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'exec "$@"' sh "$@"
    else
        "$@"
    fi
}

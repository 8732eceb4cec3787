# shellcheck shell=sh disable=SC2034  # used by those who source this
# What the scripts in this folder begin with: $1 is the project, $2 where it was built; the other arguments are for
# cmake. Makes a folder to work in, with a space in its name, which is removed at the end.
set -eu
project=$1
built=$2
shift 2
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
work="$scratch/a user folder"
mkdir "$work"

install_library() {
    cmake --install "$built" --prefix "$work/prefix" >"$work/install.log"
}

# expect_recipe PROGRAM
expect_recipe() {
    said=$("$@")
    [ "$said" = "Stack Overflow!" ] || { echo "FAILED: it said \"$said\""; exit 1; }
}

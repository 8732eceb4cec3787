#!/bin/sh
# Runs a program, commands, a session or a piece of a CMakeLists.txt from the documents in an empty directory, and compares
# what it prints: run_block.sh KIND FILE EXPECTED
#
# EXPECTED is a file that need not exist. In the environment: CXX, CXXFLAGS and CMAKE_GENERATOR, with which we were built;
# TOOL, where tmp is, and PREFIX, where the library was installed to; MAIN, a program of a user; PROJECT, our sources.
set -eu
kind=$1 file=$2 expected=$3

scratch=$(mktemp -d)
trap 'cd / && rm -rf "$scratch"' EXIT
mkdir "$scratch/temp" "$scratch/bin"
export TMPDIR="$scratch/temp" HOME="$scratch" # where fish writes to
mkdir -m 700 "$scratch/registry"
export TEMPFILE_REGISTRY="$scratch/registry" # what tests beside this one have would be gone between two commands
unset TEMP TMP XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME

skip() {
    echo "SKIPPED: $1"
    exit 77
}

# A user's compiler is the one this build uses, with its flags: libraries of two compilers do not mix.
prepare_user() {
    [ -e "$PREFIX" ] || skip "the library is not installed in $PREFIX; the test docs/install does that"
    [ -x "${TOOL:-}" ] || skip "the tool is not built (TEMPFILE_BUILD_TOOL)"
    ! grep -q pkg-config "$file" || command -v pkg-config >/dev/null || skip "there is no pkg-config here"
    ln -s "$PREFIX" "$scratch/prefix"
    PREFIX=$scratch/prefix  # pkg-config's answer is not quoted, and goes wrong in a folder with a space
    printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$CXX" "$CXXFLAGS" >"$scratch/bin/c++"
    chmod +x "$scratch/bin/c++"
    PATH="$scratch/bin:$PREFIX/bin:${TOOL%/*}:$PATH"
    export PATH
    for lib in "$PREFIX"/lib*/ "$PREFIX"/lib/*/; do
        [ ! -d "$lib/pkgconfig" ] || export PKG_CONFIG_PATH="$lib/pkgconfig" LD_LIBRARY_PATH="$lib"
    done
}

run_cmake() {
    {
        grep -q 'project(' "$file" || printf 'cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES CXX)\n'
        cat "$file"
    } >CMakeLists.txt
    # One of them builds the whole library, which takes half as long without optimisation.
    CXX="$scratch/bin/c++" cmake -S . -B build -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_BUILD_TYPE=Debug
    cmake --build build
    test -x build/main
    ./build/main
}

# An error does not end a fish script, but it is told.
run_fish() {
    fish --no-config "$file" 2>"$scratch/said" && [ ! -s "$scratch/said" ] || {
        cat "$scratch/said" >&2
        return 1
    }
}

run() {
    case $1 in
        program) "$file" ;;
        sh | bash) "$1" -eu "$file" ;;
        zsh) zsh -feu "$file" ;;
        fish) run_fish ;;
        cmake) run_cmake >&2 ;;
        console) python3 "$PROJECT/tests/docs/console.py" "$file" ;;
    esac
}

nothing_left() {
    left=$(ls -A "$TMPDIR")
    # What goes with its shell goes a moment later.
    tries=0
    while [ -n "$left" ] && [ "$tries" -lt 1000 ] && grep -q -- --until-pid "$file"; do
        sleep 0.01
        tries=$((tries + 1))
        left=$(ls -A "$TMPDIR")
    done
    [ -z "$left" ] || {
        echo "FAILED: it leaves behind in the directory for temporary files: $left"
        exit 1
    }
}

# try HOW: in a new directory
try() {
    rm -rf "$scratch/work"
    mkdir "$scratch/work"
    cd "$scratch/work"
    case $kind in
        program) ;;
        *)
            cp "$MAIN" main.cpp
            ln -s "$PROJECT" tempfile
            ;;
    esac
    run "$1" >"$scratch/printed"
    cat "$scratch/printed"
    if [ -e "$expected" ]; then
        diff -u "$expected" "$scratch/printed"
    fi
    nothing_left
}

how=$kind
case $kind in
    program) ;;
    *) prepare_user ;;
esac
[ "$kind" != sh ] || how="sh bash zsh" # what is for one is for all of them
for each in $how; do
    case $each in
        bash | zsh | fish) command -v "$each" >/dev/null || skip "there is no $each here" ;;
    esac
    try "$each"
done

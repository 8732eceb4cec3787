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
mkdir "$scratch/work" "$scratch/temp" "$scratch/bin"
cd "$scratch/work"
export TMPDIR="$scratch/temp"
unset TEMP TMP

skip() {
    echo "SKIPPED: $1"
    exit 77
}

# A user's compiler is the one this build uses, with its flags: libraries of two compilers do not mix.
prepare_user() {
    [ -e "$PREFIX" ] || skip "the library is not installed in $PREFIX; the test docs/install does that"
    [ -x "${TOOL:-}" ] || skip "the tool is not built (TEMPFILE_BUILD_TOOL)"
    ! grep -q pkg-config "$file" || command -v pkg-config >/dev/null || skip "there is no pkg-config here"
    cp "$MAIN" main.cpp
    ln -s "$PREFIX" "$scratch/prefix"
    PREFIX=$scratch/prefix  # pkg-config's answer is not quoted, and goes wrong in a folder with a space
    ln -s "$PROJECT" tempfile
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
    CXX="$scratch/bin/c++" cmake -S . -B build -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_BUILD_TYPE=Release
    cmake --build build
    test -x build/main
    ./build/main
}

run() {
    case $kind in
        program) "$file" ;;
        sh) sh -eu "$file" ;;
        cmake) run_cmake >&2 ;;
        console) python3 "$PROJECT/tests/docs/console.py" "$file" ;;
    esac
}

case $kind in sh | cmake | console) prepare_user ;; esac
run >"$scratch/printed"
cat "$scratch/printed"
if [ -e "$expected" ]; then
    diff -u "$expected" "$scratch/printed"
fi
left=$(ls -A "$TMPDIR")
# What goes with its shell goes a moment later.
tries=0
while [ -n "$left" ] && [ "$tries" -lt 1000 ] && grep -q -- --until-pid "$file"; do
    sleep 0.01
    tries=$((tries + 1))
    left=$(ls -A "$TMPDIR")
done
if [ -n "$left" ]; then
    echo "FAILED: it leaves behind in the directory for temporary files: $left"
    exit 1
fi

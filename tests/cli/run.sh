#!/bin/sh
# ./run and ./test where something is missing: they say what, and what to do.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

# A copy of the scripts, in a folder with a space in its name, and a PATH on which there is next to nothing.
mkdir -p 'the copy/cmake' bin
cp "$project/run" "$project/test" 'the copy'
cp "$project/cmake/packages.sh" "$project/cmake/packages.txt" 'the copy/cmake'
for command in mkdir readlink dirname realpath bash; do
    ln -s "$(command -v "$command")" bin
done
ln -s 'the copy/run' link

for script in 'the copy/run' ./link "$scratch/the copy/test"; do
    exits 1 env PATH="$scratch/bin" "$script"
    says "not found: c++ cmake ninja"
    says "no apt-get"
    says "packages: g++ cmake ninja-build"
    is "$(out)" "" "what $script prints"
done

# Neither root nor sudo: the line that root has to run.
if apt_get=$(command -v apt-get); then
    ln -s "$apt_get" "$(command -v id)" bin
    chmod -R a+rwX "$scratch"
    exits 1 as_user env PATH="$scratch/bin" ./link spool </dev/null
    says "not found: c++ cmake ninja"
    says "as root"
    says "apt-get install --no-install-recommends g++ cmake ninja-build"
fi
finish

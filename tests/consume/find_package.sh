#!/bin/sh
# shellcheck source=SCRIPTDIR/consume.sh
. "$(dirname "$0")/consume.sh"

install_library
cmake -S "$here/find_package" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" "$@"
cmake --build "$work/build"
expect_recipe "$work/build/user"

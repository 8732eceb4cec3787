#!/bin/sh
# shellcheck source=SCRIPTDIR/consume.sh
. "$(dirname "$0")/consume.sh"

cmake -S "$here/add_subdirectory" -B "$work/build" -G Ninja -DTEMPFILE_SOURCE="$project" "$@"
cmake --build "$work/build"
expect_recipe "$work/build/user"

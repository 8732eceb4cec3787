#!/bin/sh
# shellcheck source=SCRIPTDIR/consume.sh
. "$(dirname "$0")/consume.sh"

command -v pkg-config >/dev/null || { echo "SKIPPED: needs pkg-config (package pkgconf)"; exit 77; }
install_library
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name tempfile.pc)")
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs tempfile)
# pkg-config quotes what must be quoted for the shell, so the shell reads it again.
eval "\$CXX $CXXFLAGS -Wall -Wextra -Wpedantic -Werror \"\$here/user.cpp\" -o \"\$work/user\" $flags"
export LD_LIBRARY_PATH="${PKG_CONFIG_PATH%/*}" # where the library was built shared
expect_recipe "$work/user"

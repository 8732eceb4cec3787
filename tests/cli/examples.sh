#!/bin/sh
# The examples that --help and the manual give are run. What they talk about is there, or a stand-in for it.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

mkdir bin work registry
chmod 700 registry
export TEMPFILE_REGISTRY="$scratch/registry" TMPDIR="$scratch/work" SHELL=/bin/sh
ln -s "$tool" bin/tmp
PATH=$scratch/bin:$PATH
for name in make pg_dump; do
    printf '#!/bin/sh\necho "%s"\n' "$name" >"bin/$name"
done
printf '#!/bin/sh\nshift\nexec sh -c "$*"\n' >bin/ssh
printf '#!/bin/sh\n"$@" || [ $? -eq 1 ]\n' >bin/sudo # the doctor may well find a problem here
chmod +x bin/*

run=0
for command in '' $(tmp --help | sed -n '1,/^Commands:/d; /^$/q; s/^  \([a-z][a-z-]*\) .*/\1/p'); do
    tmp ${command:+"$command"} --help | sed '1,/^Example/d; /^Example/d; s/^  //' >examples
    [ -s examples ] || fail "tmp $command --help has no example"
    while read -r example; do
        run=$((run + 1))
        # A line of a crontab is run at once; grep finds none that is dead; 20G need not be free here.
        example=$(printf '%s\n' "$example" | sed 's/^0 \* \* \* \* //; s/| grep dead$/| sed -n \/dead\/p/; s/20G/1M/')
        mkdir "in-$run" && (
            cd "in-$run" && mkdir build && printf 'x\ny\n' | tee list >big.txt && echo ERROR >log && tar -cf logs.tar log &&
                sh -eu -c "$example" </dev/null >out 2>err
        ) || fail "tmp $command: $example: $(cat "in-$run/err")"
    done <examples
done
[ "$run" -gt 10 ] || fail "only $run examples"
finish

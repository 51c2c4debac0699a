#!/usr/bin/env bash
# Captures, a defence, the features of what came out, and a sweep: each in 4 shares, 2 at a time.
set -euo pipefail
wfkit=${WFKIT:-wfkit} shares=4 at_once=2

# each COMMAND..: runs it for every share; {} is the number of the share.
each() { seq "$shares" | xargs -P "$at_once" -I{} "$wfkit" --quiet "$@" >/dev/null; }
# merged OUT PART..: joins what all shares wrote.
merged() { "$wfkit" --quiet dataset merge "${@:2}" --out "$1" >/dev/null; }

if [ ! -e traces.parquet ]; then
  each capture import captures --shard "{}/$shares" --out "traces-{}.parquet"
  merged traces.parquet traces-[0-9]*.parquet
fi
each defend traces.parquet --defence front --seed 7 --shard "{}/$shares" --out "defended-{}.parquet"
merged defended.parquet defended-[0-9]*.parquet
each features defended.parquet --set kfp-size --shard "{}/$shares" --out "features-{}.parquet"
merged features.parquet features-[0-9]*.parquet
each sweep traces.parquet --defence front --defence tamaraw:cell --defence pad:mtu --attack totals --draws 1 --draws-train 1 --seed 7 \
  --shard "{}/$shares" --out "sweep-{}"
merged sweep sweep-[0-9]*

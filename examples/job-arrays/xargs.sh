#!/usr/bin/env bash
# A defence in 4 shares, 2 at a time, and the features of what came out.
set -euo pipefail
wfkit=${WFKIT:-wfkit} shares=4 at_once=2

# each COMMAND..: runs it for every share; {} is the number of the share.
each() { seq "$shares" | xargs -P "$at_once" -I{} "$wfkit" --quiet "$@"; }

each defend traces.parquet --defence front --seed 7 --shard "{}/$shares" --out "defended-{}.parquet" >/dev/null
"$wfkit" --quiet dataset merge defended-[0-9]*.parquet --out defended.parquet >/dev/null
each features defended.parquet --set kfp-size --shard "{}/$shares" --out "features-{}.parquet" >/dev/null
"$wfkit" --quiet dataset merge features-[0-9]*.parquet --out features.parquet >/dev/null

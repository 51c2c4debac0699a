#!/usr/bin/env bash
#SBATCH --job-name=wfkit --array=1-16 --cpus-per-task=4 --mem=4G --time=01:00:00
# 16 shares on as many nodes: sbatch slurm.sh import, then, when all are done, `wfkit dataset merge traces-*.parquet --out traces.parquet`. Likewise
# `defend` (defended-*.parquet), and `sweep` (folders sweep-*; as many shares as defences and one are the most: --array=1-4).
set -euo pipefail
wfkit="${WFKIT:-wfkit} --quiet --threads $SLURM_CPUS_PER_TASK"
share=$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT
case ${1:-defend} in
  import) $wfkit capture import captures --shard "$share" --out "traces-$SLURM_ARRAY_TASK_ID.parquet" ;;
  defend) $wfkit defend traces.parquet --defence front --seed 7 --shard "$share" --out "defended-$SLURM_ARRAY_TASK_ID.parquet" ;;
  sweep) $wfkit sweep traces.parquet --defence front --defence tamaraw:cell --defence pad:mtu --attack totals --draws 1 --draws-train 1 --seed 7 \
    --shard "$share" --out "sweep-$SLURM_ARRAY_TASK_ID" ;;
esac

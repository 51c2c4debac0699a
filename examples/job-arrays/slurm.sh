#!/usr/bin/env bash
#SBATCH --job-name=defend --array=1-16 --cpus-per-task=4 --mem=4G --time=01:00:00
# 16 shares on as many nodes. When all are done: wfkit dataset merge defended-*.parquet --out defended.parquet
set -euo pipefail
"${WFKIT:-wfkit}" defend traces.parquet --defence front --seed 7 --threads "$SLURM_CPUS_PER_TASK" \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --out "defended-$SLURM_ARRAY_TASK_ID.parquet"

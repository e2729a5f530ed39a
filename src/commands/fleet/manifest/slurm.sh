#!/bin/bash
# One run on several machines: sbatch this file. The exit code of the job is the run's; srun's tells nothing about a
# lost agent. A run's name is used once: make this file anew for the next run.
#SBATCH --job-name=meshload-{NAME}
#SBATCH --nodes={AGENTS}
#SBATCH --ntasks={AGENTS}
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --mem=0
: "${MESHLOAD_BUS:?the URL of the NATS server, with JetStream: tls://USER:PASSWORD@HOST:4222}"
srun --kill-on-bad-exit=0 --output=meshload-{NAME}-%t.log {AGENT} &
{RUN}
code=$?
wait
exit $code

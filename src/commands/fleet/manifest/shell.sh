# One run on several machines, with plain shells. The bus is a NATS server with JetStream that all of them reach.
# A run's name is used once: make these lines anew for the next run.

# On each of {AGENTS} machines:
export MESHLOAD_BUS=tls://USER:PASSWORD@HOST:4222
{AGENT}

# On one of them, or elsewhere; its exit code is the run's:
export MESHLOAD_BUS=tls://USER:PASSWORD@HOST:4222
{RUN}

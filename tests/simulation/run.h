/* One life of a watchdog, from its start to its exit, in a world of faults. */
#pragma once

#include "tests/simulation/random.h"
#include "tests/simulation/trace.h"

/* Adds its steps to the trace. */
void sim_run(SimTrace *trace, SimRandom *random);

#include "watchdog/core/output/last-lines.h"

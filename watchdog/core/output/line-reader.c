#include "watchdog/core/output/line-reader.h"

#include "core.h"
#include "types_local.h"
#include "asks.h"
#include "asks_gone.h"

#include "core.h"
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#include "types_target.h"
#pragma clang attribute pop
#include "asks.h"

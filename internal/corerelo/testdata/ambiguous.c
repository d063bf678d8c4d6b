/* One relocation a function, each of which has to fail: the target has two answers. */
#include "core.h"

struct twice { int same, differs; } CORE;

LOAD(agrees, struct twice, p->same)
LOAD(disagrees, struct twice, p->differs)
ASK(id, TYPE_ID(ID_TARGET, struct twice))
ASK(size, TYPE(TYPE_SIZE, struct twice))
ASK(exists, TYPE(TYPE_EXISTS, struct twice))

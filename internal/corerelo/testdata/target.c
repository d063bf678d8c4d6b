#include "core.h"
#include "types_target.h"

#define KEEP(type, name) type name;
KEEP(struct moved, k1) KEEP(struct resized, k2) KEEP(struct gone, k3) KEEP(struct bits, k4) KEEP(struct anon, k5)
KEEP(struct arrays, k6) KEEP(struct flexed, k7) KEEP(struct defixed, k8) KEEP(struct flavour, k9)
KEEP(struct kinds, k10) KEEP(union uni, k11) KEEP(typedefed, k12) KEEP(enum vals, k13) KEEP(enum uvals, k14)
KEEP(enum wide, k15) KEEP(enum swide, k16) KEEP(enum narrow, k17) KEEP(td_enum, k18) KEEP(struct tmatch, k19)
KEEP(struct tmismatch, k20) KEEP(struct textra, k21) KEEP(fn_ok, k22) KEEP(fn_args, k23) KEEP(fn_ret, k24)
KEEP(to_u64, k25) KEEP(ptr_item, k26) KEEP(arr_typedef, k27) KEEP(struct is_struct, k28) KEEP(typedefed_core, k29)
KEEP(struct flavour___two, k30)

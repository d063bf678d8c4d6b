/* The types as a program knows them; types_target.h has them as another kernel has them. */

struct moved { int a, b; } CORE;

struct resized {
	u64 shrunk;
	u32 grown;
	s32 sgrown;
	void *pointer;
	long shrunk_array[4];
	u32 grown_array[4];
	u32 to_struct;
	enum { RE_A } sized_enum;
} CORE;

struct gone { int here, missing; } CORE;
struct absent { int a; } CORE;

struct bits {
	u32 a : 3, b : 5, c : 24;
	s32 s : 7;
	u64 wide : 40;
	u32 plain;
	u32 becomes_plain : 4;
	u32 becomes_bits;
} CORE;

struct anon {
	int head;
	int inner;
	int deeper;
	struct { int flat; };
} CORE;

struct item { int x, y; } CORE;
struct arrays {
	int before;
	int ints[8];
	struct item items[4];
	int matrix[3][5];
	int shorter[10];
	int flex[];
} CORE;
struct flexed { int n; struct item tail[]; } CORE;
struct defixed { int n; struct item tail[4]; } CORE;

struct flavour___one { int a; } CORE;
struct flavour___two { int b; } CORE;
struct flavour___three { int c; } CORE;

struct twice { int same, differs; } CORE;

struct kinds {
	int *to_ptr;
	int to_float;
	double dbl;
	int arr[2];
	struct item to_union;
	enum named { NA, NB } en;
	struct fwd *f;
	enum { AN } anonenum;
	enum other___flav { OF } flavoured;
	enum unlike { UL } unlike;
} CORE;

union uni { int i; u64 l; } CORE;
typedef struct { int a, b; } typedefed;
typedef struct { int a, b; } CORE typedefed_core;

enum vals { V_A, V_B = 7, V_MISSING = 9, V_FLAV___x = 1, V_NEG = -3 };
enum uvals { U_BIG = 0xfffffff0u, U_ONE = 1 };
enum wide { W_BIG = 0x123456789abcdef0ULL, W_TO32 = 0xffffffffffULL };
enum swide { SW_NEG = -0x123456789aLL, SW_ONE = 1 };
enum narrow { N_TO64 = 4 };
enum gonevals { GV = 1 };
typedef enum { TD_A = 3 } td_enum;

struct tmatch { int a; struct item *p; } CORE;
struct tmismatch { int a; } CORE;
struct textra { int a, not_there; } CORE;
typedef int (*fn_ok)(int, struct item *);
typedef int (*fn_args)(int);
typedef int (*fn_ret)(int);
typedef int to_u64;
typedef struct item *ptr_item;
typedef int arr_typedef[4];
union is_struct { int a; };

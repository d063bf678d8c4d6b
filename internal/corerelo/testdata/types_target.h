/* The types of types_local.h as another kernel has them. */

struct moved { char pad[40]; int b, a; };

struct item { int w, y, x; };
union item_u { int x, y; };

struct resized {
	int pad;
	u32 shrunk;
	u64 grown;
	s64 sgrown;
	void *pointer;
	int shrunk_array[4];
	u64 grown_array[4];
	struct item to_struct;
	enum { RE_A = 1LL << 40 } sized_enum;
};

struct gone { char pad[4]; int here; };

struct bits {
	u64 pad;
	u8 a : 3, x : 2;
	u8 b : 2;
	s64 s : 9;
	u64 gap : 20, wide : 33;
	u16 plain;
	u8 becomes_plain;
	u32 q : 7, becomes_bits : 11;
};

struct anon {
	union {
		int head;
		struct {
			int pad;
			union { int inner; struct { int q; int deeper; }; };
		};
	};
	int flat;
};

struct arrays {
	int before[3];
	int ints[16];
	struct item items[3];
	int matrix[4][7];
	int shorter[5];
	int flex[];
};
struct flexed { u64 n; struct item tail[]; };
struct defixed { u64 n; struct item tail[]; };

struct flavour { int pad, a; };
struct flavour___two { int pad, pad2, b; };

struct kinds {
	char *to_ptr;
	float to_float;
	float dbl;
	u64 arr[7];
	union item_u to_union;
	enum named { NA, NB } en;
	struct fwd *f;
	enum filled { AN } anonenum;
	enum other { OF } flavoured;
	enum different { UL } unlike;
};

union uni { u64 pad; u64 l; u64 i; };
typedef struct { int c, a, b; } typedefed;
typedef struct { int c, a, b; } typedefed_core;

enum vals { V_A, V_B = 70, V_FLAV = 11, V_NEG = -30 };
enum uvals { U_BIG = 0xffffff00u, U_ONE = 2 };
enum wide { W_BIG = 0xfedcba9876543210ULL, W_TO64 = 1, W_TO32 = 6 };
enum swide { SW_NEG = -0x987654321LL, SW_ONE = 1 };
enum narrow { N_TO64 = 0x4000000000LL };
typedef enum { TD_A = 33 } td_enum;

struct tmatch { struct item *p; int a; };
struct tmismatch { u32 a; };
struct textra { int a; };
typedef int (*fn_ok)(int, struct item *);
typedef int (*fn_args)(int, int);
typedef void (*fn_ret)(int);
typedef u64 to_u64;
typedef struct item *ptr_item;
typedef int arr_typedef[6];
struct is_struct { int a; };

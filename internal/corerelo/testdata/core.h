/* The five things that compilers offer programs for asking about another kernel's types. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

#define CORE __attribute__((preserve_access_index))

enum { BYTE_OFFSET, BYTE_SIZE, EXISTS, SIGNED, LSHIFT, RSHIFT };
#define FIELD(what, expr) __builtin_preserve_field_info(expr, what)

enum { TYPE_EXISTS, TYPE_SIZE, TYPE_MATCHES };
#define TYPE(what, type) __builtin_preserve_type_info(*(type *)0, what)

enum { ID_LOCAL, ID_TARGET };
#define TYPE_ID(what, type) __builtin_btf_type_id(*(type *)0, what)

enum { VALUE_EXISTS, VALUE };
#define ENUM(what, type, value) __builtin_preserve_enum_value(*(type *)value, what)

/* ASK is one function that returns one relocated value. */
#define ASK(name, value) \
	__attribute__((section("ask"))) u64 name(void *ctx) { return value; }

/* LOAD is one function that loads what expr of a type *p says. */
#define LOAD(name, type, expr) \
	__attribute__((section("ask"))) u64 name(type *p) { return expr; }

/* STORE is one function that stores something. */
#define STORE(name, type, stmt) \
	__attribute__((section("ask"))) u64 name(type *p) { stmt; return 0; }

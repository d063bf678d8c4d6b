/*
 * What programs ask about types, one function each. asks_gone.h has what only makes sense for local types.
 *
 * local.c asks with the local types; corerelo then has to answer for the target's. truth.c asks with the target's types themselves,
 * and so shows what the compiler thinks is right.
 */
/* field byte offset, by address and by load */
ASK(off_moved, FIELD(BYTE_OFFSET, ((struct moved *)ctx)->a))
LOAD(load_moved, struct moved, p->b)
LOAD(load_index, struct moved, p[2].b)
STORE(store_moved, struct moved, p->b = 5)
STORE(store_reg, struct moved, p->b = (int)(long)p)
LOAD(load_typedef, typedefed_core, p->b)
LOAD(load_union, union uni, p->l)

/* sizes of loads and stores */
LOAD(load_shrunk, struct resized, p->shrunk)
LOAD(load_grown, struct resized, p->grown)
LOAD(load_pointer, struct resized, (u64)p->pointer)
LOAD(load_array_grown, struct resized, p->grown_array[2])
STORE(store_shrunk, struct resized, p->shrunk = 5)
STORE(store_grown, struct resized, p->grown = (u32)(long)p)
ASK(size_shrunk, FIELD(BYTE_SIZE, ((struct resized *)ctx)->shrunk))
ASK(size_array, FIELD(BYTE_SIZE, ((struct resized *)ctx)->grown_array))
ASK(size_element, FIELD(BYTE_SIZE, ((struct resized *)ctx)->grown_array[1]))

/* existence */
ASK(exists_yes, FIELD(EXISTS, ((struct gone *)ctx)->here))
ASK(exists_element, FIELD(EXISTS, ((struct arrays *)ctx)->shorter[2]))

/* signedness */
ASK(signed_yes, FIELD(SIGNED, ((struct moved *)ctx)->a))
ASK(signed_no, FIELD(SIGNED, ((struct resized *)ctx)->grown))
ASK(signed_bits, FIELD(SIGNED, ((struct bits *)ctx)->s))
ASK(signed_enum, FIELD(SIGNED, ((struct kinds *)ctx)->en))

/* bitfields */
ASK(bits_b_off, FIELD(BYTE_OFFSET, ((struct bits *)ctx)->b))
ASK(bits_b_size, FIELD(BYTE_SIZE, ((struct bits *)ctx)->b))
ASK(bits_b_lshift, FIELD(LSHIFT, ((struct bits *)ctx)->b))
ASK(bits_b_rshift, FIELD(RSHIFT, ((struct bits *)ctx)->b))
ASK(bits_s_lshift, FIELD(LSHIFT, ((struct bits *)ctx)->s))
ASK(bits_s_rshift, FIELD(RSHIFT, ((struct bits *)ctx)->s))
ASK(bits_wide_off, FIELD(BYTE_OFFSET, ((struct bits *)ctx)->wide))
ASK(bits_wide_size, FIELD(BYTE_SIZE, ((struct bits *)ctx)->wide))
ASK(bits_wide_lshift, FIELD(LSHIFT, ((struct bits *)ctx)->wide))
ASK(bits_wide_rshift, FIELD(RSHIFT, ((struct bits *)ctx)->wide))
ASK(bits_plain_lshift, FIELD(LSHIFT, ((struct bits *)ctx)->plain))
ASK(bits_plain_rshift, FIELD(RSHIFT, ((struct bits *)ctx)->plain))
ASK(bits_to_plain_off, FIELD(BYTE_OFFSET, ((struct bits *)ctx)->becomes_plain))
ASK(bits_to_plain_rshift, FIELD(RSHIFT, ((struct bits *)ctx)->becomes_plain))
ASK(bits_from_plain_off, FIELD(BYTE_OFFSET, ((struct bits *)ctx)->becomes_bits))
ASK(bits_from_plain_size, FIELD(BYTE_SIZE, ((struct bits *)ctx)->becomes_bits))
ASK(bits_from_plain_lshift, FIELD(LSHIFT, ((struct bits *)ctx)->becomes_bits))
ASK(bits_from_plain_rshift, FIELD(RSHIFT, ((struct bits *)ctx)->becomes_bits))

/* anonymous structs and unions */
LOAD(anon_inner, struct anon, p->inner)
LOAD(anon_deeper, struct anon, p->deeper)
LOAD(anon_flat, struct anon, p->flat)

/* arrays */
LOAD(array_element, struct arrays, p->ints[3])
LOAD(array_struct, struct arrays, p->items[2].y)
LOAD(array_matrix, struct arrays, p->matrix[2][1])
ASK(array_whole, FIELD(BYTE_OFFSET, ((struct arrays *)ctx)->matrix))
LOAD(array_flexible, struct arrays, p->flex[5])
LOAD(array_flexible_struct, struct flexed, p->tail[3].y)
LOAD(array_becomes_flexible, struct defixed, p->tail[3].y)

/* flavours */

/* kinds of fields that agree and that don't */
LOAD(kind_to_ptr, struct kinds, (u64)p->to_ptr)
ASK(kind_dbl, FIELD(EXISTS, ((struct kinds *)ctx)->dbl))
ASK(kind_arr, FIELD(EXISTS, ((struct kinds *)ctx)->arr))
ASK(kind_to_union, FIELD(EXISTS, ((struct kinds *)ctx)->to_union))
ASK(kind_enum, FIELD(EXISTS, ((struct kinds *)ctx)->en))
ASK(kind_anon_enum, FIELD(EXISTS, ((struct kinds *)ctx)->anonenum))

/* types */
ASK(type_exists, TYPE(TYPE_EXISTS, struct item))
ASK(type_exists_typedef, TYPE(TYPE_EXISTS, typedefed))
ASK(type_exists_fn_ok, TYPE(TYPE_EXISTS, fn_ok))
ASK(type_exists_resized_int, TYPE(TYPE_EXISTS, to_u64))
ASK(type_size, TYPE(TYPE_SIZE, struct moved))
ASK(type_size_typedef, TYPE(TYPE_SIZE, typedefed))
ASK(type_size_array, TYPE(TYPE_SIZE, arr_typedef))
ASK(type_size_pointer, TYPE(TYPE_SIZE, ptr_item))
ASK(type_matches, TYPE(TYPE_MATCHES, struct tmatch))
ASK(type_matches_fn, TYPE(TYPE_MATCHES, fn_ok))
ASK(type_matches_enum, TYPE(TYPE_MATCHES, enum uvals))

/* enumerators */
ASK(enum_exists, ENUM(VALUE_EXISTS, enum vals, V_B))
ASK(enum_value, ENUM(VALUE, enum vals, V_B))
ASK(enum_value_negative, ENUM(VALUE, enum vals, V_NEG))
ASK(enum_value_unsigned, ENUM(VALUE, enum uvals, U_BIG))
ASK(enum_value_64, ENUM(VALUE, enum wide, W_BIG))
ASK(enum_value_64_to_32, ENUM(VALUE, enum wide, W_TO32))
ASK(enum_value_signed_64, ENUM(VALUE, enum swide, SW_NEG))
ASK(enum_value_32_to_64, ENUM(VALUE, enum narrow, N_TO64))
ASK(enum_value_typedef, ENUM(VALUE, td_enum, TD_A))

// Package corerelo solves CO-RE relocations: it adjusts a program to the types of the kernel it is loaded into.
//
// # What a relocation is
//
// A program that reads p->pid was compiled with some declaration of the type of p, in which pid has some offset. The kernel it is loaded
// into may have pid elsewhere. Where the C source asks for it, by __attribute__((preserve_access_index)) or one of the bpf_core_…
// macros, the compiler says in the object which instruction depends on which member of which type. That is a relocation: a kind of
// question, a local type, and an access string that leads from the type to the member. "0:1:2" says: element 0 of what the pointer
// points to, of that the member #1, of that the member or element #2.
//
// There are three groups of questions:
//   - about a field: offset, size, existence, signedness, and by how much to shift a bitfield to the left and to the right once the
//     bytes that hold it are loaded;
//   - about a type: existence, size, whether it has all that the local one has, its ID in the kernel's types or in the program's;
//   - about an enumerator: existence and value.
//
// # How it is solved
//
// [Relocate] takes all relocations of a collection. It looks for candidates, which are types of the kernel that have the name and kind
// of a relocation's local type, without their flavours: a local type may be called task_struct___old and still stands for task_struct.
// All names are looked for in one pass. Types that vmlinux doesn't have are looked for in the kernel's modules, which are only opened
// for that purpose.
//
// For each relocation, every candidate is asked. Members are found by name, in anonymous structs and unions as well, and have to be of a
// compatible type. Candidates without an answer are left out from then on, and the rest have to agree, or else the relocation is
// ambiguous: an [*AmbiguousError], which names two types that don't.
//
// Everything happens on the raw records of the types; none is decoded. Equal questions are answered once.
//
// # What becomes of the instruction
//
// [Fixup.Apply] puts the answer into the instruction: into the constant of an ALU operation or of a 64-bit load, or into the offset of a
// load or store. What was there before has to be what the program's own types answer, except for bitfields and type IDs, where the
// compiler has a choice. A load or store of a pointer or unsigned integer also gets the size that the field has in the kernel.
//
// A question about existence always has an answer, and so has one about a type as a whole: without candidates, it is zero. If any other
// has none, the instruction is poisoned: replaced by a call of a helper that doesn't exist. This is how programs cope with several
// kernels: code that is guarded by bpf_core_field_exists() is unreachable on a kernel without the field, and the verifier removes it,
// poison and all. If the poison is reachable, the verifier rejects the program; [PoisonOf] then tells from the instruction which
// relocation it was, at which C line, and what the kernel lacks.
//
// # What differs from libbpf
//
// The rules, limits and answers are those of libbpf 1.7, with these exceptions:
//   - Enumerators of unsigned enums keep their value if it has the top bit set. libbpf takes 0xfffffff0 for -16, and refuses the program.
//   - Integers match if gcc and clang merely have different names for them, as "long unsigned int" and "unsigned long".
//   - A value that doesn't fit the instruction is an error. libbpf cuts it off.
//   - A poisoned 64-bit load stays a single instruction, which writes to the read-only register R10.
//   - A bitfield shift for a field of more than 64 bits is an error. libbpf answers with a negative number.
//   - Malformed types end in an error, soon.
package corerelo

// Package elf reads ELF64 relocatable objects of either byte order and removes
// the DWARF debugging information from them.
//
// It is built for input nobody vouches for. [Parse] checks the section table
// once: every section lies inside the file and no two overlap, so that reading
// all sections of a file can't cost more than the file is long. Everything else
// is decoded on request, bounds-checked, and never allocates by a number that
// the file's length doesn't back. Bytes are never copied: [File.Data] aliases
// the input, and names are substrings of one string per string table.
//
// Errors are [*Error]; they name the section and the offset.
//
// Constants carry the names that the ELF specification gives them.
package elf

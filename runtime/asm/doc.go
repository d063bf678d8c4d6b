// Package asm holds BPF programs as values: instructions that can be built,
// decoded from and encoded to bytes of either endianness, linked by symbol, and
// printed next to the C lines they came from.
//
// An [Instruction] is flat and small, so a program is one allocation. What is
// known about an instruction beyond its encoding (a symbol, what it refers to,
// its source line) hangs off its [Metadata] and is shared between copies until
// one of them changes.
package asm

package asm_test

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfgen/bpfgen/runtime/asm"
)

// A program that counts its runs, in the first value of a map.
func Example() {
	count := asm.Instructions{
		asm.LoadMapValue(asm.R1, 0, 0).WithReference("counts").WithSymbol("count"),
		asm.Mov.Imm(asm.R2, 1),
		asm.FetchAdd.Mem(asm.R1, asm.R2, asm.DWord, 0),
		asm.JLT.Imm(asm.R2, 1000, "out").WithSource(asm.Comment("after 1000 runs, tell")),
		asm.FnGetCurrentPidTgid.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	}
	fmt.Printf("% .4v", count)

	const mapFD = 3
	code, err := count.EncodeWith(nil, binary.LittleEndian, func(name string) (int, bool) { return mapFD, name == "counts" })
	fmt.Println(len(code), "bytes,", err)

	// Output:
	//    count:
	//     0: r1 = map_value <counts> + 0
	//     2: r2 = 1
	//     3: r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)
	//     ; after 1000 runs, tell
	//     4: if r2 < 1000 goto <out>
	//     5: call bpf_get_current_pid_tgid
	//    out:
	//     6: r0 = 0
	//     7: exit
	// 64 bytes, <nil>
}

package ebpf_test

// Every point of the page "Loading Objects", which specifies this package, as a
// program that is compiled and run.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// object is an object file for this machine's byte order.
func object(name string) string {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return "../testdata/" + name + "-el.o"
	}
	return "../testdata/" + name + "-eb.o"
}

// Parse an ELF, and look at what is in it.
func ExampleLoadCollectionSpec() {
	spec, err := ebpf.LoadCollectionSpec(object("minimal"))
	if err != nil {
		panic(err)
	}

	m := spec.Maps["my_map"]
	p := spec.Programs["my_prog"]

	fmt.Println(m.Type, p.Type)
	fmt.Println(m.Key, m.Value)
	fmt.Println(p.Instructions)

	// Output:
	// Hash SocketFilter
	// Typedef:"__u32"[Int:"unsigned int"] Typedef:"__u64"[Int:"unsigned long long"]
	// my_prog:
	//	; int my_prog(struct __sk_buff *skb)
	//	 0: r6 = r1
	//	 1: w1 = 0
	//	; __u32 key = 0;
	//	 2: *(u32 *)(r10 - 4) = w1
	//	 3: r7 = 1
	//	; __u64 one = 1;
	//	 4: *(u64 *)(r10 - 16) = r7
	//	 5: r2 = r10
	//	 6: r2 += -4
	//	; __u64 *count = bpf_map_lookup_elem(&my_map, &key);
	//	 7: r1 = map <my_map>
	//	 9: call bpf_map_lookup_elem
	//	; if (count)
	//	10: if r0 == 0 goto +2 <13>
	//	; __sync_fetch_and_add(count, 1);
	//	11: lock *(u64 *)(r0 + 0) += r7
	//	12: goto +8 <21>
	//	13: r2 = r10
	//	14: r2 += -4
	//	15: r3 = r10
	//	16: r3 += -16
	//	; bpf_map_update_elem(&my_map, &key, &one, BPF_ANY);
	//	17: r1 = map <my_map>
	//	19: r4 = 0
	//	20: call bpf_map_update_elem
	//	; return skb->len;
	//	21: w0 = *(u32 *)(r6 + 0)
	//	22: exit
}

// Any io.ReaderAt will do, such as a bytes.Reader of embedded bytes.
func ExampleLoadCollectionSpecFromReader() {
	f, err := os.Open(object("minimal"))
	if err != nil {
		panic(err)
	}
	defer f.Close()

	spec, err := ebpf.LoadCollectionSpecFromReader(f)
	if err != nil {
		panic(err)
	}
	fmt.Println(spec.Maps["my_map"])
	fmt.Println(spec.Programs["my_prog"])

	// Output:
	// Hash(keySize=4, valueSize=8, maxEntries=1, flags=0)
	// my_prog(type=SocketFilter, section=socket)
}

// All attributes can be changed before loading. A copy shares nothing with its
// original.
func ExampleCollectionSpec_Copy() {
	spec, err := ebpf.LoadCollectionSpec(object("data"))
	if err != nil {
		panic(err)
	}

	changed := spec.Copy()
	changed.Programs["sum"].Type = ebpf.SchedCLS
	changed.Maps[".data"].Name = "renamed"
	if err := changed.Variables["target_pid"].Set(uint32(1)); err != nil {
		panic(err)
	}

	for _, s := range []*ebpf.CollectionSpec{spec, changed} {
		var pid uint32
		if err := s.Variables["target_pid"].Get(&pid); err != nil {
			panic(err)
		}
		fmt.Println(s.Programs["sum"].Type, s.Maps[".data"].Name, pid)
	}

	// Output:
	// SocketFilter .data 42
	// SchedCLS renamed 1
}

// Create everything in the kernel.
func ExampleNewCollection() {
	spec, err := ebpf.LoadCollectionSpec(object("minimal"))
	if err != nil {
		panic(err)
	}

	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		panic(err)
	}
	defer coll.Close()

	m := coll.Maps["my_map"]
	if err := m.Put(uint32(1), uint64(2)); err != nil {
		panic(err)
	}

	var value uint64
	if err := m.Lookup(uint32(1), &value); err != nil {
		panic(err)
	}
	fmt.Println(value)

	// Output: 2
}

// Close closes all maps and programs; using them later is an error.
func ExampleCollection_Close() {
	spec, err := ebpf.LoadCollectionSpec(object("data"))
	if err != nil {
		panic(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		panic(err)
	}
	coll.Close()

	_, _, errProg := coll.Programs["sum"].Test(make([]byte, 14))
	errMap := coll.Maps[".data"].Put(uint32(0), make([]byte, 56))
	errVar := coll.Variables["counter"].Set(uint64(1))
	for _, err := range []error{errProg, errVar} {
		fmt.Println(err, errors.Is(err, ebpf.ErrClosed))
	}
	fmt.Println(errMap)

	// Output:
	// run program "sum": file already closed true
	// set variable "counter": memory of map ".data": file already closed true
	// map ".data": update: file already closed
}

// The fields of a struct name what to load.
type myObjs struct {
	MyMap  *ebpf.Map     `ebpf:"my_map"`
	MyProg *ebpf.Program `ebpf:"my_prog"`
}

func (objs *myObjs) Close() error {
	if err := objs.MyMap.Close(); err != nil {
		return err
	}
	return objs.MyProg.Close()
}

// Load what a struct asks for, and nothing else.
func ExampleCollectionSpec_LoadAndAssign() {
	spec, err := ebpf.LoadCollectionSpec(object("minimal"))
	if err != nil {
		panic(err)
	}

	var objs myObjs
	if err := spec.LoadAndAssign(&objs, nil); err != nil {
		panic(err)
	}
	defer objs.Close()

	if err := objs.MyMap.Put(uint32(1), uint64(2)); err != nil {
		panic(err)
	}
	fmt.Println(objs.MyMap.Type(), objs.MyProg.Type())

	// Output: Hash SocketFilter
}

// Structs can be embedded or nested, and variables are objects, too. Unlike
// the other programs of the object, those not named aren't loaded.
func ExampleCollectionSpec_LoadAndAssign_nested() {
	spec, err := ebpf.LoadCollectionSpec(object("data"))
	if err != nil {
		panic(err)
	}

	type programs struct {
		Sum *ebpf.Program `ebpf:"sum"`
	}
	var objs struct {
		programs
		State struct {
			Dropped *ebpf.Variable `ebpf:"dropped"`
			Counter *ebpf.Variable `ebpf:"counter"`
		}
		Ignored int
	}
	if err := spec.LoadAndAssign(&objs, nil); err != nil {
		panic(err)
	}
	defer objs.Sum.Close()

	if _, _, err := objs.Sum.Test(make([]byte, 14)); err != nil {
		panic(err)
	}
	var dropped, counter uint64
	if err := errors.Join(objs.State.Dropped.Get(&dropped), objs.State.Counter.Get(&counter)); err != nil {
		panic(err)
	}
	fmt.Println(dropped, counter)

	// Output: 1 2073
}

// Pick specs by struct, to change them before loading.
func ExampleCollectionSpec_Assign() {
	spec, err := ebpf.LoadCollectionSpec(object("data"))
	if err != nil {
		panic(err)
	}

	var specs struct {
		Data *ebpf.MapSpec      `ebpf:".data"`
		Sum  *ebpf.ProgramSpec  `ebpf:"sum"`
		Pid  *ebpf.VariableSpec `ebpf:"target_pid"`
	}
	if err := spec.Assign(&specs); err != nil {
		panic(err)
	}
	fmt.Println(specs.Data.Type, specs.Sum.Type, specs.Pid.Size())

	// Output: Array SocketFilter 4
}

// Renamed keys of CollectionSpec.Maps need NewCollection.
func ExampleNewCollection_renamed() {
	spec, err := ebpf.LoadCollectionSpec(object("minimal"))
	if err != nil {
		panic(err)
	}
	spec.Maps["my_map"].MaxEntries = 10

	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		panic(err)
	}
	defer coll.Close()

	info, err := coll.Maps["my_map"].Info()
	if err != nil {
		panic(err)
	}
	fmt.Println(info.Name, info.MaxEntries)

	// Output: my_map 10
}

// Types of the object, by name.
func ExampleCollectionSpec_types() {
	spec, err := ebpf.LoadCollectionSpec(object("minimal"))
	if err != nil {
		panic(err)
	}

	t, err := spec.Types.AnyTypeByName("__u64")
	if err != nil {
		panic(err)
	}
	fmt.Println(t)

	var td *btf.Typedef
	if err := spec.Types.TypeByName("__u64", &td); err != nil {
		panic(err)
	}
	fmt.Println(td.Type)

	// Output:
	// Typedef:"__u64"[Int:"unsigned long long"]
	// Int:"unsigned long long"[unsigned size=8]
}

// Without -g there are no types. Whatever needs none still works.
func ExampleCollectionSpec_withoutTypes() {
	spec, err := ebpf.LoadCollectionSpec(object("calls-nobtf"))
	if err != nil {
		panic(err)
	}
	fmt.Println(spec.Types == nil)

	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		panic(err)
	}
	defer coll.Close()

	var names []string
	for name := range coll.Programs {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Println(names)

	// Output:
	// true
	// [constant first hiding second third]
}

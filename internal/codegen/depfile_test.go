package codegen

import "testing"

func TestMakeDepFile(t *testing.T) {
	const clang = "/tmp/x/out.o: prog.c /usr/include/stdint.h \\\n  ../inc/a.h\n\n/usr/include/stdint.h:\n\n../inc/a.h:\n"
	got, err := makeDepFile([][]byte{[]byte(clang)}, "/src/pkg", "/src", "/src/pkg/prog_bpfel.go")
	if err != nil {
		t.Fatal(err)
	}
	const want = "pkg/prog_bpfel.go: \\\n pkg/prog.c \\\n ../usr/include/stdint.h \\\n inc/a.h\n\n" +
		"../usr/include/stdint.h:\n\n" +
		"inc/a.h:\n\n"
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for _, bad := range []string{"", "\n\n", "no colon"} {
		if _, err := makeDepFile([][]byte{[]byte(bad)}, "/", "/", "/x"); err == nil {
			t.Errorf("%q gave no error", bad)
		}
	}
}

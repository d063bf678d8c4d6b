package object

import (
	"testing"
)

// Whatever the bytes, Parse returns, and what it returns can be walked over.
func FuzzParse(f *testing.F) {
	for _, name := range corpus {
		f.Add(readObject(f, name+"-el"))
		f.Add(readObject(f, name+"-eb"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Parse(data)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a message")
			}
			return
		}
		dump(o)
		opened, err := Open(data, string(data))
		if err != nil {
			t.Fatal("Parse accepts what Open doesn't:", err)
		}
		for i, p := range o.Programs {
			alone, err := opened.Programs[i].Decode()
			if err != nil || len(alone) != len(p.Instructions) {
				t.Errorf("program %s: alone %d instructions, %v, with others %d", p.Name, len(alone), err, len(p.Instructions))
			}
			if _, err := p.Instructions.EncodeWith(nil, o.ByteOrder(), func(string) (int, bool) { return 1, true }); err != nil {
				for _, ins := range p.Instructions {
					if e := ins.Extern(); e != nil {
						return // an undefined symbol
					}
				}
			}
		}
	})
}

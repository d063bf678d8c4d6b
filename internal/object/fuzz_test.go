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
		for _, p := range o.Programs {
			if _, err := p.Instructions.EncodeWith(nil, o.ByteOrder, func(string) (int, bool) { return 1, true }); err != nil {
				for _, ins := range p.Instructions {
					if e := ins.Extern(); e != nil {
						return // an undefined symbol
					}
				}
			}
		}
	})
}

package codegen

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"sync"
)

// goCode is a Go file.
type goCode struct {
	text  []byte
	names []string // that it declares
}

// printer prints the code of a run's targets. It mostly is the same but for two
// lines, and comparing models takes a fraction of what printing does.
type printer struct {
	mu   sync.Mutex
	done []printed
}

// printed is code with stand-ins for what is a target's own.
type printed struct {
	model Model
	code  goCode
}

// The stand-ins are printed like any constraint and any file name.
const (
	anyConstraint = "bpfgen_constraint"
	anyObjectFile = "bpfgen_object.o"
)

// print returns the Go code that a model is.
func (p *printer) print(m *Model) (goCode, error) {
	common := *m
	common.ObjectFile = anyObjectFile
	if m.Constraint != "" {
		common.Constraint = anyConstraint
	}
	code, err := p.printOnce(common)
	if err != nil {
		return goCode{}, err
	}
	// Above the first line that C has a say in, and below the last one.
	if m.Constraint != "" {
		text, line := code.text, []byte(constraintLine(anyConstraint)+"\n")
		code.text, err = replaceAt(text, bytes.Index(text, line), line, constraintLine(m.Constraint)+"\n")
	}
	if err == nil {
		text, line := code.text, []byte(embedLine(anyObjectFile)+"\n")
		code.text, err = replaceAt(text, bytes.LastIndex(text, line), line, embedLine(m.ObjectFile)+"\n")
	}
	return code, err
}

// printOnce is print for what targets have in common.
func (p *printer) printOnce(common Model) (goCode, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.done {
		if reflect.DeepEqual(d.model, common) {
			return d.code, nil
		}
	}
	text, err := common.Emit()
	if err != nil {
		return goCode{}, err
	}
	code := goCode{text, declaredIn(text)}
	p.done = append(p.done, printed{common, code})
	return code, nil
}

// replaceAt returns text with something else at i, where old is.
func replaceAt(text []byte, i int, old []byte, with string) ([]byte, error) {
	if i < 0 {
		return nil, fmt.Errorf("print Go code: there is no line %s", old)
	}
	return slices.Concat(text[:i], []byte(with), text[i+len(old):]), nil
}

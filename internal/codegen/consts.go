package codegen

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bpfgen/bpfgen/internal/elf"
)

// Const is an exported #define, or a constant of an enum without a name.
type Const struct {
	Name  string // in Go
	C     string
	Value string // as a Go literal
	Type  string // in Go; empty for those that take any
}

// macro is a #define without parameters.
type macro struct {
	name  string
	named bool // by an export comment or a pattern without wildcards
}

const exportComment = "//bpfgen:export"

// constants evaluates the macros that the user wants exported. Whether one is a
// number or a string is clang's to decide, and so is its value.
func (req *Request) constants(ctx context.Context, jobs []compileJob, inputs []string, loose []Const) (consts []Const, warnings []string, err error) {
	exported, err := req.exportedMacros(inputs)
	if err != nil || len(exported) == 0 && len(req.Consts) == 0 {
		return loose, nil, err
	}
	matched := map[string]bool{}
	where := map[string]int{} // indices of consts
	for _, job := range jobs {
		macros, err := req.chooseMacros(ctx, job, exported, matched)
		if err != nil {
			return nil, nil, err
		}
		if len(macros) == 0 {
			continue
		}
		probe := constProbe{job: job, macros: macros}
		if err := probe.run(ctx); err != nil {
			return nil, nil, err
		}
		for i, m := range macros {
			value, ok := probe.values[i]
			first, isKnown := where[m.name]
			switch {
			case ok && !isKnown:
				where[m.name] = len(consts)
				consts = append(consts, Const{C: m.name, Value: value})
			case ok && consts[first].Value != value:
				return nil, nil, fmt.Errorf("#define %s is %s in %s, but %s in a file before it: it can be only one constant in Go", m.name, value, job.source, consts[first].Value)
			case !ok && m.named:
				warnings = append(warnings, fmt.Sprintf("%s: #define %s is neither an integer nor a string: left out", job.source, m.name))
			}
		}
	}
	for _, pattern := range req.Consts {
		isLoose := func(c Const) bool { ok, _ := path.Match(pattern, c.C); return ok }
		if !matched[pattern] && !slices.ContainsFunc(loose, isLoose) {
			return nil, nil, fmt.Errorf("-const %q: %s has no #define of that name", pattern, req.sources())
		}
	}
	consts, err = withLoose(consts, loose)
	return consts, warnings, err
}

var defineLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*#\s*define\s+([A-Za-z_][A-Za-z0-9_]*)`)
})

// exportedMacros returns the names of the macros of files that have an export
// comment.
func (req *Request) exportedMacros(files []string) ([]string, error) {
	var names []string
	for _, file := range files {
		in, err := req.inputs.read(file)
		if err != nil {
			return nil, err
		}
		names = append(names, in.exported...)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// chooseMacros lists all macros of a source and keeps those that were asked for.
// It notes the patterns that were matched.
func (req *Request) chooseMacros(ctx context.Context, job compileJob, exported []string, matched map[string]bool) ([]macro, error) {
	listing, err := job.clang(ctx, nil, "-E", "-dM", job.source)
	if err != nil {
		return nil, err
	}
	var macros []macro
	for lines := bufio.NewScanner(bytes.NewReader(listing)); lines.Scan(); {
		name, body, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "#define "), " ")
		if strings.Contains(name, "(") || !isExpression(body) {
			continue // it wants arguments, or is something that opens or ends a block
		}
		m, wanted := macro{name: name, named: slices.Contains(exported, name)}, slices.Contains(exported, name)
		for _, pattern := range req.Consts {
			if ok, _ := path.Match(pattern, name); ok {
				matched[pattern], wanted = true, true
				m.named = m.named || pattern == name
			}
		}
		if wanted {
			macros = append(macros, m)
		}
	}
	slices.SortFunc(macros, func(a, b macro) int { return strings.Compare(a.name, b.name) })
	return macros, nil
}

// isExpression is wrong about much, but keeps out what would spoil the lines
// behind it.
func isExpression(body string) bool {
	for _, pair := range []string{"()", "[]", "{}"} {
		if strings.Count(body, pair[:1]) != strings.Count(body, pair[1:]) && !strings.Contains(body, `"`) {
			return false
		}
	}
	return body != "" && (!strings.Contains(body, ";") || strings.Contains(body, `"`))
}

// constProbe has clang compile one variable for each macro.
type constProbe struct {
	job    compileJob
	macros []macro
	values map[int]string // Go literals
}

const probeFile = "bpfgen-const"

// Each way to use a macro that clang may refuse, on a line of its own. An
// integer is what | takes, which keeps out pointers and floats; it has two
// elements: the value, and whether it is negative.
func (p *constProbe) attempt(i int, asText bool) string {
	name := p.macros[i].name
	if asText {
		return fmt.Sprintf("#line %d %q\nconst char __bpfgen_text_%d[] __attribute__((section(\"bpfgen\"), used)) = (%s);\n", 2*i+2, probeFile, i, name)
	}
	return fmt.Sprintf("#line %[1]d %[2]q\n"+
		"const unsigned long long __bpfgen_int_%[3]d[2] __attribute__((section(\"bpfgen\"), used)) = "+
		"{ (unsigned long long)((%[4]s) | 0), ((%[4]s) | 0) < 0 };\n", 2*i+1, probeFile, i, name)
}

// run compiles all attempts, and then those that worked.
func (p *constProbe) run(ctx context.Context) error {
	var all strings.Builder
	for i := range p.macros {
		all.WriteString(p.attempt(i, false) + p.attempt(i, true))
	}
	_, err := p.job.clang(ctx, p.source(all.String()), p.flags("-fsyntax-only")...)
	bad := map[int]bool{}
	var refused *CompileError
	if errors.As(err, &refused) {
		bad = badLines(refused.Messages)
	} else if err != nil {
		return err
	}
	var good strings.Builder
	for i := range p.macros {
		if !bad[2*i+1] {
			good.WriteString(p.attempt(i, false))
		}
		if !bad[2*i+2] {
			good.WriteString(p.attempt(i, true))
		}
	}
	object, err := p.job.clang(ctx, p.source(good.String()), p.flags("-c", "-o", "-")...)
	if err != nil {
		return err
	}
	return p.read(object)
}

func (p *constProbe) source(attempts string) []byte {
	source := p.job.source
	if !filepath.IsAbs(source) {
		source = filepath.Join(p.job.dir, source)
	}
	return []byte("#include " + strconv.Quote(source) + "\n" + attempts)
}

func (p *constProbe) flags(more ...string) []string {
	return append([]string{"-w", "-ferror-limit=0", "-fno-color-diagnostics", "-x", "c", "-"}, more...)
}

var probeError = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^` + probeFile + `:(\d+):\d+: (?:fatal )?error:`)
})

func badLines(messages []byte) map[int]bool {
	bad := map[int]bool{}
	for _, m := range probeError().FindAllSubmatch(messages, -1) {
		if line, err := strconv.Atoi(string(m[1])); err == nil {
			bad[line] = true
		}
	}
	return bad
}

// read takes the values out of the object.
func (p *constProbe) read(object []byte) error {
	p.values = map[int]string{}
	file, err := elf.Parse(object)
	if err != nil {
		return fmt.Errorf("read constants: %w", err)
	}
	section := file.Section("bpfgen")
	if section == nil {
		return nil // none is a number or a string
	}
	data, err := file.Data(section)
	if err != nil {
		return fmt.Errorf("read constants: %w", err)
	}
	symbols, err := file.Symbols()
	if err != nil {
		return fmt.Errorf("read constants: %w", err)
	}
	for _, s := range symbols {
		kind, number, _ := strings.Cut(strings.TrimPrefix(s.Name, "__bpfgen_"), "_")
		i, err := strconv.Atoi(number)
		if err != nil || !strings.HasPrefix(s.Name, "__bpfgen_") || s.Value+s.Size > uint64(len(data)) {
			continue
		}
		value := data[s.Value : s.Value+s.Size]
		switch {
		case kind == "text":
			p.values[i] = strconv.Quote(string(bytes.TrimSuffix(value, []byte{0})))
		case len(value) != 16:
		case file.ByteOrder().Uint64(value[8:]) != 0:
			p.values[i] = strconv.FormatInt(int64(file.ByteOrder().Uint64(value)), 10)
		default:
			p.values[i] = strconv.FormatUint(file.ByteOrder().Uint64(value), 10)
		}
	}
	return nil
}

// clang runs the compiler with the job's flags for something else than an
// object of the source, and returns what it prints.
func (j compileJob) clang(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	var stdout, messages bytes.Buffer
	cmd := exec.CommandContext(ctx, j.compiler.Path, append(j.commonArgs(), args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = j.dir, j.env, bytes.NewReader(stdin), &stdout, &messages
	if err := cmd.Run(); err != nil {
		return nil, &CompileError{
			Source: j.source, Target: j.target.Suffix(), Compiler: filepath.Base(j.compiler.Path),
			Messages: messages.Bytes(), Err: err,
		}
	}
	return stdout.Bytes(), nil
}
